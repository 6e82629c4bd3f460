"""Runs on a real Slurm of one node, without and with accounting.

make test-slurm
"""

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from inference_gaps.replication.study.needs import needs_of_jobs
from inference_gaps.replication.study.plan import load_study
from tests.slurm.one_node import Cluster, SlurmJob, start, wait_for
from tests.small_project import edit_yaml
from tests.snakemake_runs import NOTHING, snakemake

pytestmark = pytest.mark.slurm

_WEIGHTS = "results/tiny/models/digits/seed-0/model.safetensors"
_STUB_WEIGHTS = "results/tiny/models/digits-ffg/seed-0/model.safetensors"
_ALONE = {"train", "optimise-local", "evaluate-ais", "evaluate-bdmc"}


def ended(run: subprocess.Popen[str]) -> str:
    """Wait for the end of a run and return what it said."""
    return run.communicate(timeout=900)[0]


def test_a_study_runs_to_its_end_and_asks_for_what_was_planned(
    cluster: Cluster, stub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start(stub)
    said = ended(run)
    assert run.returncode == 0, said
    assert NOTHING in snakemake(stub, "--cores", "1").stderr
    monkeypatch.chdir(stub)
    study = load_study()
    needed = needs_of_jobs(study, gpu=False)
    asked: dict[str, list[SlurmJob]] = {}
    for job in cluster.jobs(stub):
        assert job.state == "COMPLETED"
        assert (job.cores, job.gpus) == (1, 0)
        asked.setdefault(job.comment.split("_wildcards")[0].removeprefix("rule_"), []).append(job)
    for stage in {job.stage for job in study.jobs}:
        planned = [needed[job.fingerprint] for job in study.jobs if job.stage == stage]
        rule = stage.replace("-", "_")
        if stage in _ALONE:
            assert sorted((job.minutes, job.megabytes) for job in asked.pop(rule)) == sorted(
                (need.minutes, need.megabytes) for need in planned
            )
        elif f"{rule}_{rule}" in asked:
            (group,) = asked.pop(f"{rule}_{rule}")
            assert group.minutes == sum(need.minutes for need in planned)
            assert group.megabytes == max(need.megabytes for need in planned)
    assert asked == {}


def test_a_gpu_is_asked_for_where_the_configuration_says_so(cluster: Cluster, stub: Path) -> None:
    run = start(stub, _STUB_WEIGHTS, "--config", "device=cuda")
    said = ended(run)
    assert run.returncode == 0, said
    assert {job.comment.split("_")[1]: job.gpus for job in cluster.jobs(stub)} == {"prepare": 0, "train": 1}


def test_a_job_that_fails_is_reported(cluster: Cluster, stub: Path) -> None:
    (stub / "broken").touch()
    run = start(stub, "--retries", "0", _STUB_WEIGHTS)
    said = ended(run)
    assert run.returncode != 0
    assert "inference-gaps train: the disk is full; free some space." in said
    assert {job.state for job in cluster.jobs(stub)} == {"COMPLETED", "FAILED"}


def trains(study: Path) -> bool:
    return bool(list((study / _WEIGHTS).parent.glob(".model*.resume")))


def process_of(study: Path) -> psutil.Process:
    """Return the process that trains in a folder."""
    for process in psutil.process_iter(["cmdline", "cwd"]):
        words = process.info["cmdline"] or []
        if (
            process.info["cwd"] == str(study)
            and "train" in words
            and "--metrics" in words
            and "-c" not in words
        ):
            return process
    raise AssertionError("nothing trains")


@contextlib.contextmanager
def training(study: Path) -> Iterator[subprocess.Popen[str]]:
    """Yield a run whose training has saved a state; what is left at the end is ended."""
    run = start(study, _WEIGHTS)
    try:
        wait_for(lambda: trains(study) or run.poll() is not None)
        assert run.poll() is None, run.communicate()[0]
        yield run
    finally:
        run.kill()


def resumed(study: Path) -> bool:
    log = (study / "results/tiny/logs/train/digits/seed-0.log").read_text()
    return "inference-gaps train: resumed at epoch " in log


@pytest.mark.parametrize("how", ["scancel", "requeue", "time limit"])
def test_a_job_that_is_ended_goes_on_and_ends_in_the_same_bits(
    cluster: Cluster, study: Path, uninterrupted: bytes, how: str
) -> None:
    with training(study) as run:
        (job,) = cluster.jobs(study)
        if how == "scancel":
            subprocess.run(["scancel", job.number], check=True)
        elif how == "requeue":
            cluster.scontrol("requeue", job.number)
        else:
            process_of(study).suspend()
            # Not as a setting of the run: the second try is to have as long as was planned.
            cluster.scontrol("update", f"jobid={job.number}", "timelimit=1")
        said = ended(run)
    assert run.returncode == 0, said
    first, *others = cluster.jobs(study)
    if how == "requeue":
        assert (first.restarts, others) == (1, [])
    else:
        assert first.state == {"scancel": "CANCELLED", "time limit": "TIMEOUT"}[how]
        assert f"SLURM status is: '{first.state}'" in said
        assert [other.state for other in others] == ["COMPLETED"]
    assert resumed(study)
    assert (study / _WEIGHTS).read_bytes() == uninterrupted


def test_a_run_goes_on_after_slurm_did_not_answer_for_a_while(
    cluster: Cluster, study: Path, tmp_path: Path
) -> None:
    silent, asked, squeue = tmp_path / "silent", tmp_path / "asked", tmp_path / "bin/squeue"
    squeue.parent.mkdir()
    squeue.write_text(
        f'#!/bin/sh\n[ -e {silent} ] && echo >> {asked} && exit 1\nexec {shutil.which("squeue")} "$@"\n'
    )
    squeue.chmod(0o755)
    run = start(study, _WEIGHTS, PATH=f"{squeue.parent}:{os.environ['PATH']}")
    wait_for(lambda: cluster.jobs(study) or run.poll() is not None)
    silent.touch()
    # The plugin by itself gives up after five.
    wait_for(lambda: asked.exists() and len(asked.read_text()) > 8)
    silent.unlink()
    said = ended(run)
    assert run.returncode == 0, said
    assert [job.state for job in cluster.jobs(study)] == ["COMPLETED"]


@pytest.mark.parametrize("when", ["queued", "running"])
def test_after_a_kill_the_next_run_waits_for_what_is_in_the_queue(
    cluster: Cluster, study: Path, uninterrupted: bytes, when: str
) -> None:
    if when == "queued":
        cluster.close()
        run = start(study, _WEIGHTS)
        wait_for(lambda: cluster.jobs(study) or run.poll() is not None)
    else:
        run = start(study, _WEIGHTS)
        wait_for(lambda: trains(study) or run.poll() is not None)
    os.kill(run.pid, signal.SIGKILL)
    run.communicate()
    again = start(study, _WEIGHTS)
    assert again.stdout
    heard = ""
    while "This run waits for them" not in heard:
        line = again.stdout.readline()
        assert line, heard
        heard += line
    if when == "queued":
        cluster.open()
    said = ended(again)
    assert again.returncode == 0, said
    (job,) = cluster.jobs(study)
    assert (job.state, job.restarts) == ("COMPLETED", 0)
    assert (study / _WEIGHTS).read_bytes() == uninterrupted


def test_a_job_that_waited_while_the_configuration_was_edited_makes_nothing(
    cluster: Cluster, study: Path
) -> None:
    cluster.close()
    run = start(study, "--retries", "0", _WEIGHTS)
    wait_for(lambda: cluster.jobs(study) or run.poll() is not None)
    edit_yaml(study / "config/presets/tiny.yaml", ("training.epochs", 41))
    cluster.open()
    said = ended(run)
    assert run.returncode != 0
    assert "the configuration or the code has changed since this run was planned" in said
    assert not (study / _WEIGHTS).exists()


def test_the_queue_knows_how_jobs_ended_with_and_without_accounting(cluster: Cluster) -> None:
    """What the tests above ran on is what they say that they ran on."""
    done = subprocess.run(["sacct", "--noheader", "-X"], capture_output=True, text=True)
    assert ("accounting storage is disabled" in done.stdout + done.stderr) != cluster.accounting
    assert bool(done.stdout.strip()) == cluster.accounting
