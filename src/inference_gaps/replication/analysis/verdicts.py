"""From the evidence on a claim to a verdict, by one rule for all claims.

An *effect* is a number of nats, positive as the claim has it: the statistic, or minus the statistic (``negative``),
or the limit less the statistic (``below``). Its verdict is the first of these that fits:

1. *inconclusive* if the interval of the effect includes zero; if too few training seeds lie on the side of the
   mean; if the effect is no larger than its possible bias, by BDMC and by the residual of q*; or if it may be far
   smaller, or far larger where it is on the other side, because of a loose lower bound of log p(x);
2. *not replicated* if the interval lies on the other side of zero, or that of a step of a series does;
3. *replicated* if the size is right: within the stated factor of the published effect, if that is known, on the
   side of the claim and not doubted, and if the effect is not only bounded from below; otherwise at least the
   stated threshold (for ``below``, the limit);
4. *direction only* otherwise.

For ``decreasing`` the effect is the first term less the last; *replicated* then also needs each step from one
term to the next to be positive beyond its interval, and larger than its possible bias. For ``below`` of
something that cannot be negative, an interval below zero is *inconclusive*: the estimates are wrong.

Several verdicts combine to the weakest (``all``), or to the best that more than half of them have or exceed
(``most``), in the order replicated, direction only, inconclusive, not replicated. What was not run does not
count; if nothing was run, nor was the whole. The statistics of a data set combine to its verdict, and the data sets
to that of the claim.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from inference_gaps.summary.intervals import Interval

__all__ = [
    "DIRECTION_ONLY",
    "INCONCLUSIVE",
    "NOT_REPLICATED",
    "NOT_RUN",
    "REPLICATED",
    "VERDICTS",
    "Evidence",
    "Rule",
    "combine",
    "judge",
]

REPLICATED = "replicated"
DIRECTION_ONLY = "direction only"
INCONCLUSIVE = "inconclusive"
NOT_REPLICATED = "not replicated"
NOT_RUN = "not run"
VERDICTS = (REPLICATED, DIRECTION_ONLY, INCONCLUSIVE, NOT_REPLICATED, NOT_RUN)


@dataclass(frozen=True)
class Evidence:
    """What is known of an effect; all in nats but ``seeds_agree``.

    Attributes:
        effect: its mean over data points and seeds, with the interval between points.
        seeds_agree: share of the training seeds whose mean is on the side of the claim.
        bdmc_gap: how far its estimates of log p(x) may be too low.
        residual: how far its L[q*] may be too low.
        steps: of a series, the differences from each term to the next, each with its possible bias.
        impossible: whether the interval holds only impossible values.
        loose: whether it may be far smaller, because log p(x) is only bounded from below.
        at_least: whether it may be far larger, for the same reason.
    """

    effect: Interval
    seeds_agree: float = 1.0
    bdmc_gap: float = 0.0
    residual: float = 0.0
    steps: Sequence[tuple[Interval, float]] = ()
    impossible: bool = False
    loose: bool = False
    at_least: bool = False


@dataclass(frozen=True)
class Rule:
    """What counts as replicated.

    Attributes:
        threshold: smallest effect that counts, in nats.
        factor: how far from the published effect, either way.
        published: the published effect, if it is known and not doubted.
        seeds_agree: smallest share of the seeds on the side of the mean.
        boundary: what separates the two sides, in words.
    """

    threshold: float
    factor: float
    seeds_agree: float
    published: float | None = None
    boundary: str = "zero"


def judge(evidence: Evidence, rule: Rule) -> tuple[str, str]:
    """Return the verdict on a statistic, and the reason in words."""
    effect = evidence.effect
    as_claimed = effect.mean > 0
    if evidence.impossible:
        return INCONCLUSIVE, "interval below zero, where no true value is"
    if effect.low <= 0 <= effect.high:
        return INCONCLUSIVE, f"interval includes {rule.boundary}"
    agree = evidence.seeds_agree if as_claimed else 1 - evidence.seeds_agree
    if agree < rule.seeds_agree:
        return INCONCLUSIVE, f"only {agree:.0%} of the seeds on this side"
    turned = not as_claimed or any(step.high < 0 for step, _ in evidence.steps)
    if evidence.loose or (evidence.at_least and turned):
        return INCONCLUSIVE, "rests on a loose lower bound of log p(x)"
    bias = evidence.bdmc_gap + evidence.residual
    if abs(effect.mean) <= bias:
        larger = "BDMC" if evidence.bdmc_gap >= evidence.residual else "the residual of q*"
        return INCONCLUSIVE, f"within the {bias:.2f} nats left open, mostly by {larger}"
    if not as_claimed:
        return NOT_REPLICATED, "interval on the other side"
    if any(step.high < 0 for step, _ in evidence.steps):
        return NOT_REPLICATED, "a step on the other side, beyond its interval"
    if any(step.low <= 0 for step, _ in evidence.steps):
        return DIRECTION_ONLY, "not every step beyond its interval"
    if any(step.mean <= bias_of_step for step, bias_of_step in evidence.steps):
        return DIRECTION_ONLY, "not every step beyond what is left open of it"
    return _sized(effect.mean, rule, evidence.at_least)


def _sized(effect: float, rule: Rule, at_least: bool) -> tuple[str, str]:
    if rule.published is not None and rule.published > 0:
        if at_least:
            return DIRECTION_ONLY, "its size is only bounded from below"
        ratio = effect / rule.published
        within = 1 / rule.factor <= ratio <= rule.factor
        words = f"{'within' if within else 'beyond'} a factor of {rule.factor:g} of the published"
        return (REPLICATED if within else DIRECTION_ONLY), words
    if rule.threshold == 0:
        return REPLICATED, f"interval on this side of {rule.boundary}"
    if effect >= rule.threshold:
        return REPLICATED, f"at least {rule.threshold:g} nats"
    return DIRECTION_ONLY, f"smaller than {rule.threshold:g} nats"


def combine(verdicts: Sequence[str], rule: str) -> str:
    """Return the verdict on a whole from those on its parts; ``rule`` is ``all`` or ``most``."""
    run = sorted((verdict for verdict in verdicts if verdict != NOT_RUN), key=VERDICTS.index)
    if not run:
        return NOT_RUN
    return run[len(run) // 2] if rule == "most" else run[-1]
