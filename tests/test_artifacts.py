"""Files that appear whole or not at all, and say what made them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from inference_gaps.errors import UserError
from inference_gaps.replication.artifacts.files import (
    atomic_path,
    read_provenance,
    read_tensors,
    read_values,
    write_bytes,
    write_tensors,
    write_values,
)

PROVENANCE = {"command": "test", "fingerprint": "0123", "spec": {"b": 1, "a": [0.1, None]}}


def test_values_keep_every_bit(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=5000) * 10.0 ** rng.integers(-12, 12, 5000)
    frame = pd.DataFrame({"point": range(5000), "value": numbers})
    write_values(tmp_path / "v.csv", frame, PROVENANCE)
    read, provenance = read_values(tmp_path / "v.csv")
    assert (read["value"].to_numpy() == numbers).all()
    assert provenance == read_provenance(tmp_path / "v.csv")
    assert provenance == {**PROVENANCE, "sha256": provenance["sha256"]}


def test_tensors_keep_every_bit_and_their_types(tmp_path: Path) -> None:
    tensors = {"a": torch.randn(3, 4).mT, "b": torch.arange(5, dtype=torch.uint8), "c": torch.tensor(7)}
    write_tensors(tmp_path / "t.safetensors", tensors, PROVENANCE)
    read, provenance = read_tensors(tmp_path / "t.safetensors")
    assert provenance == read_provenance(tmp_path / "t.safetensors")
    assert provenance == {**PROVENANCE, "sha256": provenance["sha256"]}
    assert set(read) == set(tensors)
    assert all(torch.equal(read[name], tensors[name]) for name in tensors)
    assert read["b"].dtype == torch.uint8


def test_a_failure_keeps_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    write_bytes(path, b"old")

    def fail_halfway() -> None:
        with atomic_path(path) as temporary:
            temporary.write_bytes(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_halfway()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_file_follows_the_umask(tmp_path: Path) -> None:
    write_bytes(tmp_path / "x", b"")
    ordinary = tmp_path / "ordinary"
    ordinary.touch()
    assert (tmp_path / "x").stat().st_mode == ordinary.stat().st_mode


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"Could not write .*/file/x.csv: .*nothing else was changed"):
        write_bytes(tmp_path / "file" / "x.csv", b"")


@pytest.mark.parametrize("size", [0, 5, 60])
def test_truncated_files_are_sentences(size: int, tmp_path: Path) -> None:
    values, tensors = tmp_path / "v.csv", tmp_path / "t.safetensors"
    write_values(values, pd.DataFrame({"a": [1.0]}), PROVENANCE)
    write_tensors(tensors, {"a": torch.zeros(100)}, PROVENANCE)
    for path in (values, tensors):
        os.truncate(path, size)
    with pytest.raises(UserError, match=r"cannot be read as a values file of this project .* delete it"):
        read_values(values)
    with pytest.raises(UserError, match=r"cannot be read as a tensor file of this project .* delete it"):
        read_tensors(tensors)
    with pytest.raises(UserError, match="does not say what made it"):
        read_provenance(tensors)


def test_foreign_files_are_sentences(tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_text("a,b\n1,2\n")
    (tmp_path / "d.json").write_text(json.dumps([1]))
    with pytest.raises(UserError, match="first line does not say what made it"):
        read_values(tmp_path / "v.csv")
    with pytest.raises(UserError, match="does not say what made it"):
        read_provenance(tmp_path / "d.json")
    for name in ("none.csv", "none.json", "none.safetensors"):
        with pytest.raises(UserError, match="does not exist; run the stage that makes it first"):
            read_provenance(tmp_path / name)


def test_tensors_are_written_to_the_same_bytes_by_every_process(tmp_path: Path) -> None:
    write = (
        "import sys, torch\nfrom inference_gaps.replication.artifacts.files import write_tensors\n"
        "write_tensors(sys.argv[1], {name: torch.ones(2) for name in 'abcd'}, {'spec': {}, 'fingerprint': '0'})"
    )
    for name in "123":
        subprocess.run([sys.executable, "-c", write, str(tmp_path / name)], check=True)
    assert len({(tmp_path / name).read_bytes() for name in "123"}) == 1


@pytest.mark.parametrize("place", ["content", "provenance"])
def test_one_altered_bit_is_noticed(place: str, tmp_path: Path) -> None:
    values, tensors = tmp_path / "v.csv", tmp_path / "t.safetensors"
    write_values(values, pd.DataFrame({"a": [1.25, 2.5]}), PROVENANCE)
    write_tensors(tensors, {"a": torch.ones(100)}, PROVENANCE)
    for path in (values, tensors):
        content = bytearray(path.read_bytes())
        at = content.index(b"0123") if place == "provenance" else len(content) - 3
        content[at] ^= 1
        path.write_bytes(content)
    with pytest.raises(UserError, match=r"v.csv cannot be read .*\(its content is not what was written"):
        read_values(values)
    with pytest.raises(
        UserError, match=r"t.safetensors cannot be read .*\(its content is not what was written"
    ):
        read_tensors(tensors)
