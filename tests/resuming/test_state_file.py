"""The file of a saved state: everything comes back to the bit, and damage is noticed."""

import json
import random
from pathlib import Path

import pytest
import torch

from inference_gaps.errors import UserError
from inference_gaps.replication.artifacts.code import SOURCES
from inference_gaps.replication.jobs import state_file
from inference_gaps.replication.jobs.state_file import UnusableState, read_record, write_record

CPU = torch.device("cpu")


def record() -> dict:
    base = torch.arange(24, dtype=torch.float64)
    return {
        "parts": {"inner": {"parts": {}, "step": 3}},
        "state": {
            0: torch.tensor(0.1, dtype=torch.float32),
            "views of one storage": [base[:5], base[3:9], base.view(4, 6).T],
            "bytes": torch.Generator().manual_seed(1).get_state(),
            "flags": torch.tensor([True, False]),
            "nothing": torch.zeros(0, 3),
            "images": torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
            "numbers": (1, -0.0, 1e-323, float("inf"), 0.1 + 0.2, None, True, "text"),
            "not a number": float("nan"),
        },
    }


def same(one: object, other: object) -> bool:
    if isinstance(one, torch.Tensor):
        assert isinstance(other, torch.Tensor)
        equal = one.dtype == other.dtype and one.shape == other.shape
        return equal and one.contiguous().numpy().tobytes() == other.contiguous().numpy().tobytes()
    if isinstance(one, dict):
        assert isinstance(other, dict)
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        assert isinstance(other, list | tuple)
        return len(one) == len(other) and all(map(same, one, other)) and type(one) is type(other)
    return repr(one) == repr(other)


def test_everything_comes_back_to_the_bit(tmp_path: Path) -> None:
    kept = record()
    write_record(tmp_path / "state", kept, "abc", CPU)
    read = read_record(tmp_path / "state", "abc", CPU)
    assert same(read, kept)
    # Kernels walk over moments and weights in step, so their layouts have to agree.
    assert read["state"]["images"].stride() == kept["state"]["images"].stride()
    for tensor in (read["state"]["images"], read["state"]["bytes"]):
        assert tensor.data_ptr() % 64 == 0


def test_every_flipped_bit_is_noticed(tmp_path: Path) -> None:
    path, kept, rng = tmp_path / "state", record(), random.Random(0)
    write_record(path, kept, "abc", CPU)
    whole, refused = path.read_bytes(), 0
    header = int.from_bytes(whole[:8], "little") + 8
    places = [rng.randrange(header) for _ in range(100)] + list(range(header, len(whole), 11))
    for place in places:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        try:
            read = read_record(path, "abc", CPU)
        except UnusableState:
            refused += 1
        else:
            assert same(read, kept)
    # Spaces that fill up the header, and the order of keys, mean nothing.
    assert refused > len(places) - 10


def test_every_truncation_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "state"
    write_record(path, record(), "abc", CPU)
    whole = path.read_bytes()
    for length in [0, 1, 7, 8, 9, *range(50, len(whole), 97), len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(UnusableState, match="is damaged"):
            read_record(path, "abc", CPU)


def test_states_of_others_are_not_taken(tmp_path: Path) -> None:
    path = tmp_path / "state"
    write_record(path, record(), "abc", CPU)
    with pytest.raises(UnusableState, match="belongs to another job"):
        read_record(path, "abd", CPU)
    with pytest.raises(UnusableState, match="comes from a run on cpu, and this one computes on cuda"):
        read_record(path, "abc", torch.device("cuda"))


@pytest.mark.parametrize(
    ("edited", "concerned"),
    [
        ("numerics.checkpoint", True),
        ("replication.jobs.state_file", True),
        ("replication.artifacts.tensor_files", True),
        ("replication.jobs.job", True),
        ("replication.jobs.lock", False),
        ("errors", False),
    ],
)
def test_states_belong_to_the_code_that_makes_and_keeps_them(edited: str, concerned: bool) -> None:
    before, text = state_file.code_of_states(), SOURCES.text
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(
            SOURCES,
            "text",
            lambda name: text(name) + ("edited" if name == f"inference_gaps.{edited}" else ""),
        )
        assert (state_file.code_of_states() != before) == concerned


def test_a_pickle_is_not_opened(tmp_path: Path) -> None:
    torch.save({"state": torch.zeros(3)}, tmp_path / "state")
    with pytest.raises(UnusableState, match="is damaged"):
        read_record(tmp_path / "state", "abc", CPU)


def test_a_state_of_something_else_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="not PosixPath"):
        write_record(tmp_path / "state", {"state": {"path": tmp_path}}, "abc", CPU)


def test_an_unwritable_folder_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="Could not write"):
        write_record(tmp_path / "file" / "state", json.loads("{}"), "abc", CPU)
