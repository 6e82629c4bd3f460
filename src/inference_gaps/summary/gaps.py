"""The gaps of an amortized posterior, from bounds on log p(x) at the same data points.

    inference gap     = log p(x) - L[q]
    approximation gap = log p(x) - L[q*]     q* the best member of the family that the model was trained with
    amortization gap  = L[q*] - L[q]

(Cremer, Li and Duvenaud, 2018, arXiv 1801.03558, table 1.) One of the lower bounds stands for log p(x). It is
chosen once for a whole data set, never point by point: noise would bias the largest of several values at each
point upwards. The largest mean minus two of its Monte-Carlo standard errors is chosen, so noise alone cannot
decide.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inference_gaps.specs.families import FAMILIES
from inference_gaps.summary.intervals import monte_carlo_standard_error, selection_bias_bound
from inference_gaps.summary.trust import MOST_UNTRUSTED, mean_error, shortfall, trusted

__all__ = ["PAPER_ESTIMATORS", "Bounds", "Quantity", "average_over_seeds", "quantities", "tightest"]

PAPER_ESTIMATORS = ("ais_prior", "iwae_amortized")
_RIVAL_DISTANCE = 6.0
_CAUTION = 2.0
# So far above a trusted estimate, in errors of both, another lower bound shows that it falls short.
_APART = 4.0


@dataclass(frozen=True)
class Bounds:
    """Lower bounds on log p(x), in nats: two frames with one row per point, one column per estimator.

    ``excluded`` counts points that were left out; ``stuck`` those at which AIS chains hardly move, by estimator.
    ``effective_sample_size`` has the columns of the estimates from importance weights; without it, none of them
    is doubted.
    """

    value: pd.DataFrame
    standard_error: pd.DataFrame
    excluded: int = 0
    stuck: Mapping[str, int] = field(default_factory=dict)
    effective_sample_size: pd.DataFrame | None = None

    def trusted(self, estimator: str) -> bool:
        """Say whether an estimate may stand for log p(x): nearly everywhere, enough of its weights count."""
        sizes = self.effective_sample_size
        if sizes is None or estimator not in sizes:
            return True
        enough = trusted(sizes[estimator], self.standard_error[estimator])
        return bool((~enough).mean() <= MOST_UNTRUSTED)

    def shortfall(self, estimator: str) -> float:
        """Return how many nats the mean of an estimate from importance weights may be too low, else 0."""
        sizes = self.effective_sample_size
        if sizes is None or estimator not in sizes:
            return 0.0
        return shortfall(self.standard_error[estimator])


@dataclass(frozen=True)
class Quantity:
    """A bound or a gap at each point, its Monte-Carlo standard error, and the estimator of its log p(x).

    ``bias_bound``: if the largest of several means was chosen, a bound on the bias of this choice in nats, over
    the estimators within six standard errors of the largest. ``weights``: the quantity as a linear combination of
    columns of :class:`Bounds`. ``excluded`` counts points that were left out, ``stuck`` those at
    which its AIS chains hardly move, in all seeds. ``shortfall``: how many nats estimates from importance weights
    may be too low, mean over the points. ``loose``: log p(x) may lie far above, so that the error says nothing;
    gaps that rest on it are at least as large.
    """

    name: str
    estimator: str
    per_point: pd.Series
    standard_error: pd.Series
    bias_bound: float | None = None
    weights: Mapping[str, float] = field(default_factory=dict)
    excluded: int = 0
    stuck: int = 0
    shortfall: float = 0.0
    loose: bool = False

    @property
    def error(self) -> float:
        """The Monte-Carlo error of the mean over points in nats, which allows for the shortfall."""
        return float(np.hypot(monte_carlo_standard_error(_numbers(self.standard_error)), self.shortfall))


def tightest(bounds: Bounds, estimators: Sequence[str], caution: float = _CAUTION) -> str:
    """Return the estimator with the largest mean over the points less ``caution`` standard errors of it."""
    return max(estimators, key=lambda each: bounds.value[each].mean() - caution * _error(bounds, each))


def _error(bounds: Bounds, estimator: str) -> float:
    return monte_carlo_standard_error(_numbers(bounds.standard_error[estimator]))


def _single(bounds: Bounds, estimator: str) -> Quantity:
    return Quantity(
        estimator,
        estimator,
        bounds.value[estimator],
        bounds.standard_error[estimator],
        weights={estimator: 1.0},
        shortfall=bounds.shortfall(estimator),
        loose=not bounds.trusted(estimator),
    )


def _log_p(bounds: Bounds, name: str, candidates: Sequence[str], caution: float = _CAUTION) -> Quantity:
    chosen = tightest(bounds, candidates, caution)
    means = bounds.value.mean()
    errors = {each: _error(bounds, each) for each in candidates}
    # An estimator far below the largest could not have been chosen by chance, however noisy it is.
    rivals = [
        error
        for each, error in errors.items()
        if means[chosen] - means[each] <= _RIVAL_DISTANCE * np.hypot(error, errors[chosen])
    ]
    return replace(_single(bounds, chosen), name=name, bias_bound=selection_bias_bound(rivals))


def _best_log_p(bounds: Bounds, at_hand: Sequence[str]) -> Quantity:
    best = _log_p(bounds, "log_p_best", at_hand)
    if bounds.effective_sample_size is None:
        return best
    enough = [name for name in at_hand if name in bounds.effective_sample_size and bounds.trusted(name)]
    if best.estimator in enough:
        return best
    if enough:
        other = _log_p(bounds, "log_p_best", enough)
        error = np.hypot(mean_error(best.standard_error), other.error)
        if best.per_point.mean() - other.per_point.mean() <= _APART * error:
            return other
    return replace(best, loose=True)


def _numbers(series: pd.Series) -> NDArray[np.float64]:
    return series.to_numpy(dtype=np.float64)


def _combination(name: str, terms: Sequence[tuple[float, Quantity]], estimator: str = "") -> Quantity:
    # Errors are added as if independent. Those of bounds made from the same samples go in the same
    # direction, and the gaps subtract such bounds, so that this can only be too large.
    value = sum((factor * each.per_point for factor, each in terms[1:]), terms[0][0] * terms[0][1].per_point)
    variance = sum((factor * each.standard_error) ** 2 for factor, each in terms)
    weights: dict[str, float] = {}
    for factor, each in terms:
        for column, weight in each.weights.items():
            weights[column] = weights.get(column, 0.0) + factor * weight
    return Quantity(
        name,
        estimator,
        value,
        pd.Series(variance) ** 0.5,
        weights=weights,
        shortfall=sum(abs(factor) * each.shortfall for factor, each in terms),
        loose=any(each.loose for _, each in terms),
    )


def quantities(bounds: Bounds, trained_with: str) -> list[Quantity]:
    """Return every estimator, log p(x) by two rules, and the gaps by both.

    ``log_p_best`` is the tightest of all (:func:`tightest`), or, where effective sample sizes are known and
    too few of its weights count, the tightest of those that can be trusted and reach it; ``log_p_paper`` is
    the larger mean of AIS from the prior (where it was run) and IWAE from q, as the paper has it. Gaps that
    rest on the latter end in ``_paper``. Gaps that need q* (and ``amortization_minus_approximation``, the
    difference of two) are left out where it was not optimised in the family ``trained_with``.
    ``gain_<family>`` is L[q*] of another family less L[q*_FFG], at which its optimisation starts unless the
    model was trained with that family.
    """
    at_hand = list(bounds.value.columns)
    single = {name: _single(bounds, name) for name in at_hand}
    best = _best_log_p(bounds, at_hand)
    theirs = [name for name in PAPER_ESTIMATORS if name in single]
    paper = _log_p(bounds, "log_p_paper", theirs, caution=0.0)
    amortized = single["elbo_amortized"]
    local = single.get(f"elbo_local_{FAMILIES[trained_with].key}")
    found = [*single.values(), paper, best]
    if local is not None:
        found.append(_combination("amortization_gap", [(1, local), (-1, amortized)]))
        terms = [(2.0, local), (-1.0, amortized), (-1.0, best)]
        found.append(_combination("amortization_minus_approximation", terms, best.estimator))
    gaussian = single.get("elbo_local_ffg")
    for key in (entry.key for entry in FAMILIES.values() if entry.name != "ffg"):
        richer = single.get(f"elbo_local_{key}")
        if gaussian is not None and richer is not None:
            found.append(_combination(f"gain_{key}", [(1, richer), (-1, gaussian)]))
    for suffix, log_p in (("", best), ("_paper", paper)):
        if local is not None:
            terms = [(1.0, log_p), (-1.0, local)]
            found.append(_combination(f"approximation_gap{suffix}", terms, log_p.estimator))
        terms = [(1.0, log_p), (-1.0, amortized)]
        found.append(_combination(f"inference_gap{suffix}", terms, log_p.estimator))
    return [
        replace(each, excluded=bounds.excluded, stuck=bounds.stuck.get(each.estimator, 0)) for each in found
    ]


def average_over_seeds(runs: Sequence[Sequence[Quantity]]) -> list[Quantity]:
    """Average each quantity over training seeds, at the points that all runs share."""
    averaged = []
    for same in zip(*runs, strict=True):
        values = pd.concat([each.per_point for each in same], axis=1, join="inner")
        errors = pd.concat([each.standard_error for each in same], axis=1, join="inner")
        names = {each.estimator for each in same}
        biases = [each.bias_bound for each in same if each.bias_bound is not None]
        averaged.append(
            Quantity(
                name=same[0].name,
                estimator=names.pop() if len(names) == 1 else "differs between seeds",
                per_point=values.mean(axis=1),
                standard_error=(errors**2).sum(axis=1) ** 0.5 / len(same),
                bias_bound=float(np.mean(biases)) if biases else None,
                excluded=same[0].excluded + len(same[0].per_point) - len(values),
                stuck=sum(each.stuck for each in same),
                shortfall=float(np.mean([each.shortfall for each in same])),
                loose=any(each.loose for each in same),
            )
        )
    return averaged
