"""What jobs ask a cluster for, beside what they took when they ran; and how long their command lines are."""

import shlex
from pathlib import Path

import pytest

from inference_gaps.replication.artifacts.records import run_of
from inference_gaps.replication.study.command_line import LONGEST_SPEC, file_flags, rule_flags
from inference_gaps.replication.study.cost import JobCost, job_costs
from inference_gaps.replication.study.jobs import Job
from inference_gaps.replication.study.needs import FLOOR_MB, FLOOR_MINUTES, Needs, needs_of, needs_of_jobs
from inference_gaps.replication.study.plan import load_study
from inference_gaps.replication.study.work import Work, activations
from inference_gaps.specs.base import Spec
from inference_gaps.specs.bounds import IwaeSpec, LocalSpec
from inference_gaps.specs.train import ConvArchitectureSpec, MlpArchitectureSpec, TrainSpec
from tests.small_project import ROOT

_LONGEST_ARGUMENT = 131_072
MLP = MlpArchitectureSpec(latent_dim=2, encoder_hidden=[50], decoder_hidden=[150])


def cost_of(spec: Spec, seconds: float = 1.0, images: int = 0, pixels: int = 794) -> JobCost:
    job = Job("", spec, {}, {}, {}, {}, {}, "")
    return JobCost(job, TrainSpec(architecture=MLP), pixels, images, Work(0.0, 0.0), seconds, seconds / 10)


def test_small_jobs_ask_for_the_least() -> None:
    assert needs_of(cost_of(IwaeSpec())) == Needs(FLOOR_MINUTES, FLOOR_MB)


def test_time_is_five_times_what_a_job_costs() -> None:
    assert needs_of(cost_of(IwaeSpec(), 3600.0)).minutes == 300
    assert needs_of(cost_of(IwaeSpec(), 3600.0), gpu=True).minutes == 30


def test_memory_grows_with_the_points_that_are_optimised_together() -> None:
    """A thousand activations of a row: 160 samples at 10,000 points, of 24 bytes each, are 38,400 MB.

    The noise of 256 samples takes 16 bytes for each of two dimensions, 82 MB; and the program 500 MB.
    """
    assert activations(MLP, 794) == 1000
    assert needs_of(cost_of(LocalSpec(points=10_000, samples=160))).megabytes == 50_700
    # 250 points at once, and their networks.
    assert needs_of(cost_of(LocalSpec(points=10_000, samples=160, family="af"))).megabytes == 4600


def test_bounds_are_measured_in_memory_that_does_not_grow_with_the_points() -> None:
    """Only their noise does."""
    few, many = (needs_of(cost_of(LocalSpec(points=points, samples=1))).megabytes for points in (10, 1000))
    assert few == many == FLOOR_MB


def test_memory_grows_with_the_images() -> None:
    assert needs_of(cost_of(TrainSpec(), images=1_000_000, pixels=1000)).megabytes == 4600


def test_activations_of_convolutions_are_those_of_their_maps() -> None:
    architecture = ConvArchitectureSpec(latent_dim=5, encoder_channels=2, decoder_channels=3)
    encoder, decoder = (count * (15 * 15 + 2 * 6 * 6 + 4 * 2 * 2) for count in (2, 3))
    assert activations(architecture, 3072) == encoder + 15 + decoder + 3072


def test_what_was_asked_for_would_have_sufficed(monkeypatch: pytest.MonkeyPatch) -> None:
    """For every job of the published run, on the machine that it ran on.

    Its local optimisation measured bounds at all points together, which took more memory than it does.
    """
    monkeypatch.chdir(ROOT)
    study = load_study({"preset": "laptop"}, find_data=False)
    needed, compared = needs_of_jobs(study, gpu=False), 0
    for cost in job_costs(study):
        run = run_of(cost.job.outputs.values(), cost.job.fingerprint)
        if run:
            asked = needed[cost.job.fingerprint]
            assert run["seconds"] <= 60 * asked.minutes, cost.job.outputs
            if not isinstance(cost.job.spec, LocalSpec):
                assert run["peak_memory_mb"] <= asked.megabytes, cost.job.outputs
            compared += 1
    assert compared > 500


@pytest.mark.parametrize("preset", ["laptop", "full"])
def test_no_command_of_a_rule_is_too_long_for_linux(
    preset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To a shell, a command is one argument."""
    monkeypatch.chdir(ROOT)
    study = load_study({"preset": preset}, find_data=False)
    for job in study.jobs:
        asked = rule_flags(job, job.fingerprint, tmp_path)
        command = shlex.join([job.stage, *asked, *file_flags(job, study)])
        assert len(command) < LONGEST_SPEC + 4096 < _LONGEST_ARGUMENT / 4, job.stage
        if len(job.spec.as_json()) > LONGEST_SPEC:
            assert type(job.spec).from_argument(asked[1]) == job.spec
