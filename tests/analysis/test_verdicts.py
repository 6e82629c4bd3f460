"""Every branch of the rule that turns evidence into a verdict, and verdicts on parts into one on the whole."""

import itertools

import pytest

from inference_gaps.replication.analysis.verdicts import (
    DIRECTION_ONLY,
    INCONCLUSIVE,
    NOT_REPLICATED,
    NOT_RUN,
    REPLICATED,
    VERDICTS,
    Evidence,
    Rule,
    combine,
    judge,
)
from inference_gaps.summary.intervals import Interval

RULE = Rule(threshold=0.5, factor=2.0, seeds_agree=1.0)
CLEAR = Interval(1.0, 0.8, 1.2)
AGAINST = Interval(-1.0, -1.2, -0.8)


def test_the_interval_decides_the_side() -> None:
    assert judge(Evidence(CLEAR), RULE)[0] == REPLICATED
    assert judge(Evidence(AGAINST, seeds_agree=0.0), RULE)[0] == NOT_REPLICATED
    assert judge(Evidence(Interval(1.0, -0.1, 2.1)), RULE) == (INCONCLUSIVE, "interval includes zero")
    assert judge(Evidence(Interval(-1.0, -2.1, 0.1), 0.0), RULE)[0] == INCONCLUSIVE


def test_without_a_published_effect_the_threshold_decides_the_size() -> None:
    small = Evidence(Interval(0.4, 0.3, 0.5))
    assert judge(small, RULE) == (DIRECTION_ONLY, "smaller than 0.5 nats")
    assert judge(Evidence(CLEAR), RULE) == (REPLICATED, "at least 0.5 nats")


def test_a_published_effect_against_the_claim_sets_no_size() -> None:
    assert judge(Evidence(CLEAR), Rule(0.5, 2.0, 1.0, published=-1.0)) == (REPLICATED, "at least 0.5 nats")


@pytest.mark.parametrize(
    ("published", "verdict"),
    [(0.4, DIRECTION_ONLY), (0.6, REPLICATED), (1.9, REPLICATED), (2.1, DIRECTION_ONLY)],
)
def test_a_published_effect_is_matched_within_the_factor_either_way(published: float, verdict: str) -> None:
    # The threshold no longer counts.
    rule = Rule(threshold=5.0, factor=2.0, seeds_agree=1.0, published=published)
    assert judge(Evidence(CLEAR), rule)[0] == verdict


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize(
    ("bdmc", "residual", "inconclusive"),
    [(1.1, 0.0, True), (0.0, 1.1, True), (0.6, 0.5, True), (0.5, 0.4, False)],
)
def test_an_effect_within_its_possible_bias_is_inconclusive(
    bdmc: float, residual: float, inconclusive: bool, side: int
) -> None:
    effect, agree = (CLEAR, 1.0) if side > 0 else (AGAINST, 0.0)
    verdict, reason = judge(Evidence(effect, agree, bdmc, residual), RULE)
    assert (verdict == INCONCLUSIVE) == inconclusive
    assert ("mostly" in reason) == inconclusive
    if inconclusive:
        assert ("BDMC" in reason) == (bdmc >= residual)


def test_seeds_that_disagree_are_inconclusive_on_either_side() -> None:
    assert judge(Evidence(CLEAR, seeds_agree=2 / 3), RULE) == (
        INCONCLUSIVE,
        "only 67% of the seeds on this side",
    )
    assert judge(Evidence(AGAINST, seeds_agree=1 / 3), RULE)[0] == INCONCLUSIVE
    lenient = Rule(threshold=0.5, factor=2.0, seeds_agree=0.6)
    assert judge(Evidence(CLEAR, seeds_agree=2 / 3), lenient)[0] == REPLICATED
    assert judge(Evidence(AGAINST, seeds_agree=1 / 3), lenient)[0] == NOT_REPLICATED


def test_a_series_must_fall_at_each_step() -> None:
    falls, flat = (Interval(0.5, 0.3, 0.7), 0.1), (Interval(0.5, -0.1, 1.1), 0.1)
    biased, rises = (Interval(0.5, 0.3, 0.7), 0.5), (Interval(-0.5, -0.7, -0.3), 0.1)
    assert judge(Evidence(CLEAR, steps=[falls, falls]), RULE)[0] == REPLICATED
    for step, verdict in ((flat, DIRECTION_ONLY), (biased, DIRECTION_ONLY), (rises, NOT_REPLICATED)):
        assert judge(Evidence(CLEAR, steps=[falls, step]), RULE)[0] == verdict
        assert judge(Evidence(CLEAR, steps=[step, falls]), RULE)[0] == verdict


@pytest.mark.parametrize("effect", [CLEAR, AGAINST])
def test_what_rests_on_a_loose_bound_is_inconclusive(effect: Interval) -> None:
    agree = float(effect is CLEAR)
    assert judge(Evidence(effect, agree, loose=True), RULE) == (
        INCONCLUSIVE,
        "rests on a loose lower bound of log p(x)",
    )


def test_what_is_at_least_so_large_has_a_side_but_no_size() -> None:
    assert judge(Evidence(CLEAR, at_least=True), RULE) == (REPLICATED, "at least 0.5 nats")
    known = Rule(threshold=0.5, factor=2.0, seeds_agree=1.0, published=1.0)
    assert judge(Evidence(CLEAR, at_least=True), known)[0] == DIRECTION_ONLY
    assert judge(Evidence(AGAINST, 0.0, at_least=True), RULE)[0] == INCONCLUSIVE
    rises = (Interval(-0.5, -0.7, -0.3), 0.1)
    assert judge(Evidence(CLEAR, steps=[rises], at_least=True), RULE)[0] == INCONCLUSIVE


def test_a_distance_below_zero_is_no_evidence() -> None:
    assert judge(Evidence(CLEAR, impossible=True), RULE)[0] == INCONCLUSIVE


def test_the_weakest_verdict_is_that_of_all() -> None:
    for first, second in itertools.combinations(VERDICTS[:4], 2):
        assert combine([first, second], "all") == combine([second, first], "all") == second
    assert combine([REPLICATED] * 3, "all") == REPLICATED


@pytest.mark.parametrize(
    ("verdicts", "whole"),
    [
        ([REPLICATED, NOT_REPLICATED, REPLICATED], REPLICATED),
        ([REPLICATED, NOT_REPLICATED], NOT_REPLICATED),
        ([NOT_REPLICATED, DIRECTION_ONLY, REPLICATED], DIRECTION_ONLY),
        ([REPLICATED, REPLICATED, INCONCLUSIVE, INCONCLUSIVE], INCONCLUSIVE),
        ([REPLICATED], REPLICATED),
    ],
)
def test_most_reach_the_verdict_of_the_whole(verdicts: list[str], whole: str) -> None:
    assert combine(verdicts, "most") == whole


@pytest.mark.parametrize("rule", ["all", "most"])
def test_what_was_not_run_does_not_count(rule: str) -> None:
    assert combine([NOT_RUN, DIRECTION_ONLY, NOT_RUN], rule) == DIRECTION_ONLY
    assert combine([NOT_RUN, NOT_RUN], rule) == combine([], rule) == NOT_RUN
