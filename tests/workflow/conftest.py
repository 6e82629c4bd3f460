"""A copy of the workflow and of the package in a folder of its own, whose commands only make files."""

import shutil
from pathlib import Path

import pytest

from tests.notebooks.small_notebooks import write_notebook
from tests.small_project import ROOT, copy_workflow, edit_yaml, make_project, make_real_project
from tests.snakemake_runs import snakemake


def stub_project(top: Path) -> Path:
    """Make such a project at ``top`` and return it."""
    copy_workflow(make_project(top))
    shutil.copytree(ROOT / "scripts", top / "scripts")
    shutil.copy(ROOT / "tests/workflow/stub_cli.py", top / "src/inference_gaps/replication/cli.py")
    return top


_MLP = {"kind": "mlp", "latent_dim": 4, "encoder_hidden": [30], "decoder_hidden": [30], "activation": "elu"}
_MODEL = {"dataset": "mnist", "binarisation": "static", "architecture": _MLP, "posterior": {"family": "ffg"}}
_EXPERIMENTS = {
    "models": {"digits": _MODEL},
    "experiments": {"tiny": {"title": "T", "models": ["digits"], "splits": ["train"], "local": ["ffg"],
                             "published": 2}},
}  # fmt: skip
_PRESET = {
    "description": "a test",
    "seeds": [0],
    "points": 12,
    "datasets": {"mnist": {"copy": "mnist-small"}},
    "training": {"epochs": 40, "warm_up_epochs": 2, "learning_rate": 0.01},
}


def trained_project(top: Path) -> Path:
    """Write a project with a small real model to train, prepare its data, and return ``top``."""
    make_real_project(top, _PRESET, _EXPERIMENTS)
    done = snakemake(top, "--cores", "1", "data")
    assert done.returncode == 0, done.stderr
    return top


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return stub_project(tmp_path)


@pytest.fixture(scope="session")
def _finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = stub_project(tmp_path_factory.mktemp("finished"))
    edit_yaml(top / "config/experiments.yaml", ("convergence", {"models": ["digits-ffg"], "split": "train"}))
    edit_yaml(top / "config/presets/tiny.yaml", ("convergence.points", 3))
    write_notebook(
        top / "notebooks/numbers.py", "from inference_gaps.exact import quadrature", reads="gaps.csv"
    )
    done = snakemake(top, "--cores", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    return top


@pytest.fixture
def finished(_finished: Path, tmp_path: Path) -> Path:
    """A project whose study was run to its end, to be edited."""
    return shutil.copytree(_finished, tmp_path / "project", symlinks=True)
