"""The tidy table of verdicts: one line per statistic, per data set and per claim."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from inference_gaps.replication.analysis.claim_statistics import Measured, Runs, measure, published_value
from inference_gaps.replication.analysis.verdicts import NOT_RUN, Evidence, Rule, combine, judge
from inference_gaps.replication.artifacts.layout import Layout
from inference_gaps.replication.specs.claims import (
    ClaimSpec,
    ClaimsSpec,
    Combination,
    Comparison,
    StatisticSpec,
)
from inference_gaps.summary.intervals import Interval

__all__ = ["COLUMNS", "EFFECT", "build_claims"]

COLUMNS = (
    *(
        "claim",
        "level",
        "dataset",
        "statistic",
        "comparison",
        "judged",
        "verdict",
        "reason",
        "n_run",
        "n_parts",
    ),
    *("value", "ci_low", "ci_high", "mc_standard_error", "sd_between_seeds", "n_seeds", "seeds_agree"),
    *("n_points", "estimators", "bdmc_gap", "residual", "threshold"),
    *("published", "published_status", "relative_effect", "former_verdict"),
)
EFFECT = "effect"
_SURE = ("verified", "recalled")


@dataclass(frozen=True)
class _Rules:
    """What is fixed for all claims."""

    factor: float
    seeds_agree: float
    level: float


def _as_claimed(value: float, comparison: Comparison, threshold: float | None) -> float:
    """Return by how many nats ``value`` lies on the side that the claim has it on."""
    return {"negative": -value, "below": (threshold or 0.0) - value}.get(comparison, value)


def _evidence(statistic: StatisticSpec, found: Measured) -> Evidence:
    def effect(value: float) -> float:
        return _as_claimed(value, statistic.comparison, statistic.threshold)

    ends = sorted((effect(found.interval.low), effect(found.interval.high)))
    agree = sum(effect(mean) > 0 for mean in found.seeds) / len(found.seeds)
    mean = effect(found.interval.mean)
    # For a distance with a limit: the reverse bound is below the forward bound.
    impossible = statistic.comparison == "below" and found.interval.high < 0
    open_ends = (found.may_fall, found.may_rise)
    loose, at_least = open_ends if statistic.comparison in ("positive", "decreasing") else open_ends[::-1]
    interval, bias = Interval(mean, *ends), (found.bdmc_gap, found.residual)
    return Evidence(interval, agree, *bias, found.steps, impossible, loose, at_least)


def _line(statistic: StatisticSpec, runs: Runs, published: pd.DataFrame, rules: _Rules) -> dict[str, Any]:
    line: dict[str, Any] = {
        "level": "statistic",
        "dataset": statistic.dataset,
        "statistic": statistic.name,
        "comparison": statistic.comparison,
        "judged": statistic.judged,
        "threshold": statistic.threshold,
    }
    if statistic.not_run:
        return line | {"verdict": NOT_RUN, "reason": statistic.not_run}
    found = measure(statistic, runs, rules.level)
    theirs = published_value(statistic, runs, published)
    evidence = _evidence(statistic, found)
    published_effect = relative = None
    if theirs is not None and statistic.comparison != "below":
        published_effect = _as_claimed(theirs[0], statistic.comparison, statistic.threshold)
        # The ratio to an effect on the other side has no meaning.
        relative = evidence.effect.mean / published_effect if published_effect > 0 else None
    sure = theirs is not None and theirs[1] in _SURE
    # A limit is the size.
    limited = statistic.comparison == "below"
    rule = Rule(
        threshold=0.0 if limited else statistic.threshold or 0.0,
        factor=rules.factor,
        seeds_agree=rules.seeds_agree,
        published=published_effect if sure else None,
        boundary="the limit" if limited else "zero",
    )
    verdict, reason = judge(evidence, rule) if statistic.judged else ("", "shown beside the others")
    return line | {
        "verdict": verdict,
        "reason": reason,
        "value": found.interval.mean,
        "ci_low": found.interval.low,
        "ci_high": found.interval.high,
        "mc_standard_error": None if found.may_fall or found.may_rise else found.monte_carlo,
        "sd_between_seeds": found.between_seeds,
        "n_seeds": len(found.seeds),
        "seeds_agree": evidence.seeds_agree,
        "n_points": found.points,
        "estimators": " ".join(found.estimators),
        "bdmc_gap": found.bdmc_gap,
        "residual": found.residual,
        "published": theirs[0] if theirs else None,
        "published_status": theirs[1] if theirs else None,
        "relative_effect": relative,
    }


def _whole(level: str, parts: Sequence[dict[str, Any]], rule: Combination) -> dict[str, Any]:
    verdicts = [part["verdict"] for part in parts]
    run = [verdict for verdict in verdicts if verdict != NOT_RUN]
    reason = f"{'the weakest' if rule == 'all' else 'reached by more than half'} of {len(run)}" if run else ""
    if not run and parts:
        reason = parts[0]["reason"]
    return {
        "level": level,
        "verdict": combine(verdicts, rule),
        "reason": reason,
        "n_run": len(run),
        "n_parts": len(parts),
    }


def _by_former_rule(claim: ClaimSpec) -> ClaimSpec | None:
    """Return the claim with what decided before its rule was changed; nothing if it was not."""
    if claim.former is None:
        return None
    statistics = [
        each.model_copy(update={"judged": each.name in claim.former.statistics}) for each in claim.statistics
    ]
    return claim.model_copy(update={"statistics": statistics, "former": None})


def _claim_lines(
    claim: ClaimSpec, runs: Runs, published: pd.DataFrame, rules: _Rules
) -> list[dict[str, Any]]:
    former = _by_former_rule(claim)
    before = _claim_lines(former, runs, published, rules)[0]["verdict"] if former else None
    statistics = [_line(each, runs, published, rules) for each in claim.statistics]
    datasets = []
    for name in dict.fromkeys(each.dataset for each in claim.statistics):
        judged = [line for line in statistics if line["dataset"] == name and line["judged"]]
        datasets.append(_whole("dataset", judged, claim.combine) | {"dataset": name})
    whole = _whole("claim", datasets, claim.combine) | {"former_verdict": before}
    lines = [whole, *datasets, *statistics]
    return [{"claim": claim.id, **line} for line in lines]


def build_claims(spec: ClaimsSpec, layout: Layout, published: pd.DataFrame) -> pd.DataFrame:
    """Return the table of verdicts from the per-point values under ``layout``.

    Each claim has a line of ``level`` *claim*, one *dataset* line for each data set, and one *statistic* line for
    each statistic, in this order. Lines of ``level`` *effect* follow: what deviations from the paper change.
    ``value`` is the statistic in nats; ``ci_low`` to ``ci_high`` is its interval between data points (paired,
    Student's t), ``mc_standard_error`` its Monte-Carlo error, ``sd_between_seeds`` the
    standard deviation between training seeds: three uncertainties, never mixed. There is no Monte-Carlo error where
    the value rests on a loose lower bound of log p(x). ``seeds_agree`` is the share of
    seeds on the side of the claim; ``bdmc_gap`` and ``residual`` are its possible bias, by BDMC and by the local
    optimisation. ``relative_effect`` is the effect divided by the published one. ``former_verdict`` is that of a
    claim whose rule was changed, by the rule before. The rule is that of
    :mod:`inference_gaps.replication.analysis.verdicts`.

    Args:
        spec: the claims and the models that decide.
        layout: where the values are.
        published: as :func:`~inference_gaps.replication.analysis.published.read_published` returns it.

    Raises:
        UserError: a file is missing or damaged, or models that are compared were evaluated at different points.
    """
    runs = Runs(spec.rows, layout)
    rules = _Rules(spec.factor, spec.seeds_agree, spec.level)
    lines = [line for claim in spec.claims for line in _claim_lines(claim, runs, published, rules)]
    lines += [
        {"claim": effect.id, **_line(statistic, runs, published, rules), "level": EFFECT}
        for effect in spec.effects
        for statistic in effect.statistics
    ]
    frame = pd.DataFrame(lines, columns=list(COLUMNS))
    return frame.astype({name: "Int64" for name in ("n_run", "n_parts", "n_seeds", "n_points")})
