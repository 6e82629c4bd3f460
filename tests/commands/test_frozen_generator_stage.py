"""A recognition network trained for the generator of another model, by the commands."""

from pathlib import Path

import pytest
import torch

from inference_gaps.replication.artifacts.files import read_provenance, read_tensors, read_values
from inference_gaps.replication.artifacts.fingerprints import identity
from inference_gaps.replication.cli import main
from tests.command_lines import arguments, run

MLP = {"kind": "mlp", "latent_dim": 3, "encoder_hidden": [20], "decoder_hidden": [15]}
TRAIN = {
    "architecture": MLP,
    "posterior": {"family": "ffg"},
    "epochs": 5,
    "learning_rate": 0.01,
    "schedule": "geometric",
    "warm_up_epochs": 0,
    "validation_points": 0,
}
FROZEN = TRAIN | {"frozen_generator": True, "architecture": MLP | {"encoder_hidden": []}, "seed": 4}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("frozen")
    for name in ("mnist-small", "mnist-14x14"):
        run("prepare-data", dataset=name, binarisation="static", folder=Path("data/embedded/mnist-small"),
            output=folder / f"{name}.safetensors")  # fmt: skip
    data = folder / "mnist-small.safetensors"
    run("train", spec=TRAIN | {"checkpoints": [2]}, data=data, output=folder / "model.safetensors",
        metrics=folder / "model.csv")  # fmt: skip
    run("train", spec=FROZEN, data=data, generator=folder / "model.safetensors",
        output=folder / "frozen.safetensors", metrics=folder / "frozen.csv")  # fmt: skip
    return folder


def test_the_written_model_has_the_other_ones_generator(folder: Path) -> None:
    model, made_by = read_tensors(folder / "model.safetensors")
    frozen, provenance = read_tensors(folder / "frozen.safetensors")
    names = [name for name in frozen if name.startswith("generator.")]
    assert names
    assert all(torch.equal(frozen[name], model[name]) for name in names)
    data = identity(read_provenance(folder / "mnist-small.safetensors"))
    assert provenance["inputs"] == {"data": data, "generator": identity(made_by)}
    rows, _ = read_values(folder / "frozen.csv")
    assert rows["elbo"].iloc[-1] > rows["elbo"].iloc[0] + 5


@pytest.mark.parametrize(
    ("spec", "flags", "sentence"),
    [
        (FROZEN, {}, "give it exactly when the specification says frozen_generator: true."),
        (TRAIN, {"generator": "model.safetensors"}, "give it exactly when the specification says frozen_generator"),
        (FROZEN, {"generator": "mnist-small.safetensors"}, "was made by 'inference-gaps prepare-data', not by"),
        (FROZEN, {"generator": "missing.safetensors"}, "does not exist"),
        (FROZEN, {"generator": "model.safetensors", "data": "mnist-14x14.safetensors"},
         "was trained on images of 1 x 28 x 28, but the data holds images of 1 x 14 x 14"),
        (FROZEN | {"architecture": MLP | {"activation": "tanh"}}, {"generator": "model.safetensors"},
         "has a generator with architecture.activation elu, but --spec asks for tanh"),
        (FROZEN | {"architecture": MLP | {"folded": True}}, {"generator": "model.safetensors"},
         "has a generator with architecture.folded False, but --spec asks for True"),
        (FROZEN | {"architecture": {"kind": "linear-gaussian"}}, {"generator": "model.safetensors"},
         "has a generator with architecture.activation elu, but --spec asks for absent"),
    ],
)  # fmt: skip
def test_wrong_use_is_a_sentence(
    spec: dict,
    flags: dict[str, str],
    sentence: str,
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
) -> None:
    files = {name: folder / file for name, file in ({"data": "mnist-small.safetensors"} | flags).items()}
    outputs = {"output": tmp_path / "m.safetensors", "metrics": tmp_path / "m.csv"}
    assert main(arguments("train", spec=spec, **files, **outputs)) == 1
    message = " ".join(capsys.readouterr().err.split())
    assert sentence in message
    assert "Traceback" not in message
    assert not list(tmp_path.iterdir())
