"""A training whose bound or validation bound is lost is no success, even where its objective stays finite."""

import itertools
from pathlib import Path

import pytest

from inference_gaps.replication.cli import main
from inference_gaps.training import loop
from tests.command_lines import arguments, run

TRAIN = {
    "architecture": {"kind": "mlp", "latent_dim": 2, "encoder_hidden": [5], "decoder_hidden": [5]},
    "epochs": 4,
    "warm_up_epochs": 0,
    "validation_points": 10,
}
NAN = float("nan")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "data.safetensors"
    run("prepare-data", dataset="mnist-small", binarisation="static",
        folder=Path("data/embedded/mnist-small"), output=path)  # fmt: skip
    return path


@pytest.mark.parametrize(
    ("validations", "epoch"),
    [
        ([NAN, NAN, NAN, NAN], 2),
        ([-200.0, NAN, -200.0, NAN], 4),
        ([-200.0, -200.0, -1.5e30, -1.5e30], 4),
        ([-200.0, NAN, NAN, -200.0], 3),
        ([-200.0, NAN, -200.0, -200.0], None),
    ],
    ids=["always", "at the end", "enormous", "twice in a row", "once"],
)
def test_validations(
    validations: list[float],
    epoch: int | None,
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    measured = itertools.cycle(validations)
    monkeypatch.setattr(loop, "mean_elbo", lambda *given: next(measured))
    line = arguments(
        "train", spec=TRAIN, data=data, output=tmp_path / "m.safetensors", metrics=tmp_path / "m.csv"
    )
    assert main(line) == (epoch is not None)
    said = capsys.readouterr().err
    assert (f"diverged: in epoch {epoch} of 4 its validation ELBO is" in said) == (epoch is not None), said
    assert (tmp_path / "m.safetensors").exists() == (epoch is None)


def test_the_bound_itself(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    step = loop._step
    line = arguments("train", spec=TRAIN | {"validation_points": 0}, data=data,
                     output=tmp_path / "m.safetensors", metrics=tmp_path / "m.csv")  # fmt: skip
    monkeypatch.setattr(loop, "_step", lambda *given: step(*given) * 1e28)
    assert main(line) == 1
    assert "the training diverged: in epoch 2 of 4 its ELBO is -" in capsys.readouterr().err


def test_a_rerun_goes_on_from_the_state_that_was_kept(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INFERENCE_GAPS_SAVE_SECONDS", "0")
    measured = iter([-200.0, -200.0, -200.0, NAN, NAN])
    monkeypatch.setattr(loop, "mean_elbo", lambda *given: next(measured))
    line = arguments(
        "train", spec=TRAIN, data=data, output=tmp_path / "m.safetensors", metrics=tmp_path / "m.csv"
    )
    assert main(line) == 1
    assert list(tmp_path.glob(".m.safetensors.*.resume"))
    capsys.readouterr()
    assert main(line) == 1
    said = capsys.readouterr().err
    assert "resumed at its end" in said
    assert "the training diverged: in epoch 4 of 4" in said
