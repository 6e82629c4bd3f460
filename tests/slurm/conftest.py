"""A Slurm of one node for as long as the tests run, and projects to run on it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.slurm.one_node import Cluster
from tests.small_project import ROOT, edit_yaml
from tests.snakemake_runs import snakemake
from tests.workflow.conftest import stub_project, trained_project

_PLUGIN = "snakemake_executor_plugin_slurm"


@pytest.fixture(scope="session", params=["without accounting", "with accounting"])
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster of one node with one core, whose jobs are counted or not."""
    if os.getuid() or shutil.which("apt-get") is None:
        pytest.skip("Slurm is started as root, on Debian")
    __import__(_PLUGIN)
    # A path without room for a socket would not do.
    folder = tmp_path_factory.mktemp("slurm", numbered=True)
    script = ROOT / "tests/slurm/one_node.sh"
    words = ["accounting"] if request.param == "with accounting" else []
    subprocess.run([str(script), "start", str(folder), *words], check=True, stdout=sys.stderr)
    try:
        yield Cluster(bool(words))
    finally:
        subprocess.run([str(script), "stop", str(folder)], check=True)


@pytest.fixture(autouse=True)
def _cleared(cluster: Cluster) -> Iterator[None]:
    """Leave no job of one test, and no closed node, to the next."""
    yield
    cluster.clear()


@pytest.fixture
def stub(tmp_path: Path) -> Path:
    """A project whose commands only make files."""
    top = stub_project(tmp_path / "stub")
    edit_yaml(top / "config/config.yaml", ("experiments", ["again"]), ("device", "auto"))
    return top


@pytest.fixture(scope="session")
def _prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained_project(tmp_path_factory.mktemp("real"))


@pytest.fixture
def study(_prepared: Path, tmp_path: Path) -> Path:
    """A project with a small real model to train, and prepared data."""
    return shutil.copytree(_prepared, tmp_path / "study", symlinks=True)


@pytest.fixture(scope="session")
def uninterrupted(_prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The weights of that model, trained without Slurm and in one go."""
    top = shutil.copytree(_prepared, tmp_path_factory.mktemp("local") / "study", symlinks=True)
    weights = "results/tiny/models/digits/seed-0/model.safetensors"
    done = snakemake(top, "--cores", "1", weights)
    assert done.returncode == 0, done.stderr
    return (top / weights).read_bytes()
