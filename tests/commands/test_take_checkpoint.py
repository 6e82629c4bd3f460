"""Checkpoints of a training by their commands: kept, taken, evaluated."""

from pathlib import Path

import pytest

from inference_gaps.replication.artifacts.files import read_provenance, read_tensors, read_values
from inference_gaps.replication.artifacts.fingerprints import identity
from inference_gaps.replication.cli import main
from tests.command_lines import arguments, run

TRAIN = {
    "architecture": {"kind": "mlp", "latent_dim": 3, "encoder_hidden": [20], "decoder_hidden": [20]},
    "posterior": {"family": "af", "flow_hidden": 10},
    "epochs": 6,
    "learning_rate": 0.01,
    "schedule": "geometric",
    "warm_up_epochs": 2,
    "validation_points": 0,
}
IWAE = {"points": 20, "samples": 200}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a training that kept two checkpoints, both taken out of it, and one that kept none."""
    folder = tmp_path_factory.mktemp("checkpoints")
    data = folder / "data.safetensors"
    run("prepare-data", dataset="mnist-small", binarisation="static",
        folder=Path("data/embedded/mnist-small"), output=data)  # fmt: skip
    for name, checkpoints in (("model", [1, 4]), ("plain", [])):
        run("train", spec=TRAIN | {"checkpoints": checkpoints}, data=data,
            output=folder / f"{name}.safetensors", metrics=folder / f"{name}.csv")  # fmt: skip
    for epoch in (1, 4):
        run("take-checkpoint", spec={"epoch": epoch}, model=folder / "model.safetensors",
            output=folder / f"epoch-{epoch}/model.safetensors")  # fmt: skip
    return folder


def test_the_end_of_the_training_is_the_same_with_checkpoints(folder: Path) -> None:
    kept, _ = read_tensors(folder / "model.safetensors")
    plain, _ = read_tensors(folder / "plain.safetensors")
    assert all(kept[name].equal(plain[name]) for name in plain)
    assert len(kept) == 3 * len(plain)


def test_a_checkpoint_is_a_model_file_that_names_its_training(folder: Path) -> None:
    kept, made_by = read_tensors(folder / "model.safetensors")
    taken, provenance = read_tensors(folder / "epoch-4/model.safetensors")
    names = {name for name in kept if name.startswith("epoch-4.")}
    assert names == {f"epoch-4.{name}" for name in taken}
    assert all(kept[f"epoch-4.{name}"].equal(tensor) for name, tensor in taken.items())
    assert provenance["inputs"] == {"model": identity(made_by)}
    assert provenance["spec"] == {"epoch": 4}
    assert provenance["training"] == made_by["spec"]


def test_later_checkpoints_are_better_models(folder: Path, tmp_path: Path) -> None:
    """Each is evaluated like any model, and is none of the others."""
    bounds = []
    for name in ("epoch-1/model", "epoch-4/model", "model", "plain"):
        output, model = tmp_path / "iwae.csv", folder / f"{name}.safetensors"
        run("evaluate-iwae", spec=IWAE, data=folder / "data.safetensors", model=model, output=output)
        values, provenance = read_values(output)
        assert provenance["inputs"]["model"] == identity(read_provenance(model))
        bounds.append(values[values["bound"] == "iwae"]["value"].mean())
    assert bounds == sorted(bounds)
    assert bounds[0] + 1 < bounds[1] < bounds[2] == bounds[3]


@pytest.mark.parametrize(
    ("spec", "model", "sentence"),
    [
        ({"epoch": 3}, "model.safetensors",
         "does not hold the weights after epoch 3; the checkpoints that its training kept are: 1, 4. Name one of "
         "these, or train with 3 among the checkpoints."),
        ({"epoch": 6}, "plain.safetensors", "the checkpoints that its training kept are: none."),
        ({"epoch": 1}, "epoch-1/model.safetensors",
         "was made by 'inference-gaps take-checkpoint', not by 'inference-gaps train'; name a file"),
        ({}, "model.safetensors", "--spec: epoch is missing; it must be a whole number, at least 1"),
    ],
)  # fmt: skip
def test_a_checkpoint_that_is_not_there_is_a_sentence(
    spec: dict, model: str, sentence: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    line = arguments("take-checkpoint", spec=spec, model=folder / model, output=tmp_path / "out.safetensors")
    assert main(line) == 1
    assert sentence in " ".join(capsys.readouterr().err.split())
    assert not list(tmp_path.iterdir())
