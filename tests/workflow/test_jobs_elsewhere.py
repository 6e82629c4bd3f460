"""A job as it runs on another machine: in a Snakemake of its own, which reads configuration and code again."""

import os
import subprocess
from pathlib import Path

import pytest

from inference_gaps.replication.study.plan import load_study
from inference_gaps.replication.study.submitted import PLAN, write_plan
from tests.small_project import edit_yaml
from tests.snakemake_runs import snakemake

WEIGHTS = Path("results/tiny/models/digits-ffg/seed-0/model.safetensors")


@pytest.fixture
def trained(project: Path) -> Path:
    """A project with one trained model."""
    done = snakemake(project, "--cores", "1", str(WEIGHTS))
    assert done.returncode == 0, done.stderr
    return project


def job_elsewhere(project: Path, plan: Path, target: str) -> subprocess.CompletedProcess[str]:
    """Run a job as the plugin for Slurm does on a node."""
    flags = "--cores 1 --force --nolock --ignore-incomplete --keep-incomplete --rerun-triggers software-env"
    words = [*flags.split(), "--mode", "remote", "--allowed-rules", target.partition(":")[0]]
    return snakemake(project, *words, "--target-jobs", target, **{PLAN: str(plan)})


def submitted(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(project)
    return write_plan(load_study().jobs, Path(".snakemake/plans"))


def trainings(project: Path) -> int:
    return (project / "ran.txt").read_text().count("train\n")


def test_a_job_that_was_submitted_twice_leaves_what_is_finished(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = submitted(trained, monkeypatch)
    before = os.stat(WEIGHTS)
    done = job_elsewhere(trained, plan, "train:model=digits-ffg,seed=0")
    assert done.returncode == 0, done.stderr
    assert os.stat(WEIGHTS) == before
    assert trainings(trained) == 1


def test_a_job_makes_what_is_missing_and_sets_aside_what_is_in_its_place(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = submitted(trained, monkeypatch)
    content = WEIGHTS.read_bytes()
    WEIGHTS.write_bytes(b"of the user")
    done = job_elsewhere(trained, plan, "train:model=digits-ffg,seed=0")
    assert done.returncode == 0, done.stderr
    assert WEIGHTS.read_bytes() == content
    assert trainings(trained) == 2
    assert [path.read_bytes() for path in Path("results/.store").rglob(WEIGHTS.name)] == [b"of the user"]


def test_a_job_of_another_configuration_than_it_was_submitted_with_is_refused(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = submitted(trained, monkeypatch)
    edit_yaml(trained / "config/presets/tiny.yaml", ("datasets.mnist.training.epochs", 4))
    done = job_elsewhere(trained, plan, "train:model=digits-af,seed=0")
    assert done.returncode != 0
    assert "its specification or its code is not what the fingerprint" in done.stderr + _log(trained)
    assert not (trained / "results/tiny/models/digits-af/seed-0/model.safetensors").exists()


def test_a_job_that_the_study_no_longer_has_is_refused(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = submitted(trained, monkeypatch)
    edit_yaml(trained / "config/presets/tiny.yaml", ("seeds", [7]))
    for target in ("train:model=digits-ffg,seed=0", "train:model=digits-ffg,seed=7"):
        done = job_elsewhere(trained, plan, target)
        assert done.returncode != 0
        assert "snakemake: the configuration has changed since this job was submitted" in done.stderr
    assert trainings(trained) == 1


def _log(project: Path) -> str:
    return "".join(path.read_text() for path in (project / "results/tiny/logs/train").rglob("*.log"))
