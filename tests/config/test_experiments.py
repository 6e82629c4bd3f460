"""The experiments of the paper, as the project's own configuration plans them."""

import re
from collections import Counter

import pytest

from inference_gaps.replication.config.deviations import read_deviations
from inference_gaps.replication.specs.claims import ClaimsSpec
from inference_gaps.replication.specs.tables import TableSpec
from inference_gaps.replication.study.plan import Study, load_study
from tests.small_project import ROOT


@pytest.fixture(scope="module")
def study() -> Study:
    return load_study({"preset": "full", "data_folder": None}, ROOT, find_data=False)


def _models_of(study: Study, command: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for job in study.jobs.of(command):
        parts = next(iter(job.outputs.values())).parts
        found[parts[parts.index("models") + 1]] += 1
    return found


def _tables(study: Study) -> dict[str, TableSpec]:
    specs = [job.spec for job in study.tables]
    return {spec.experiment: spec for spec in specs if isinstance(spec, TableSpec)}


def test_a_model_that_several_experiments_use_is_trained_once(study: Study) -> None:
    experiments = study.configuration.experiments.experiments
    assert sum("mnist-ffg" in each.models for each in experiments.values()) >= 4
    trained = _models_of(study, "train")
    seeds = len(study.configuration.preset.seeds)
    of_paper = {model for each in experiments.values() for model in each.models}
    assert {model: trained[model] for model in of_paper} == dict.fromkeys(of_paper, seeds)


def test_networks_for_a_fixed_generator_have_no_optima_of_their_own(study: Study) -> None:
    fixed = [model for model in study.configuration.experiments.models if "-fixed-" in model]
    assert len(fixed) == 6
    for command in ("optimise-local", "evaluate-ais", "evaluate-bdmc"):
        assert not set(fixed) & set(_models_of(study, command))
    rows = [row for row in _tables(study)["fixed-decoder"].rows if row.model in fixed]
    assert {row.owner for row in rows} == {("mnist-decoder-2", None)}
    families = {row.trained_with for row in rows}
    made = {
        job.spec.as_dict()["family"]
        for job in study.jobs.of("optimise-local")
        if "mnist-decoder-2" in next(iter(job.outputs.values())).parts
        and job.spec.as_dict()["split"] == "train"
    }
    assert families == made == {"ffg", "af", "coupling"}


def test_gaps_over_training_are_those_of_the_checkpoints_of_one_training(study: Study) -> None:
    rows = _tables(study)["over-training"].rows
    checkpoints = study.configuration.preset.checkpoints
    for model in {row.model for row in rows}:
        for split in ("train", "validation"):
            epochs = [row.epoch for row in rows if (row.model, row.split, row.seed) == (model, split, 0)]
            assert epochs == [*checkpoints, None]
    taken = _models_of(study, "take-checkpoint")
    assert set(taken.values()) == {len(checkpoints) * len(study.configuration.preset.seeds)}
    seeds, stages = len(study.configuration.preset.seeds), len(checkpoints) + 1
    assert {_models_of(study, "evaluate-ais")[model] for model in taken} == {2 * seeds * stages}
    assert {_models_of(study, "evaluate-bdmc")[model] for model in taken} == {seeds * stages}


def test_a_flow_is_sought_from_what_its_model_was_trained_with(study: Study) -> None:
    starts = {}
    for job in study.jobs.of("optimise-local"):
        parts = next(iter(job.outputs.values())).parts
        spec = job.spec.as_dict()
        starts[parts[parts.index("models") + 1], spec["family"]] = (spec["start"], spec["flow_hidden"])
    assert starts["mnist-af", "af"] == ("trained", 200)
    assert starts["fashion-over-flow", "coupling"] == ("trained", 200)
    assert starts["check-digits-af", "af"] == ("trained", 30)
    assert starts["mnist-ffg", "af"] == ("local-ffg", 200)
    assert starts["mnist-decoder-2", "coupling"][0] == "local-ffg"
    assert starts["mnist-af", "ffg"][0] == "amortised"


def test_every_claim_is_decided_when_all_experiments_are_run(study: Study) -> None:
    assert study.claims is not None
    spec = study.claims.spec
    assert isinstance(spec, ClaimsSpec)
    statistics = [each for claim in spec.claims for each in claim.statistics]
    statistics += [each for effect in spec.effects for each in effect.statistics]
    assert [each.not_run for each in statistics] == [""] * len(statistics)
    overfitting = next(claim for claim in spec.claims if claim.id == "C7")
    first, larger, standard = study.configuration.preset.checkpoints[0], "over-encoder", "over-standard"
    growth, excess, beside = (
        [(term.times, term.model.removeprefix("fashion-"), term.epoch) for term in each.terms]
        for each in overfitting.statistics
        if each.judged
    )
    assert growth == [(1, larger, None), (-1, larger, first)]
    assert excess == [*growth, (-1, standard, None), (1, standard, first)]
    assert beside == [*growth, (-1, larger, None), (1, larger, first)]


def test_each_experiment_says_what_it_is_for_and_names_its_models(study: Study) -> None:
    experiments = study.configuration.experiments
    for name, settings in experiments.experiments.items():
        assert len(settings.about.split()) > 8, name
        if settings.published is None and name != "test-images":
            labels = [
                (experiments.models[model].dataset, experiments.models[model].label or model)
                for model in settings.models
            ]
            assert len(set(labels)) == len(labels), name


def test_overfitting_is_shown_since_the_warm_up_and_between_images_seen_and_unseen(study: Study) -> None:
    (overfitting,) = (claim for claim in study.claims.spec.claims if claim.id == "C7")
    *shown, against = (
        [(term.times, term.model, term.split, term.epoch) for term in each.terms]
        for each in overfitting.statistics
        if not each.judged
    )
    configuration = study.configuration
    after = {}
    for model in configuration.experiments.experiments["over-training"].models:
        (warm_up,) = {
            job.spec.warm_up_epochs for job in study.jobs.of("train") if model in job.outputs["output"].parts
        }
        after[model] = next(epoch for epoch in configuration.checkpoints_of(model) if epoch >= warm_up)
    held_out, seen = "validation", "train"
    assert shown == [
        terms
        for model, epoch in after.items()
        for terms in (
            [(1, model, held_out, None), (-1, model, held_out, epoch)],
            [(1, model, held_out, None), (-1, model, seen, None)],
            [
                (1, model, held_out, None),
                (-1, model, held_out, epoch),
                (-1, model, seen, None),
                (1, model, seen, epoch),
            ],
        )
    ]
    larger, standard = "fashion-over-encoder", "fashion-over-standard"
    assert against == [
        (sign * times, model, held_out, epoch)
        for sign, model in ((1, larger), (-1, standard))
        for times, epoch in ((1, None), (-1, after[model]))
    ]


def test_effects_belong_to_deviations(study: Study) -> None:
    numbers = {entry["id"] for entry in read_deviations(ROOT / "paper" / "deviations.yaml")}
    assert set(study.configuration.claims.effects) <= numbers


def test_the_map_of_experiments_names_each_of_them_and_each_claim(study: Study) -> None:
    text = (ROOT / "docs" / "experiments.md").read_text(encoding="utf-8")
    for name in study.configuration.experiments.experiments:
        assert f"`{name}`" in text
    for claim in study.configuration.claims.claims:
        assert re.search(rf"^\| {claim}, ", text, re.MULTILINE)
    results = set(re.findall(r"`results/P/([a-z0-9-]+)\.", text)) - {"selfcheck", "claims"}
    assert results == set(study.configuration.experiments.experiments)


def test_presets_differ_in_the_amount_of_work_alone() -> None:
    def planned(preset: str) -> dict[str, list[tuple[str, str, str]]]:
        study = load_study({"preset": preset, "data_folder": None}, ROOT, find_data=False)
        return {
            name: sorted({(row.model, row.split, str(row.epoch is None)) for row in spec.rows})
            for name, spec in _tables(study).items()
        }

    quick = planned("quick")
    assert quick == planned("full")
    # laptop was run before this experiment was there.
    assert quick.pop("frozen-encoder")
    assert quick == planned("laptop")
