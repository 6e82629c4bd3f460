"""Files that are what any program writes, appear whole or not at all, and whose record says what made them."""

import ast
import io
import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.figure import Figure

from inference_gaps.errors import UserError
from inference_gaps.replication.artifacts import records
from inference_gaps.replication.artifacts.atomic import atomic_path
from inference_gaps.replication.artifacts.files import (
    all_or_none,
    check_content,
    read_provenance,
    read_tensors,
    read_values,
    write_bytes,
    write_document,
    write_tensors,
    write_values,
)
from inference_gaps.replication.artifacts.records import find_record, places_by_content, record_file
from inference_gaps.replication.artifacts.run_records import running
from inference_gaps.replication.cli import main
from tests.small_project import ROOT

PROVENANCE = {"command": "test", "fingerprint": "0123", "spec": {"b": 1, "a": [0.1, None, "a -- b --> ü"]}}
FRAME = pd.DataFrame({"a": [1.25, 2.5]})


def _values(path: Path) -> None:
    write_values(path, FRAME, PROVENANCE)


def _tensors(path: Path) -> None:
    write_tensors(path, {"a": torch.ones(100)}, PROVENANCE)


def _document(path: Path) -> None:
    write_document(path, b"# Title\n\n| text |\n", PROVENANCE)


def _picture(path: Path) -> None:
    figure, file = Figure(figsize=(1, 1)), io.BytesIO()
    figure.subplots().plot([0, 1])
    figure.savefig(file, format="png")
    write_document(path, file.getvalue(), PROVENANCE)


KINDS: dict[str, Callable[[Path], None]] = {
    "v.csv": _values,
    "t.safetensors": _tensors,
    "d.md": _document,
    "p.png": _picture,
}
READERS: dict[str, Callable[[Path], object]] = {"v.csv": read_values, "t.safetensors": read_tensors}


def test_values_keep_every_bit(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=5000) * 10.0 ** rng.integers(-12, 12, 5000)
    write_values(tmp_path / "v.csv", pd.DataFrame({"point": range(5000), "value": numbers}), PROVENANCE)
    read, provenance = read_values(tmp_path / "v.csv")
    assert (read["value"].to_numpy() == numbers).all()
    assert provenance == read_provenance(tmp_path / "v.csv")


def test_tensors_keep_every_bit_and_their_types(tmp_path: Path) -> None:
    tensors = {"a": torch.randn(3, 4).mT, "b": torch.arange(5, dtype=torch.uint8), "c": torch.tensor(7)}
    write_tensors(tmp_path / "t.safetensors", tensors, PROVENANCE)
    read, provenance = read_tensors(tmp_path / "t.safetensors")
    assert provenance == read_provenance(tmp_path / "t.safetensors")
    assert set(read) == set(tensors)
    assert all(torch.equal(read[name], tensors[name]) for name in tensors)
    assert read["b"].dtype == torch.uint8


def test_files_are_plain_and_their_record_says_what_made_them(tmp_path: Path) -> None:
    _values(tmp_path / "v.csv")
    _document(tmp_path / "d.md")
    assert (tmp_path / "v.csv").read_bytes() == b"a\n1.25\n2.5\n"
    assert (tmp_path / "d.md").read_bytes() == b"# Title\n\n| text |\n"
    for name in ("v.csv", "d.md"):
        found = check_content(tmp_path / name)
        assert found == {**PROVENANCE, "sha256": records.file_sha256(tmp_path / name)}


def test_the_files_of_a_job_have_one_record_that_says_when_it_ran(tmp_path: Path) -> None:
    with running(["test", "--threads", "2"], {"threads": 2}), all_or_none():
        _document(tmp_path / "d.md")
        _values(tmp_path / "v.csv")
    assert [file.name for file in (tmp_path / "records").iterdir()] == ["v.csv.json"]
    record = find_record(tmp_path / "d.md")
    assert record == find_record(tmp_path / "v.csv")
    assert record is not None
    assert set(record.outputs) == {"d.md", "v.csv"}
    assert record.run is not None
    assert record.run["arguments"] == ["test", "--threads", "2"]
    assert record.run["started"] <= record.run["ended"]
    _values(tmp_path / "v.csv")  # Not by a command line.
    assert find_record(tmp_path / "v.csv").run is None  # type: ignore[union-attr]


def test_a_folder_can_be_moved_with_its_records(tmp_path: Path) -> None:
    for name, write in KINDS.items():
        write(tmp_path / "here" / name)
    shutil.move(tmp_path / "here", tmp_path / "there")
    for name in KINDS:
        assert check_content(tmp_path / "there" / name)["fingerprint"] == "0123"


def test_code_that_stands_for_other_code_makes_the_same_bytes(tmp_path: Path) -> None:
    """What is made from weights refers to their bytes, so an edit that changes no result must not change them."""
    codes = ({"train": "0a"}, {"train": "0b"})
    for name, code in zip("ab", codes, strict=True):
        write_tensors(tmp_path / name, {"a": torch.ones(100)}, {**PROVENANCE, "exact_code": code})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert [read_provenance(tmp_path / name)["exact_code"] for name in "ab"] == list(codes)


def test_tensors_without_their_record_speak_for_themselves(tmp_path: Path) -> None:
    _tensors(tmp_path / "t.safetensors")
    made_by = read_tensors(tmp_path / "t.safetensors")[1]
    shutil.rmtree(tmp_path / "records")
    assert read_tensors(tmp_path / "t.safetensors")[1] == made_by
    with pytest.raises(UserError, match="was made by 'inference-gaps test', not by 'inference-gaps train'"):
        read_tensors(tmp_path / "t.safetensors", "train")
    content = bytearray((tmp_path / "t.safetensors").read_bytes())
    content[-3] ^= 1
    (tmp_path / "t.safetensors").write_bytes(content)
    with pytest.raises(UserError, match=r"cannot be read as a tensor file .*not what was written"):
        read_tensors(tmp_path / "t.safetensors")


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


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_truncated_files_are_sentences(name: str, share: float, tmp_path: Path) -> None:
    path = tmp_path / name
    KINDS[name](path)
    os.truncate(path, int(share * path.stat().st_size))
    for read in (read_provenance, check_content, READERS.get(name, check_content)):
        with pytest.raises(
            UserError, match=r"is not what 'inference-gaps test' wrote.* run that stage again"
        ):
            read(path)


@pytest.mark.parametrize("name", KINDS)
def test_one_altered_bit_is_noticed(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    KINDS[name](path)
    whole, rng = path.read_bytes(), random.Random(0)
    for _ in range(50):
        altered = bytearray(whole)
        altered[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        path.write_bytes(altered)
        with pytest.raises(UserError, match=f"{name} is not what 'inference-gaps test' wrote"):
            READERS.get(name, check_content)(path)


def test_one_altered_bit_of_a_record_is_noticed_or_means_the_same(tmp_path: Path) -> None:
    _values(tmp_path / "v.csv")
    file = record_file(tmp_path / "v.csv")
    whole, rng = file.read_bytes(), random.Random(0)
    for _ in range(300):
        altered = bytearray(whole)
        altered[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        file.write_bytes(altered)
        try:
            same = json.loads(altered) == json.loads(whole)
        except ValueError:
            same = False
        if not same:
            with pytest.raises(UserError, match=r"v.csv.json cannot be read as the record of a job"):
                read_values(tmp_path / "v.csv")


@pytest.mark.parametrize("content", ["", "1", "{}", "[" * 100_000, '{"checksum": ""}', '{"outputs": [1]}'])
def test_what_is_no_record_is_a_sentence(content: str, tmp_path: Path) -> None:
    _values(tmp_path / "v.csv")
    record_file(tmp_path / "v.csv").write_text(content)
    with pytest.raises(UserError, match=r"v.csv.json cannot be read as the record of a job.*; move it away"):
        read_values(tmp_path / "v.csv")


@pytest.mark.parametrize("lacking", ["command", "fingerprint", "spec"])
def test_a_record_that_says_too_little_is_a_sentence(lacking: str, tmp_path: Path) -> None:
    write_values(
        tmp_path / "v.csv", FRAME, {key: value for key, value in PROVENANCE.items() if key != lacking}
    )
    with pytest.raises(UserError, match="lacks a command, a fingerprint or a specification"):
        read_values(tmp_path / "v.csv")


def test_files_of_others_are_named_and_not_to_be_deleted(tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_text("a,b\n1,2\n")
    (tmp_path / "d.json").write_text(json.dumps([1]))
    (tmp_path / "t.safetensors").write_text("text")
    for read, name in ((read_values, "v.csv"), (read_provenance, "d.json"), (read_tensors, "t.safetensors")):
        with pytest.raises(UserError, match=f"{name}") as refusal:
            read(tmp_path / name)
        assert "delete" not in str(refusal.value)
    with pytest.raises(UserError, match=r"not known what made .* that 'inference-gaps evaluate-ais' made"):
        read_values(tmp_path / "v.csv", "evaluate-ais")
    for name in ("none.csv", "none.json", "none.safetensors"):
        with pytest.raises(UserError, match="does not exist; run the stage that makes it first"):
            read_provenance(tmp_path / name)


def test_no_sentence_advises_to_delete() -> None:
    """What is moved away is still there where the program was wrong about whose it is."""
    for file in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert not re.search(r"\bdelete\b|\brm\b", node.value), f"{file}, line {node.lineno}"


def test_a_record_that_vanishes_while_it_is_looked_for_is_no_record(tmp_path: Path) -> None:
    """As one does that another process replaces: it is listed, and then not there."""
    with all_or_none():
        for name in ("v.csv", "w.csv"):
            _values(tmp_path / name)
    for name in ("a.csv.json", "z.csv.json"):
        (tmp_path / "records" / name).symlink_to("nowhere")
    for name in ("v.csv", "w.csv"):
        record = find_record(tmp_path / name)
        assert record is not None
        assert set(record.outputs) == {"v.csv", "w.csv"}
        assert read_provenance(tmp_path / name)["command"] == "test"
    assert len(places_by_content([tmp_path])) == 1  # They are equal.
    assert find_record(tmp_path / "a.csv") is None
    assert find_record(tmp_path / "nowhere/a.csv") is None


def test_a_file_that_two_jobs_wrote_is_that_of_the_last_one(tmp_path: Path) -> None:
    for job, rows in (("1", 3), ("2", 4)):
        with all_or_none():
            write_values(
                tmp_path / "shared.csv", pd.DataFrame({"a": range(rows)}), {**PROVENANCE, "fingerprint": job}
            )
            write_document(tmp_path / f"{job}.md", b"text", {**PROVENANCE, "fingerprint": job})
    assert read_values(tmp_path / "shared.csv")[1]["fingerprint"] == "2"
    assert check_content(tmp_path / "1.md")["fingerprint"] == "1"


def test_killed_between_the_files_and_their_record_they_have_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that was written again by another job must never be taken for what the earlier record says."""
    _document(tmp_path / "d.md")
    replace = Path.replace

    def killed(self: Path, target: Path) -> Path:
        if target.suffix == ".json":
            raise KeyboardInterrupt
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        write_document(tmp_path / "d.md", b"# Title\n\n| TEXT |\n", {**PROVENANCE, "fingerprint": "4567"})
    with pytest.raises(UserError, match="not known what made"):
        read_provenance(tmp_path / "d.md")


def test_tensors_are_written_to_the_same_bytes_by_every_process(tmp_path: Path) -> None:
    write = (
        "import sys, torch\nfrom inference_gaps.replication.artifacts.files import write_tensors\n"
        "write_tensors(sys.argv[1], {name: torch.ones(2) for name in 'abcd'}, {'spec': {}, 'fingerprint': '0'})"
    )
    for seed in "12":
        command = [sys.executable, "-c", write, str(tmp_path / seed)]
        subprocess.run(command, env={**os.environ, "PYTHONHASHSEED": seed}, check=True)
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


def test_explain_knows_a_file_that_was_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    made_by = {**PROVENANCE, "packages": {"numpy": "2"}, "inputs": {}}
    write_values("results/quick/table2.csv", FRAME, made_by)
    Path("results/quick/table2.csv").rename("mine.csv")
    assert main(["explain", "mine.csv"]) == 0
    said = capsys.readouterr().out
    assert "It is a copy of results/quick/table2.csv" in said
    assert "fingerprint   0123" in said
    Path("mine.csv").write_text("other")
    assert main(["explain", "mine.csv"]) == 1
    assert "It is not known what made mine.csv" in capsys.readouterr().err
    assert main(["explain", "results/quick"]) == 1
    assert "Name a file that a stage of inference-gaps made" in capsys.readouterr().err
