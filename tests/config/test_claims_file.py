"""The file of claims: mistakes become sentences; the plan finds the models that decide, or says why it cannot."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from inference_gaps.errors import UserError
from inference_gaps.replication.config.loading import load_configuration
from inference_gaps.replication.specs.claims import ClaimsSpec, StatisticSpec
from inference_gaps.replication.study.plan import load_study
from tests.config.test_plan import changed
from tests.small_project import ROOT, edit_yaml, make_project

CLAIMS, EXPERIMENTS = "config/claims.yaml", "config/experiments.yaml"
STATISTIC = "claims.C1.statistics"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path)


def edit_statistic(project: Path, claim: str = "C1", **changes: Any) -> None:
    path = project / CLAIMS
    content = yaml.safe_load(path.read_text())
    content["claims"][claim]["statistics"][0] |= changes
    path.write_text(yaml.safe_dump(content, sort_keys=False))


def problems(project: Path) -> list[str]:
    with pytest.raises(UserError) as caught:
        load_configuration(project)
    return [line.strip().removeprefix(f"{CLAIMS}: ") for line in str(caught.value).split("\n")[1:]]


def planned(project: Path, overrides: dict[str, Any] | None = None) -> ClaimsSpec:
    job = load_study(overrides, project).claims
    assert job is not None
    assert isinstance(job.spec, ClaimsSpec)
    return job.spec


def statistics(spec: ClaimsSpec) -> dict[str, StatisticSpec]:
    return {claim.id: claim.statistics[0] for claim in spec.claims}


GAP = {"quantity": "amortization_gap", "of": "model"}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"comparison": "posittive"},
            f"{STATISTIC}[0].comparison is 'posittive', which is not allowed here; the nearest is positive.",
        ),
        (
            {"terms": [{**GAP, "quantity": "amortisation_gap"}]},
            f"{STATISTIC}[0].terms[0].quantity is 'amortisation_gap', which is not allowed here; the nearest is "
            f"amortization_gap.",
        ),
        (
            {"terms": []},
            f"{STATISTIC}[0].terms is an empty list; it must be a list of at least 1 entry.",
        ),
        (
            {"terms": [{**GAP, "times": "-1"}]},
            f"{STATISTIC}[0].terms[0].times is the text '-1'; write -1 without quotes.",
        ),
        (
            {"terms": [{**GAP, "of": "modell"}]},
            f"{STATISTIC}[0].terms is 'modell', which is not a part of models.mnist; the nearest is model.",
        ),
        (
            {"terms": [{**GAP, "times": 0}]},
            f"{STATISTIC}[0] has a term with times 0; leave the term out.",
        ),
        (
            {"terms": [GAP, {"quantity": "bdmc_prior", "of": "model"}]},
            f"{STATISTIC}[0] adds a bdmc quantity to another; it is of simulated points, so let it be the only "
            f"term.",
        ),
        (
            {"comparison": "decreasing", "terms": [GAP]},
            f"{STATISTIC}[0].comparison is decreasing, which compares each term with the next; write at least two "
            f"terms, without times.",
        ),
        (
            {"models": {"mnits": {"model": "digits-af"}}},
            f"{STATISTIC}[0].models is 'mnits', which is not a data set of config/experiments.yaml; the nearest is "
            f"mnist.",
        ),
        (
            {"models": {"mnist": {"model": "digits-fa"}}},
            f"{STATISTIC}[0].models.mnist names digits-fa, but none of the experiments gaps evaluates it on train; "
            f"add it to one of them, or name the experiment that does.",
        ),
        (
            {"terms": [{**GAP, "split": "validation"}]},
            f"{STATISTIC}[0].models.mnist names digits-af, but none of the experiments gaps evaluates it on "
            f"validation; add it to one of them, or name the experiment that does.",
        ),
        (
            {"terms": [{**GAP, "quantity": "elbo_local_coupling"}]},
            f"{STATISTIC}[0].terms[0].quantity is 'elbo_local_coupling', which is not allowed here; the nearest is "
            f"elbo_local_ffg.",
        ),
        (
            {"terms": [{**GAP, "checkpoint": "last"}]},
            f"{STATISTIC}[0].models.mnist: digits-af is not evaluated at checkpoints of its training; leave "
            f"checkpoint out.",
        ),
    ],
)
def test_a_mistake_in_a_statistic_is_a_sentence(
    project: Path, changes: dict[str, Any], sentence: str
) -> None:
    edit_statistic(project, **changes)
    assert sentence in problems(project)


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        (
            "claims.C1.experiments",
            ["gasp"],
            "claims.C1.experiments is 'gasp', which is not in config/experiments.yaml or planned in "
            "config/claims.yaml; the nearest is gaps.",
        ),
        ("factor", 0.5, "factor is the number 0.5; it must be a number, at least 1 and at most 100."),
        ("level", 95, "level is the number 95; it must be a number, greater than 0 and less than 1."),
        (
            "claims.C1.combine",
            "any",
            "claims.C1.combine is 'any', which is not allowed here; choose one of all, most.",
        ),
        (
            "claims.C1.threshold.mnist",
            0,
            "claims.C1.threshold.mnist is the number 0; it must be a number, greater than 0.",
        ),
        ("claims.C1.where", ..., "claims.C1.where is missing; it must be text."),
        (
            "claims.C1.threshold",
            {},
            "claims.C1.threshold has no number for mnist, where a statistic is judged; add one.",
        ),
    ],
)
def test_a_mistake_in_a_claim_is_a_sentence(project: Path, key: str, value: Any, sentence: str) -> None:
    edit_yaml(project / CLAIMS, (key, value))
    assert sentence in problems(project)


def test_nothing_judged_is_a_sentence(project: Path) -> None:
    edit_statistic(project, judged=False)
    assert problems(project) == [
        "claims.C1 has nothing on mnist that is judged; set judged: true for one statistic there."
    ]


def test_q_star_that_is_not_optimised_is_a_sentence(project: Path) -> None:
    edit_yaml(project / EXPERIMENTS, ("experiments.gaps.local", ["ffg"]))
    assert problems(project) == [
        f"claims.C1.statistics[0].models.mnist: {quantity} of digits-af needs q* of af, which its experiment does "
        f"not optimise; add it to local there."
        for quantity in ("amortization_gap", "approximation_gap")
    ]


def test_models_of_other_data_are_a_sentence(project: Path) -> None:
    edit_yaml(project / EXPERIMENTS, ("models.digits-af.dataset", "cifar10"))
    edit_yaml(project / EXPERIMENTS, ("models.digits-af.binarisation", "static"))
    assert "names digits-af, which is a model of cifar10; name one of mnist." in problems(project)[0]


def test_two_statistics_of_one_name_are_a_sentence(project: Path) -> None:
    content = yaml.safe_load((project / CLAIMS).read_text())
    content["claims"]["C1"]["statistics"] *= 2
    (project / CLAIMS).write_text(yaml.safe_dump(content))
    assert problems(project) == [
        "claims.C1.statistics has two called 'amortization gap − approximation gap'; give each a name of its own."
    ]


def test_the_plan_names_the_models_and_what_is_missing(project: Path) -> None:
    edit_yaml(project / "config/presets/tiny.yaml", ("seeds", [0, 3]))
    spec = planned(project)
    found = statistics(spec)
    assert [(term.experiment, term.model, term.published) for term in found["C1"].terms] == [
        ("gaps", "digits-af", 2)
    ] * 2
    assert [row.seed for row in spec.rows["gaps"]] == [0, 3]
    assert found["C4"].terms == []
    assert found["C4"].not_run == "experiment later does not exist yet"
    assert spec.caveat.startswith("On small embedded data (Digits), which replicate nothing")


def test_an_experiment_that_was_not_chosen_is_not_run(project: Path) -> None:
    spec = planned(project, {"experiments": ["again"]})
    assert statistics(spec)["C1"].not_run == "experiment gaps was not chosen for this run"
    assert spec.rows == {}
    assert spec.caveat == ""


def test_an_experiment_that_a_preset_leaves_out_is_not_run_unless_it_is_named(project: Path) -> None:
    edit_yaml(project / "config/presets/tiny.yaml", ("experiments.gaps", {"run": False}))
    assert load_configuration(project).chosen_experiments == ["again"]
    assert statistics(planned(project))["C1"].not_run == "experiment gaps was not chosen for this run"
    assert load_configuration(project, {"experiments": ["gaps"]}).chosen_experiments == ["gaps"]


@pytest.mark.parametrize(
    ("budgets", "sentence"),
    [
        (
            {"gap": {"run": False}},
            "experiments is 'gap', which is not an experiment of config/experiments.yaml",
        ),
        (
            {"gaps": {"run": False}, "again": {"run": False}},
            "experiments has run: false for every experiment; leave one of them to run.",
        ),
    ],
)
def test_a_preset_that_leaves_out_what_it_cannot_is_a_sentence(
    project: Path, budgets: dict[str, Any], sentence: str
) -> None:
    edit_yaml(project / "config/presets/tiny.yaml", ("experiments", budgets))
    assert any(sentence in each for each in problems(project))


def test_the_preset_beside_is_another_one(project: Path) -> None:
    edit_yaml(project / "config/presets/tiny.yaml", ("beside", "tiny"))
    assert any("beside is 'tiny', which is not another preset" in each for each in problems(project))


def test_the_preset_beside_may_have_any_name_of_a_preset(project: Path) -> None:
    presets = project / "config/presets"
    (presets / "other_2.yaml").write_text((presets / "tiny.yaml").read_text())
    edit_yaml(presets / "tiny.yaml", ("beside", "other_2"))
    assert load_configuration(project).preset.beside == "other_2"


def test_a_former_rule_names_statistics_of_its_claim(project: Path) -> None:
    former = {"words": "Changed.", "statistics": ["another"]}
    edit_yaml(project / CLAIMS, ("claims.C1.former", former))
    (problem,) = problems(project)
    assert problem.startswith("claims.C1.former.statistics is 'another', which is not a statistic of C1")


def test_a_series_over_several_splits_is_a_sentence(project: Path) -> None:
    terms = [GAP, {**GAP, "split": "validation"}]
    edit_statistic(project, comparison="decreasing", terms=terms)
    assert any("with terms of several splits" in each for each in problems(project))


def test_data_that_are_not_embedded_have_no_caveat(project: Path) -> None:
    edit_yaml(project / "config/presets/tiny.yaml", ("datasets.mnist.copy", "digits-online"))
    assert planned(project).caveat == ""


def test_a_project_without_claims_judges_none(project: Path) -> None:
    edit_yaml(project / CLAIMS, ("claims", {}))
    study = load_study(top=project)
    assert study.claims is None
    assert study.report.spec.as_dict()["claims"] is False


def test_a_threshold_changes_the_verdicts_and_the_report_alone(project: Path) -> None:
    before = load_study(top=project)
    edit_yaml(project / CLAIMS, ("claims.C1.threshold.mnist", 0.2))
    assert changed(before, load_study(top=project)) == {"judge-claims", "write-report"}


def test_the_claims_of_the_paper_are_all_there() -> None:
    """Eight claims; those whose experiments do not exist wait for them."""
    spec = planned(ROOT, {"preset": "full", "data_folder": None, "experiments": ["table2"]})
    assert [claim.id for claim in spec.claims] == [f"C{number}" for number in range(1, 9)]
    run = {claim.id for claim in spec.claims if any(not each.not_run for each in claim.statistics)}
    assert run == {"C1", "C2", "C8"}
    assert all(each.not_run or each.terms for claim in spec.claims for each in claim.statistics)
    assert len(spec.rows["table2"]) == 18
    # One argument of a command may have 128 KiB.
    assert len(spec.as_json()) < 60_000


def test_ais_that_an_experiment_does_not_run_is_a_sentence(project: Path) -> None:
    edit_yaml(project / EXPERIMENTS, ("experiments.gaps.ais", ["local-ffg"]))
    edit_statistic(project, terms=[{"quantity": "bdmc_prior", "of": "model"}])
    sentence = (
        f"{STATISTIC}[0].models.mnist: bdmc_prior of digits-af needs AIS from prior, which its experiment does not "
        f"run; add it to ais there."
    )
    assert sentence in problems(project)


def test_the_local_family_of_each_model_is_the_one_it_was_trained_with(project: Path) -> None:
    edit_yaml(project / EXPERIMENTS, ("experiments.gaps.local", ["trained"]))
    (job,) = (job for job in load_study({}, project).tables if job.spec.as_dict()["experiment"] == "gaps")
    assert {row["model"]: row["local"] for row in job.spec.as_dict()["rows"]} == {
        "digits-ffg": ["ffg"],
        "digits-af": ["af"],
    }


@pytest.mark.parametrize(
    ("checkpoint", "warm_up", "epoch"),
    [
        ("first", 2, 1),
        ("after-warm-up", 0, 1),
        ("after-warm-up", 1, 1),
        ("after-warm-up", 2, 2),
        ("last", 2, None),
    ],
)
def test_a_term_is_of_one_of_the_checkpoints(
    project: Path, checkpoint: str, warm_up: int, epoch: int | None
) -> None:
    preset = ("checkpoints", [1, 2]), ("training.warm_up_epochs", warm_up)
    edit_yaml(project / "config/presets/tiny.yaml", *preset)
    edit_yaml(project / EXPERIMENTS, ("experiments.gaps.at_checkpoints", True))
    edit_statistic(project, terms=[{**GAP, "checkpoint": checkpoint}])
    (term,) = statistics(planned(project))["C1"].terms
    assert (term.model, term.epoch) == ("digits-af", epoch)
    rows = planned(project).rows["gaps"]
    assert epoch in [row.epoch for row in rows if row.model == "digits-af"]


def test_without_a_checkpoint_after_the_warm_up_there_is_no_growth_after_it(project: Path) -> None:
    preset = ("checkpoints", [1]), ("training.warm_up_epochs", 2)
    edit_yaml(project / "config/presets/tiny.yaml", *preset)
    edit_yaml(project / EXPERIMENTS, ("experiments.gaps.at_checkpoints", True))
    edit_statistic(project, terms=[{**GAP, "checkpoint": "after-warm-up"}])
    found = statistics(planned(project))["C1"]
    assert (found.terms, found.not_run) == ([], "digits-af has no checkpoint after its warm-up")


def test_an_effect_may_compare_pixels_and_needs_no_threshold(project: Path) -> None:
    path = project / CLAIMS
    content = yaml.safe_load(path.read_text())
    first = content["claims"]["C1"]["statistics"][0]
    content["effects"] = {"D1": {"experiments": ["gaps"], "statistics": [first]}}
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    (effect,) = planned(project).effects
    assert (effect.id, effect.statistics[0].judged, effect.statistics[0].threshold) == ("D1", False, None)


def test_an_effect_of_an_unknown_experiment_is_a_sentence(project: Path) -> None:
    path = project / CLAIMS
    content = yaml.safe_load(path.read_text())
    first = content["claims"]["C1"]["statistics"][0]
    content["effects"] = {"D1": {"experiments": ["gasp"], "statistics": [first]}}
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    assert any("effects.D1.experiments is 'gasp'" in problem for problem in problems(project))


def test_a_model_that_a_preset_leaves_out_is_not_run(project: Path) -> None:
    edit_yaml(project / "config/presets/tiny.yaml", ("without", ["digits-af"]))
    configuration = load_configuration(project)
    assert configuration.experiments.experiments["gaps"].models == ["digits-ffg"]
    assert statistics(planned(project))["C1"].not_run == "digits-af is left out"
    trained = [job.spec.posterior.family for job in load_study(None, project).jobs.of("train")]
    assert trained == ["ffg"]


def test_an_experiment_without_models_is_not_run(project: Path) -> None:
    edit_yaml(project / "config/experiments.yaml", ("experiments.again.models", ["digits-af"]))
    edit_yaml(project / "config/presets/tiny.yaml", ("without", ["digits-af"]))
    assert load_configuration(project).chosen_experiments == ["gaps"]
    with pytest.raises(UserError, match="without leaves no model to the experiments that were chosen"):
        load_configuration(project, {"experiments": ["again"]})


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (
            ["digits"],
            "without is 'digits', which is not a model of an experiment of config/experiments.yaml; the nearest",
        ),
        (["digits-af", "digits-af"], "without names digits-af twice"),
        (
            ["digits-ffg", "digits-af"],
            "without leaves no model to the experiments that were chosen; leave some in.",
        ),
    ],
)
def test_what_a_preset_cannot_leave_out_is_a_sentence(project: Path, names: list[str], sentence: str) -> None:
    edit_yaml(project / "config/presets/tiny.yaml", ("without", names))
    assert any(sentence in each for each in problems(project))


def test_the_generator_of_a_model_is_not_left_out_alone(project: Path) -> None:
    edit_yaml(project / "config/experiments.yaml", ("models.digits-af.generator_of", "digits-ffg"))
    edit_yaml(project / "config/presets/tiny.yaml", ("without", ["digits-ffg"]))
    assert any(
        "without names digits-ffg, whose generator digits-af has; leave digits-af out as well" in each
        for each in problems(project)
    )
