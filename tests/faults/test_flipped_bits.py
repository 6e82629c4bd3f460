"""One flipped bit in an artifact is found wherever it is, and the artifact is not believed."""

import random
from pathlib import Path

import pytest

from inference_gaps.errors import UserError
from inference_gaps.replication.artifacts.files import read_tensors, read_values
from tests.faults.test_artifacts_of_another_kind import assert_refused, command_line

FLIPS = 60


@pytest.mark.parametrize(
    "name", ["data.safetensors", "model.safetensors", "local-ffg.safetensors", "simulated.safetensors"]
)
def test_tensors(name: str, stages: Path) -> None:
    whole = (stages / name).read_bytes()
    positions = random.Random(0)
    for _ in range(FLIPS):
        damaged = bytearray(whole)
        damaged[positions.randrange(len(whole))] ^= 1 << positions.randrange(8)
        (stages / name).write_bytes(damaged)
        with pytest.raises(UserError, match=f"{name} is not what"):
            read_tensors(stages / name)


@pytest.mark.parametrize("name", ["metrics.csv", "iwae.csv", "ais.csv", "bdmc.csv", "exact.csv"])
def test_values(name: str, stages: Path) -> None:
    whole = (stages / name).read_bytes()
    positions = random.Random(0)
    for _ in range(FLIPS):
        damaged = bytearray(whole)
        damaged[positions.randrange(len(whole))] ^= 1 << positions.randrange(8)
        (stages / name).write_bytes(damaged)
        with pytest.raises(UserError, match=f"{name} is not what"):
            read_values(stages / name)


@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
def test_truncated_values(share: float, stages: Path) -> None:
    content = (stages / "metrics.csv").read_bytes()
    (stages / "metrics.csv").write_bytes(content[: int(share * len(content))])
    with pytest.raises(UserError, match=r"metrics\.csv is not what"):
        read_values(stages / "metrics.csv")


def test_a_stage_refuses_a_model_with_a_flipped_bit(stages: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = bytearray((stages / "model.safetensors").read_bytes())
    content[-3] ^= 1
    (stages / "model.safetensors").write_bytes(content)
    assert_refused(stages, command_line(stages, "evaluate-iwae"), "model.safetensors is not what", capsys)
