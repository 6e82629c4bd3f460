"""A copy of the workflow and of the package in a folder of its own, whose commands only make files."""

import shutil
from pathlib import Path

import pytest

from tests.notebooks.small_notebooks import write_notebook
from tests.small_project import ROOT, copy_workflow, edit_yaml, make_project
from tests.snakemake_runs import snakemake


def stub_project(top: Path) -> Path:
    """Make such a project at ``top`` and return it."""
    copy_workflow(make_project(top))
    shutil.copytree(ROOT / "scripts", top / "scripts")
    shutil.copy(ROOT / "tests/workflow/stub_cli.py", top / "src/inference_gaps/replication/cli.py")
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
