"""Every artifact of a study as small as it can be, made by the commands themselves."""

import shutil
from pathlib import Path

import pytest

from inference_gaps.replication.specs.data import PrepareSpec
from inference_gaps.specs.bounds import IwaeSpec
from tests.command_lines import run
from tests.data.raw import dataset, grey_levels

POINTS = 4
TRAIN = {
    "architecture": {"kind": "mlp", "latent_dim": 2, "encoder_hidden": [3], "decoder_hidden": [3]},
    "epochs": 2,
    "batch_size": 20,
    "warm_up_epochs": 0,
    "schedule": "constant",
    "checkpoints": [1],
}
LOCAL = {"points": POINTS, "samples": 2, "steps": 3, "max_cycles": 2}
AIS = {"points": POINTS, "chains": 3, "distributions": 4, "leapfrog_steps": 2}
SIMULATED = {"split": "simulated", "points": POINTS}


def _make(folder: Path) -> None:
    def at(name: str) -> Path:
        return folder / name

    spec = PrepareSpec(dataset=dataset(folder / "raw", grey_levels(40, 2, 3)), binarisation="static")
    run("prepare-data", spec=spec, folder=at("raw"), output=at("data.safetensors"))
    run(
        "train",
        spec=TRAIN,
        data=at("data.safetensors"),
        output=at("model.safetensors"),
        metrics=at("metrics.csv"),
    )
    model = {"model": at("model.safetensors")}
    real = {"data": at("data.safetensors"), **model}
    run("simulate-data", spec={"points": POINTS}, output=at("simulated.safetensors"), **model)
    run(
        "optimise-local",
        spec=LOCAL,
        output=at("local-ffg.safetensors"),
        residuals=at("local-ffg.csv"),
        **real,
    )
    flow = LOCAL | {"family": "af", "flow_hidden": 3}
    run("optimise-local", spec=flow, output=at("local-af.safetensors"), residuals=at("local-af.csv"), **real)
    run("evaluate-iwae", spec={"points": POINTS, "samples": 5}, output=at("iwae.csv"), **real)
    run("evaluate-ais", spec=AIS, output=at("ais.csv"), **real)
    simulated = {"data": at("simulated.safetensors"), **model}
    run("evaluate-bdmc", spec=AIS | SIMULATED, output=at("bdmc.csv"), **simulated)
    run("evaluate-exact", spec={"points": POINTS}, output=at("exact.csv"), **real)
    other = PrepareSpec(
        dataset=dataset(folder / "raw", grey_levels(40, 3, 2), shape=[1, 3, 2]), binarisation="static"
    )
    run("prepare-data", spec=other, folder=at("raw"), output=at("other-shape.safetensors"))
    wider = TRAIN | {"architecture": TRAIN["architecture"] | {"latent_dim": 3}}
    run(
        "train",
        spec=wider,
        data=at("data.safetensors"),
        output=at("wider.safetensors"),
        metrics=at("wider.csv"),
    )
    assert IwaeSpec().points > POINTS


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every kind of artifact; nobody changes it."""
    folder = tmp_path_factory.mktemp("made")
    _make(folder)
    return folder


@pytest.fixture
def stages(made: Path, tmp_path: Path) -> Path:
    """A copy of the artifacts that a test may damage."""
    return Path(shutil.copytree(made, tmp_path / "stages"))
