"""Snakemake killed while it trains, and two runs at once, on a small real model."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from inference_gaps.replication.artifacts.files import read_provenance
from tests.snakemake_runs import NOTHING, snakemake
from tests.workflow.conftest import trained_project

_FOLDER = "results/tiny/models/digits/seed-0"
_MODEL_FILE = f"{_FOLDER}/model.safetensors"
_SNAKEMAKE = str(Path(sys.executable).parent / "snakemake")
_LOG = "results/tiny/logs/train/digits/seed-0.log"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with prepared data."""
    return trained_project(tmp_path_factory.mktemp("prepared"))


@pytest.fixture
def study(prepared: Path, tmp_path: Path) -> Path:
    return shutil.copytree(prepared, tmp_path / "study", symlinks=True)


def start(study: Path, *command: str) -> subprocess.Popen[str]:
    """Start a run that saves its state often, with its jobs in a process group of their own."""
    return subprocess.Popen(
        [*(command or (sys.executable, "scripts/run_snakemake.py")), "--cores", "1", _MODEL_FILE],
        cwd=study,
        env={**os.environ, "PYTHONPATH": str(study / "src"), "INFERENCE_GAPS_SAVE_SECONDS": "0.1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 90
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def trains(study: Path) -> bool:
    return bool(list((study / _FOLDER).glob(".model*.resume")))  # Not one that is being written.


@contextlib.contextmanager
def training(study: Path, *command: str) -> Iterator[subprocess.Popen[str]]:
    """Yield a run whose training has saved a state; what is left of the run at the end is killed."""
    run = start(study, *command)
    try:
        wait_for(lambda: trains(study) or run.poll() is not None)
        assert run.poll() is None, run.communicate()[0]
        yield run
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)


def test_after_a_kill_of_everything_the_next_run_goes_on(study: Path) -> None:
    with training(study) as run:
        os.killpg(run.pid, signal.SIGKILL)
        run.communicate()
    assert list((study / ".snakemake/locks").iterdir())
    assert not (study / _MODEL_FILE).exists()
    again = start(study)
    said = again.communicate()[0]
    assert again.returncode == 0, said
    if sys.platform == "linux":
        assert (study / ".snakemake/warm.log").read_text() == "", "a job ran cold"
    assert "The last run was killed; what it was making goes on from where it was.\n" in said
    assert "inference-gaps train: resumed at epoch " in (study / _LOG).read_text()
    assert not trains(study)
    assert NOTHING in snakemake(study, "--cores", "1", _MODEL_FILE).stderr


def test_a_job_that_outlives_its_snakemake_is_not_done_twice(study: Path) -> None:
    with training(study) as run:
        run.kill()  # Not its job, which goes on.
        run.wait()
        again = start(study, _SNAKEMAKE)
        said = again.communicate()[0]
    assert again.returncode == 0, said
    log = (study / _LOG).read_text()
    assert (
        "another process is making" in log and "has been made by that process" in log
    ) or "resumed at" in log
    assert not [path.name for path in (study / _FOLDER).iterdir() if path.name.startswith(".")]


@pytest.mark.faults
def test_an_output_of_a_job_that_outlived_its_snakemake_costs_nothing(study: Path) -> None:
    """Snakemake has no record that it was completed, removes it, and is given it again from the kept state."""
    with training(study) as run:
        run.kill()
        run.wait()
        wait_for((study / _MODEL_FILE).exists)
        wait_for(lambda: not (study / _FOLDER / ".model.safetensors.lock").exists())
    before = (study / _MODEL_FILE).read_bytes()
    again = start(study)
    said = again.communicate()[0]
    assert again.returncode == 0, said
    assert "inference-gaps train: resumed at its end" in (study / _LOG).read_text()
    assert (study / _MODEL_FILE).read_bytes() == before
    assert not trains(study)


@pytest.mark.faults
def test_an_interrupted_run_saves_and_goes_on(study: Path) -> None:
    with training(study) as run:
        os.killpg(run.pid, signal.SIGINT)  # As Ctrl-C in a terminal does.
        said = run.communicate()[0]
    assert run.returncode != 0
    assert "inference-gaps train: interrupted by SIGINT at epoch " in (study / _LOG).read_text(), said
    assert trains(study)
    again = start(study)
    assert again.wait() == 0
    assert "inference-gaps train: resumed at epoch " in (study / _LOG).read_text()
    assert read_provenance(study / _MODEL_FILE)["spec"]["epochs"] == 40


@pytest.mark.parametrize(
    "directly",
    [
        pytest.param(False, id="make-make"),
        pytest.param(True, id="snakemake-make", marks=pytest.mark.faults),
    ],
)
def test_two_runs_at_once(directly: bool, study: Path) -> None:
    """The second says a sentence and starts nothing; the first is not disturbed."""
    command = [_SNAKEMAKE] if directly else []
    with training(study, *command) as run:
        second = start(study)
        said = second.communicate()[0]
        assert run.poll() is None
        assert second.returncode == 1
        assert said == (
            f"snakemake: another run is going on in this folder (process {run.pid}); wait until it has ended, or "
            f"stop it. Nothing was started.\n"
        )
        first = run.communicate()[0]
        assert run.returncode == 0, first
    assert (study / _MODEL_FILE).exists()
