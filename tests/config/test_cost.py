"""Estimates of what a plan costs: counted by hand on small models."""

import math
from pathlib import Path

import pytest

from inference_gaps.posteriors.auxiliary_flow import AuxiliaryFlow
from inference_gaps.posteriors.coupling_flow import CouplingFlow
from inference_gaps.replication.artifacts.records import run_of
from inference_gaps.replication.cli import main
from inference_gaps.replication.specs.models import SamplesSpec
from inference_gaps.replication.study.cost import job_costs, stage_costs
from inference_gaps.replication.study.plan import load_study
from inference_gaps.replication.study.work import Work, work_of
from inference_gaps.specs.bounds import AisSpec, IwaeSpec, LocalSpec
from inference_gaps.specs.train import ConvArchitectureSpec, MlpArchitectureSpec, TrainSpec
from tests.small_project import ROOT, make_project

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
    # Three cycles, and a bound of 256 samples before and after each.
    assert local.operations == 4 * (6 * 100 * 3 + 256 * 4) * 2 * GENERATOR


def test_a_flow_costs_more_than_a_gaussian() -> None:
    gaussian, flow = (
        work_of("optimise-local", LocalSpec(points=4, family=family), TRAINED, 11, 25)
        for family in ("ffg", "af")
    )
    assert flow.operations > 2 * gaussian.operations


def test_the_networks_of_flows_are_counted_weight_by_weight() -> None:
    """Of a local flow, each is passed forth and back, three times each for a gradient."""
    hidden, points, samples = 5, 4, 6 * 100 * 3
    family = {"family": "af", "flow_hidden": hidden, "flow_steps": 2}
    spec = LocalSpec(points=4, samples=6, steps=100, max_cycles=3, start="local-ffg", **family)
    weights = sum(
        math.prod(shape)
        for shape in AuxiliaryFlow.local(2, 2, hidden).network_shapes().values()
        if len(shape) == 2
    )
    work = work_of("optimise-local", spec, TRAINED, 11, 25)
    assert work.networks == points * (6 * samples + 256 * 4) * 2 * weights
    assert work.operations - work.networks == points * (samples + 256 * 4) * 2 * GENERATOR
    drawn = work_of("evaluate-iwae", IwaeSpec(points=4, samples=100), TRAINED, 11, 25, spec)
    assert drawn.networks == 4 * 100 * 2 * weights
    coupling = LocalSpec(points=4, samples=6, steps=100, max_cycles=3, family="coupling", flow_hidden=hidden)
    halves = sum(
        math.prod(shape)
        for shape in CouplingFlow.local(2, 2, hidden).network_shapes().values()
        if len(shape) == 2
    )
    assert work_of("optimise-local", coupling, TRAINED, 11, 25).networks == work.networks * halves / weights


def test_the_rates_are_those_of_the_published_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stage by stage, what all jobs took when they ran is within half of what they would cost."""
    monkeypatch.chdir(ROOT)
    study = load_study({"preset": "laptop"}, find_data=False)
    sums: dict[str, list[float]] = {}
    for cost in job_costs(study):
        run = run_of(cost.job.outputs.values(), cost.job.fingerprint)
        if run and cost.work.operations:
            both = sums.setdefault(cost.job.stage, [0.0, 0.0])
            both[0] += run["seconds"]
            both[1] += cost.seconds
    assert len(sums) == 7
    for stage, (taken, estimated) in sums.items():
        assert 1 / 1.5 < taken / estimated < 1.5, stage


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
        if line and line.split()[0] not in ("all", "Preset", "which", "Another", "may", "No")
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


def test_beyond_training_full_takes_less_than_five_days_of_one_core_for_each_seed() -> None:
    study = load_study({"preset": "full", "data_folder": None}, ROOT, find_data=False)
    seconds = sum(cost.seconds for cost in job_costs(study) if cost.job.stage != "train")
    assert seconds / 3600 / len(study.configuration.preset.seeds) < 120
