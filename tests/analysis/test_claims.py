"""Claims judged on synthetic studies whose gaps are known: the statistics, their uncertainties, the verdicts."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from inference_gaps.errors import UserError
from inference_gaps.replication.analysis.claims_layout import (
    claims_markdown,
    deciding,
    details,
    effects,
    overview,
    summary,
)
from inference_gaps.replication.artifacts.files import read_values, write_values
from inference_gaps.replication.artifacts.layout import Layout
from tests.analysis.judged import AMORTIZATION, BLAME, claims, line, row, statistic, table, write
from tests.synthetic_study import POINTS, TITLES


# The statistic is amortized - 1.95; the value recalled of it is 1.12.
@pytest.mark.parametrize(
    ("amortized", "verdict"),
    [(3.5, "replicated"), (7.0, "direction only"), (1.96, "inconclusive"), (1.2, "not replicated")],
)
def test_each_verdict_on_a_statistic_a_data_set_and_overall(
    tmp_path: Path, amortized: float, verdict: str
) -> None:
    layout = write(tmp_path, (row("mnist-af"), {"elbo-amortised": amortized}))
    found = table(layout, claims([statistic(BLAME)], [row("mnist-af")]))
    assert found["level"].tolist() == ["claim", "dataset", "statistic"]
    assert found["verdict"].tolist() == [verdict] * 3
    judged = found.iloc[2]
    assert judged["value"] == pytest.approx(amortized - 1.95)
    assert judged["ci_low"] < judged["value"] < judged["ci_high"]
    assert judged["published"] == pytest.approx(1.91 - 0.79)
    assert judged["published_status"] == "recalled"
    assert judged["relative_effect"] == pytest.approx((amortized - 1.95) / 1.12)
    assert (judged["n_points"], judged["n_seeds"]) == (POINTS, 1)


def test_a_term_of_a_checkpoint_is_of_that_epoch(tmp_path: Path) -> None:
    first, last = row("mnist-af", epoch=5), row("mnist-af")
    layout = write(tmp_path, (first, {"elbo-amortised": 3.5}), (last, {"elbo-amortised": 6.0}))
    growth = [AMORTIZATION, {**AMORTIZATION, "epoch": 5, "times": -1.0}]
    judged = line(layout, claims([statistic(growth)], [first, last]))
    assert judged["value"] == pytest.approx(2.5)
    assert judged["verdict"] == "replicated"


def test_effects_of_deviations_are_measured_and_not_judged(tmp_path: Path) -> None:
    gray, binary = row("mnist-af"), row("mnist-ffg")
    layout = write(tmp_path, (gray, {"elbo-amortised": 3.5}), (binary, {"elbo-amortised": 4.25}))
    terms = [
        {"quantity": "inference_gap", "model": "mnist-af"},
        {"quantity": "inference_gap", "model": "mnist-ffg", "times": -1.0},
    ]
    effect = statistic(terms, name="a difference", threshold=None, judged=False)
    spec = claims([statistic(BLAME)], [gray, binary], effects=[{"id": "D14", "statistics": [effect]}])
    found = table(layout, spec)
    (measured,) = (each for _, each in found[found["level"] == "effect"].iterrows())
    assert measured["claim"] == "D14"
    assert measured["verdict"] == ""
    assert measured["value"] == pytest.approx(-0.75)
    assert effects(found)["D14"].startswith("a difference: −0.75 [")
    markdown = claims_markdown(spec, found)
    assert "- D14: a difference: −0.75 [" in markdown
    # They are no claims.
    assert len(overview(spec, found)) == 1
    assert summary(found).startswith("Of 1 claims")


def test_what_an_experiment_decides_is_listed_with_its_verdict(tmp_path: Path) -> None:
    layout = write(tmp_path, (row("mnist-af"), {}))
    spec = claims([statistic(BLAME)], [row("mnist-af")])
    found = table(layout, spec)
    (record,) = deciding(spec, found, "table2")
    assert record["claim"] == "C1"
    assert record["verdict"] == "replicated"
    assert record["text"].startswith(f"{TITLES['mnist']}: 1.55 [")
    assert deciding(spec, found, "another") == []


def test_what_no_experiment_has_is_not_run(tmp_path: Path) -> None:
    spec = claims([statistic([], not_run="experiment later does not exist yet")], [])
    found = table(Layout("quick", tmp_path), spec)
    assert found["verdict"].tolist() == ["not run"] * 3
    assert set(found["reason"]) == {"experiment later does not exist yet"}
    assert found["value"].isna().all()
    assert details(spec, found)[0]["not_run"] == (
        f"Not run on {TITLES['mnist']}, because experiment later does not exist yet."
    )


def test_of_what_was_not_run_only_judged_statistics_are_named(tmp_path: Path) -> None:
    lacking = [
        statistic([], name=name, not_run=why, judged=judged)
        for name, why, judged in (
            ("growth", "large is left out", True),
            ("difference", "large is left out", False),
            ("flow", "flow is left out", False),
            ("decoder", "decoder is left out", False),
        )
    ]
    af = row("mnist-af")
    layout = write(tmp_path, (af, {}))
    spec = claims(
        [statistic([{**term, "model": "mnist-af", "published": None} for term in BLAME]), *lacking], [af]
    )
    assert details(spec, table(layout, spec))[0]["not_run"] == (
        f"Not run on {TITLES['mnist']}, because large is left out: growth. Not run on {TITLES['mnist']}, because "
        f"flow is left out; decoder is left out: statistics that are only shown."
    )


@pytest.mark.parametrize(("combine", "whole"), [("all", "not replicated"), ("most", "replicated")])
def test_data_sets_combine_to_the_verdict_of_the_claim(tmp_path: Path, combine: str, whole: str) -> None:
    amortized = {"mnist": 3.5, "fashion-mnist": 7.0, "cifar10": 1.2}
    rows = {name: row(f"{name}-af", dataset=name) for name in amortized}
    layout = write(tmp_path, *((rows[name], {"elbo-amortised": value}) for name, value in amortized.items()))
    terms = {
        name: [{**term, "model": f"{name}-af", "published": None} for term in BLAME] for name in amortized
    }
    parts = [statistic(terms[name], dataset=name) for name in amortized]
    parts.append(statistic([], name="another", not_run="later"))
    spec = claims(parts, list(rows.values()), combine=combine)
    found = table(layout, spec)
    # Where others of the claim were run, it is said which was not.
    assert details(spec, found)[0]["not_run"] == f"Not run on {TITLES['mnist']}, because later: another."
    overall = found.iloc[0]
    assert (overall["verdict"], overall["n_run"], overall["n_parts"]) == (whole, 3, 3)
    datasets = found[found["level"] == "dataset"].set_index("dataset")
    assert datasets["verdict"].to_dict() == {
        "mnist": "replicated",
        "fashion-mnist": "replicated",
        "cifar10": "not replicated",
    }
    assert datasets.loc["mnist", ["n_run", "n_parts"]].tolist() == [1, 2]


def test_models_are_compared_at_the_same_points(tmp_path: Path) -> None:
    """Between images the gaps differ by three nats, in both models alike; the gap of one is half a nat smaller."""
    common = 3 * np.random.default_rng(9).standard_normal(POINTS)
    standard, wide = row("mnist-ffg"), row("mnist-ffg-wide")
    layout = write(
        tmp_path, (standard, {"elbo-amortised": 12 + common}), (wide, {"elbo-amortised": 11.5 + common})
    )
    terms = [
        {"quantity": "amortization_gap", "model": "mnist-ffg", "published": None},
        {"quantity": "amortization_gap", "model": "mnist-ffg-wide", "times": -1.0, "published": None},
    ]
    found = line(layout, claims([statistic(terms)], [standard, wide]))
    assert found["verdict"] == "replicated"
    assert found["value"] == pytest.approx(0.5)
    # Unpaired, the interval would be over three nats wide.
    assert found["ci_high"] - found["ci_low"] < 0.6


def test_images_of_different_splits_are_not_paired(tmp_path: Path) -> None:
    """Both splits have gaps that rise alike from image to image; the images have nothing to do with each other."""
    common = 3 * np.random.default_rng(9).standard_normal(POINTS)
    seen, unseen = row("mnist-ffg"), row("mnist-ffg", split="validation")
    layout = write(
        tmp_path, (seen, {"elbo-amortised": 12 + common}), (unseen, {"elbo-amortised": 14 + common})
    )
    terms = [
        {"quantity": "amortization_gap", "model": "mnist-ffg", "published": None, "split": "validation"},
        {"quantity": "amortization_gap", "model": "mnist-ffg", "published": None, "times": -1.0},
    ]
    found = line(layout, claims([statistic(terms)], [seen, unseen]))
    assert found["value"] == pytest.approx(2.0)
    # Welch: equal variances and numbers of points add.
    half = stats.t.ppf(0.975, df=2 * (POINTS - 1)) * np.sqrt(2 / POINTS) * common.std(ddof=1)
    assert found["ci_high"] - found["ci_low"] == pytest.approx(2 * half, rel=0.15)


def test_the_rule_before_a_change_gives_a_verdict_beside_the_new_one(tmp_path: Path) -> None:
    model = row("mnist-af")
    layout = write(tmp_path, (model, {"elbo-amortised": 3.5}))
    other = [{**term, "times": -term.get("times", 1.0)} for term in BLAME]
    parts = [statistic(BLAME), statistic(other, name="another", judged=False)]
    former = {"words": "The other one was taken out.", "statistics": ["a statistic", "another"]}
    spec = claims(parts, [model], former=former)
    found = table(layout, spec)
    assert found.iloc[0][["verdict", "former_verdict"]].tolist() == ["replicated", "not replicated"]
    assert found["former_verdict"].isna().sum() == len(found) - 1
    assert found.iloc[-1]["verdict"] == ""
    text = claims_markdown(spec, found)
    assert "The other one was taken out. By the rule before: not replicated." in text


def test_a_point_that_one_model_lacks_is_left_out_of_the_comparison(tmp_path: Path) -> None:
    rows = [row("mnist-ffg"), row("mnist-ffg-wide")]
    layout = write(tmp_path, *((each, {}) for each in rows))
    path = layout.iwae("mnist-ffg", 0, "train", "amortised")
    frame, provenance = read_values(path)
    frame.loc[frame["point"] == 4, "value"] = float("nan")
    write_values(path, frame, provenance)
    terms = [
        {"quantity": "amortization_gap", "model": each.model, "times": times}
        for each, times in zip(rows, (1.0, -1.0))
    ]
    assert line(layout, claims([statistic(terms)], rows))["n_points"] == POINTS - 1


def test_seeds_are_averaged_and_must_agree(tmp_path: Path) -> None:
    amortized = {0: 6.0, 1: 5.0, 2: 1.2}
    rows = [row("mnist-af", seed) for seed in amortized]
    layout = write(tmp_path, *((each, {"elbo-amortised": amortized[each.seed]}) for each in rows))
    found = line(layout, claims([statistic(BLAME)], rows))
    effects = np.array(list(amortized.values())) - 1.95
    assert found["value"] == pytest.approx(effects.mean())
    assert found["ci_low"] > 0
    assert found["sd_between_seeds"] == pytest.approx(effects.std(ddof=1))
    assert found["mc_standard_error"] == pytest.approx(np.hypot(0.02 * np.sqrt(6 / POINTS / 3), 0.02**2))
    assert found["seeds_agree"] == pytest.approx(2 / 3)
    assert (found["verdict"], found["n_seeds"]) == ("inconclusive", 3)
    lenient = claims([statistic(BLAME)], rows, seeds_agree=0.6)
    assert line(layout, lenient)["verdict"] == "replicated"


def test_terms_of_one_model_share_its_errors(tmp_path: Path) -> None:
    """2 L[q*] - L[q] - log p(x) has the variance 4 + 1 + 1, whether it is written as one term or as two."""
    layout = write(tmp_path, (row("mnist-af"), {}))
    once = [{"quantity": "amortization_minus_approximation", "model": "mnist-af"}]
    errors = [
        line(layout, claims([statistic(terms)], [row("mnist-af")]))["mc_standard_error"]
        for terms in (BLAME, once)
    ]
    assert errors == pytest.approx([np.hypot(0.02 * np.sqrt(6 / POINTS), 0.02**2)] * 2)


@pytest.mark.parametrize(
    ("comparison", "verdict"), [("positive", "not replicated"), ("negative", "replicated")]
)
def test_the_side_of_the_claim(tmp_path: Path, comparison: str, verdict: str) -> None:
    layout = write(tmp_path, (row("mnist-ffg"), {}))
    terms = [{"quantity": "amortization_gap", "model": "mnist-ffg", "times": -1.0}]
    found = line(layout, claims([statistic(terms, comparison=comparison)], [row("mnist-ffg")]))
    assert found["verdict"] == verdict
    assert found["seeds_agree"] == (verdict == "replicated")
    # The published gap, times minus one, is on the side of the second.
    assert pd.isna(found["relative_effect"]) == (comparison == "positive")


@pytest.mark.parametrize(
    ("limit", "verdict"), [(0.3, "replicated"), (0.14, "inconclusive"), (0.05, "not replicated")]
)
def test_what_must_stay_below_a_limit(tmp_path: Path, limit: float, verdict: str) -> None:
    layout = write(tmp_path, (row("mnist-ffg"), {}))
    path = layout.bdmc("mnist-ffg", 0, "prior")
    frame, provenance = read_values(path)
    reverse = frame["forward"] + np.linspace(0.1, 0.18, POINTS)
    write_values(path, frame.assign(reverse=reverse), provenance)
    terms = [{"quantity": "bdmc_prior", "model": "mnist-ffg"}]
    spec = claims([statistic(terms, comparison="below", threshold=limit)], [row("mnist-ffg")])
    found = line(layout, spec)
    assert found["value"] == pytest.approx(0.14)
    assert found["verdict"] == verdict
    assert found["reason"].endswith("limit") == (verdict != "not replicated")


@pytest.mark.parametrize(
    ("distances", "verdict"),
    [
        ((3.0, 2.0, 1.0), "replicated"),
        ((3.0, 3.0, 1.0), "direction only"),
        ((2.0, 3.0, 1.0), "not replicated"),
        ((1.08, 1.04, 1.0), "inconclusive"),
        ((1.0, 2.0, 3.0), "not replicated"),
    ],
)
def test_a_series_that_must_decrease(tmp_path: Path, distances: tuple[float, ...], verdict: str) -> None:
    rows = [row(f"mnist-ffg-{layers}") for layers in (0, 2, 4)]
    layout = write(
        tmp_path, *((each, {"elbo-local-ffg": distance}) for each, distance in zip(rows, distances))
    )
    terms = [{"quantity": "approximation_gap", "model": each.model, "published": None} for each in rows]
    found = line(layout, claims([statistic(terms, comparison="decreasing")], rows))
    assert found["value"] == pytest.approx(distances[0] - distances[-1])
    assert found["verdict"] == verdict


def test_a_published_value_that_is_doubted_is_shown_but_does_not_judge(tmp_path: Path) -> None:
    fashion = row("fashion-af", dataset="fashion-mnist")
    layout = write(tmp_path, (fashion, {}))
    terms = [{**term, "model": "fashion-af"} for term in BLAME]
    found = line(layout, claims([statistic(terms, dataset="fashion-mnist")], [fashion]))
    assert found["published_status"] == "uncertain"
    assert found["relative_effect"] == pytest.approx(1.55 / 4.37)
    assert (found["verdict"], found["reason"]) == ("replicated", "at least 0.1 nats")


def test_an_effect_below_the_threshold_is_a_direction(tmp_path: Path) -> None:
    terms = [{**term, "published": None} for term in BLAME]
    layout = write(tmp_path, (row("mnist-af"), {}))
    found = line(layout, claims([statistic(terms, threshold=2.0)], [row("mnist-af")]))
    assert (found["verdict"], found["reason"]) == ("direction only", "smaller than 2 nats")
    assert pd.isna(found["published"])


def test_a_statistic_that_is_only_shown_decides_nothing(tmp_path: Path) -> None:
    layout = write(tmp_path, (row("mnist-af"), {}))
    against = [{**term, "times": -term.get("times", 1.0)} for term in BLAME]
    parts = [statistic(BLAME), statistic(against, name="another", judged=False)]
    found = table(layout, claims(parts, [row("mnist-af")]))
    assert found["verdict"].tolist() == ["replicated", "replicated", "replicated", ""]
    assert found.iloc[3]["value"] == pytest.approx(-1.55)
    assert found.iloc[1]["n_parts"] == 1


def test_models_without_common_points_are_a_sentence(tmp_path: Path) -> None:
    rows = [row("mnist-ffg"), row("mnist-ffg-wide")]
    layout = write(tmp_path, *((each, {}) for each in rows))
    for name in ("iwae-amortised", "iwae-local-ffg", "iwae-local-af", "ais-prior", "ais-local-ffg"):
        path = layout.run("mnist-ffg", 0) / "train" / f"{name}.csv"
        frame, provenance = read_values(path)
        write_values(path, frame.assign(point=frame["point"] + 20), provenance)
    terms = [{"quantity": "amortization_gap", "model": each.model} for each in rows]
    with pytest.raises(UserError, match="mnist-ffg and mnist-ffg-wide have 4 of 24 data points in common"):
        table(layout, claims([statistic(terms)], rows))


@pytest.mark.parametrize(
    ("term", "sentence"),
    [
        ({"model": "mnist-fgf"}, "has a term of model mnist-fgf .* but no such row; add it to rows"),
        ({"quantity": "elbo_local_af"}, "asks for elbo_local_af of mnist-ffg, whose row has no such bound"),
    ],
)
def test_a_specification_that_asks_for_what_is_not_there_is_a_sentence(
    tmp_path: Path, term: dict[str, str], sentence: str
) -> None:
    layout = write(tmp_path, (row("mnist-ffg"), {}))
    only = row("mnist-ffg").model_copy(update={"local": ["ffg"]})
    terms = [{"quantity": "elbo_amortized", "model": "mnist-ffg", **term}]
    with pytest.raises(UserError, match=sentence):
        table(layout, claims([statistic(terms)], [only]))


def test_models_with_different_seeds_are_a_sentence(tmp_path: Path) -> None:
    rows = [row("mnist-ffg"), row("mnist-af"), row("mnist-af", 1)]
    layout = write(tmp_path, *((each, {}) for each in rows))
    terms = [{"quantity": "amortization_gap", "model": name} for name in ("mnist-ffg", "mnist-af")]
    with pytest.raises(UserError, match="gives models mnist-ffg and mnist-af different numbers of seeds"):
        table(layout, claims([statistic(terms)], rows))
