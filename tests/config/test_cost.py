"""Estimates of what a plan costs: counted by hand on small models."""

from pathlib import Path

import pytest

from inference_gaps.replication.cli import main
from inference_gaps.replication.specs.models import SamplesSpec
from inference_gaps.replication.study.cost import Work, stage_costs, work_of
from inference_gaps.replication.study.plan import load_study
from inference_gaps.specs.bounds import AisSpec, IwaeSpec, LocalSpec
from inference_gaps.specs.train import ConvArchitectureSpec, MlpArchitectureSpec, TrainSpec
from tests.small_project import make_project

MLP = MlpArchitectureSpec(latent_dim=2, encoder_hidden=[5], decoder_hidden=[7])
TRAINED = TrainSpec(architecture=MLP, epochs=3, batch_size=10)
GENERATOR = 2 * (2 * 7 + 7 * 11)
RECOGNITION = 2 * (11 * 5 + 5 * 4)


def test_a_training_is_three_passes_for_each_image_of_each_full_batch() -> None:
    work = work_of("train", TRAINED, TRAINED, pixels=11, images=25)
    assert work.steps == 3 * 2
    assert work.operations == 3 * (GENERATOR + RECOGNITION) * 3 * 20


def test_estimators_are_counted_by_their_passes_through_the_generator() -> None:
    iwae = work_of("evaluate-iwae", IwaeSpec(points=4, samples=100), TRAINED, 11, 25)
    assert iwae.operations == 4 * 100 * GENERATOR
    spec = AisSpec(points=4, chains=8, distributions=50, leapfrog_steps=10, adaptation="cumulative")
    ais, both = (work_of(stage, spec, TRAINED, 11, 25) for stage in ("evaluate-ais", "evaluate-bdmc"))
    assert ais.operations == 4 * 8 * (50 - 2) * 10 * 2 * GENERATOR
    assert both.operations == 2 * ais.operations
    local = work_of(
        "optimise-local", LocalSpec(points=4, samples=6, steps=100, max_cycles=3), TRAINED, 11, 25
    )
    assert local.operations == 4 * 6 * 100 * 3 * 2 * GENERATOR


def test_a_flow_costs_more_than_a_gaussian() -> None:
    gaussian, flow = (
        work_of("optimise-local", LocalSpec(points=4, family=family), TRAINED, 11, 25)
        for family in ("ffg", "af")
    )
    assert flow.operations > 2 * gaussian.operations


def test_convolutions_are_counted() -> None:
    """Against the parameters: each weight of a convolution is used once at each place."""
    trained = TrainSpec(
        architecture=ConvArchitectureSpec(latent_dim=3, encoder_channels=2, decoder_channels=2)
    )
    work = work_of("evaluate-iwae", IwaeSpec(points=1, samples=2), trained, 3072, 25)
    assert work.operations == 2 * 2 * (3 * 32 + 16 * (8 * 4 * 4 + 4 * 2 * 36 + 2 * 3 * 225))


def test_what_is_no_matter_of_products_has_no_count() -> None:
    assert work_of("evaluate-samples", SamplesSpec(), TRAINED, 11, 25) == Work(0.0, 0.0)


def test_every_job_of_a_plan_is_in_one_stage_and_work_adds_up(tmp_path: Path) -> None:
    study = load_study({}, make_project(tmp_path))
    costs = {cost.stage: cost for cost in stage_costs(study)}
    assert sum(cost.jobs for cost in costs.values()) == len(list(study.jobs))
    assert costs["train"].jobs == 2
    assert costs["train"].operations > 0
    assert costs["plot-gaps"].operations == 0
    assert all(cost.hours > 0 and cost.gpu_hours > 0 for cost in costs.values())


def test_the_cost_is_printed_with_a_total(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = make_project(tmp_path)
    assert main(["plan-cost", f"--top={project}"]) == 0
    printed = capsys.readouterr().out.splitlines()
    jobs = [
        int(line.split()[1])
        for line in printed[1:]
        if line and line.split()[0] not in ("all", "Preset", "two", "No")
    ]
    (total,) = (line for line in printed if line.startswith("all "))
    assert int(total.split()[1]) == sum(jobs)
    assert (
        printed[-1]
        == "No GPU was measured: its hours assume 1e+13 operations a second, and 1 ms a step at least."
    )


def test_a_mistake_in_the_configuration_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan-cost", f"--top={make_project(tmp_path)}", "--preset=huge"]) == 1
    assert "huge" in capsys.readouterr().err
