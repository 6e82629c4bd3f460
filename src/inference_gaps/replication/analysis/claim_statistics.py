"""The statistics that claims are judged by: sums of quantities of several models at the same data points."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inference_gaps.errors import UserError
from inference_gaps.replication.analysis.published import least_sure, published_columns
from inference_gaps.replication.analysis.sources import residual_files
from inference_gaps.replication.analysis.values import read_bidirectional, read_bounds
from inference_gaps.replication.artifacts.files import read_provenance
from inference_gaps.replication.artifacts.layout import Layout
from inference_gaps.replication.specs.claims import StatisticSpec, TermSpec
from inference_gaps.replication.specs.tables import TableRowSpec
from inference_gaps.specs.families import FAMILIES
from inference_gaps.summary.gaps import Bounds, Quantity, quantities, tightest
from inference_gaps.summary.intervals import (
    Interval,
    mean_interval,
    monte_carlo_standard_error,
    sum_interval,
)

__all__ = ["Measured", "Runs", "measure", "published_value"]

_LEAST_SHARED = 0.9
_LOCAL = "elbo_local_"
# Of a weight that two terms leave of an estimate that both contain.
_CANCELLED = 1e-9


@dataclass(frozen=True)
class Run:
    """What is known of one model and seed on one split; ``residual`` is that of each family of q*, in nats."""

    bounds: Bounds
    quantities: Mapping[str, Quantity]
    residual: Mapping[str, float]

    def quantity(self, name: str, model: str) -> Quantity:
        """Return a quantity of this run, which is one of ``model``.

        Raises:
            UserError: it was not evaluated.
        """
        if name not in self.quantities:
            raise UserError(
                f"--spec asks for {name} of {model}, whose row has no such bound; add the family to local there."
            )
        return self.quantities[name]

    def possible_bias(self, weights: Mapping[str, float]) -> tuple[float, float]:
        """Return the possible bias of a combination of bounds in nats, by BDMC and by the residuals of q*."""
        bdmc = residual = 0.0
        for estimator, weight in weights.items():
            if estimator.startswith(("ais_", "iwae_")):
                bdmc += abs(weight) * self._below_log_p(estimator)
            if estimator.startswith(_LOCAL):
                residual += abs(weight) * max(0.0, self.residual[estimator.removeprefix(_LOCAL)])
        return bdmc, residual

    def _below_log_p(self, estimator: str) -> float:
        """Return how far an estimate of log p(x) may be too low: zero if nothing is known.

        AIS by its own BDMC gap; IWAE by how far the tightest AIS estimate plus its BDMC gap lies above it.
        """
        gaps = {
            f"ais_{name.removeprefix('bdmc_')}": max(0.0, float(quantity.per_point.mean()))
            for name, quantity in self.quantities.items()
            if name.startswith("bdmc_")
        }
        if estimator.startswith("ais_"):
            return gaps.get(estimator, 0.0)
        known = [each for each in gaps if each in self.bounds.value]
        if not known:
            return 0.0
        ais = tightest(self.bounds, known)
        above = self.bounds.value[ais].mean() + gaps[ais] - self.bounds.value[estimator].mean()
        return max(0.0, float(above))


class Runs:
    """Reads each model and seed once.

    Args:
        rows: the models by experiment, all seeds.
        layout: where their values are.
    """

    def __init__(self, rows: Mapping[str, Sequence[TableRowSpec]], layout: Layout) -> None:
        self._rows, self._layout = rows, layout
        self._read: dict[str, Run] = {}

    def of(self, term: TermSpec) -> list[Run]:
        """Return the runs that ``term`` means, one per seed.

        Raises:
            UserError: a file is missing or damaged, or the specification has no such model.
        """
        return [self._run(row) for row in self.rows(term)]

    def rows(self, term: TermSpec) -> list[TableRowSpec]:
        """Return the model and split of ``term``, one row per seed in their order.

        Raises:
            UserError: the specification has no such model.
        """
        found = [
            row
            for row in self._rows.get(term.experiment, [])
            if (row.model, row.split, row.epoch) == (term.model, term.split, term.epoch)
        ]
        if not found:
            raise UserError(
                f"--spec has a term of model {term.model} ({term.split}) of experiment {term.experiment}, but no "
                f"such row; add it to rows."
            )
        return sorted(found, key=lambda row: row.seed)

    def _run(self, row: TableRowSpec) -> Run:
        key = row.as_json()
        if key not in self._read:
            bounds = read_bounds(row, self._layout)
            found = [*quantities(bounds, row.trained_with), *read_bidirectional(row, self._layout)]
            paths = residual_files(row, self._layout)
            residual = {FAMILIES[family].key: _mean_residual(path) for family, path in paths.items()}
            self._read[key] = Run(bounds, {quantity.name: quantity for quantity in found}, residual)
        return self._read[key]


def _mean_residual(path: Path) -> float:
    """Return the gain of the last cycle of a local optimisation, mean over points."""
    try:
        return float(read_provenance(path)["summary"]["mean_residual"])
    except (KeyError, TypeError) as error:
        raise UserError(
            f"{path} does not say how far its optimisation went; move it away and run 'optimise-local' again."
        ) from error


@dataclass(frozen=True)
class Measured:
    """A statistic with its three uncertainties, in nats.

    Attributes:
        interval: mean over points and seeds, with the interval between points (paired).
        monte_carlo: Monte-Carlo error of the mean, by how much importance weights may fall short included.
        may_fall: whether it may be far smaller, because a loose lower bound of log p(x) is subtracted.
        may_rise: whether it may be far larger, because one is added.
        seeds: the mean of each training seed.
        points: how many data points all models share; the fewest of any split.
        estimators: the estimates that stand for log p(x).
        bdmc_gap: possible bias of the estimates of log p(x), by BDMC.
        residual: possible bias of L[q*]: the gain of the last cycle of local optimisation.
        steps: of a series, from each term to the next, each with its possible bias.
    """

    interval: Interval
    monte_carlo: float
    seeds: Sequence[float]
    points: int
    estimators: Sequence[str]
    bdmc_gap: float
    residual: float
    steps: Sequence[tuple[Interval, float]] = ()
    may_fall: bool = False
    may_rise: bool = False

    @property
    def between_seeds(self) -> float | None:
        """Standard deviation between training seeds, if there are several."""
        return float(np.std(self.seeds, ddof=1)) if len(self.seeds) > 1 else None


@dataclass(frozen=True)
class _Sum:
    """A sum of terms of one seed at each shared point, and its possible bias.

    ``shortfall`` is how much importance weights may fall short. Where they may by any amount, the sum ``may_fall``
    or ``may_rise``.
    """

    per_point: pd.Series
    variance: pd.Series
    possible_bias: tuple[float, float]
    shortfall: float
    may_fall: bool
    may_rise: bool


def _sum(terms: Sequence[TermSpec], runs: Sequence[Run]) -> _Sum:
    """Add the terms of one seed. Terms of the same run share its estimates, and so their errors."""
    values, variances, bias = [], [], np.zeros(2)
    shortfall, loose = 0.0, []
    for run in {id(run): run for run in runs}.values():
        weights: dict[str, float] = {}
        doubted = set()
        for term, of in zip(terms, runs, strict=True):
            if of is not run:
                continue
            quantity = run.quantity(term.quantity, term.model)
            if not quantity.weights:
                values.append(term.times * quantity.per_point)
                variances.append((term.times * quantity.standard_error) ** 2)
            doubted |= {quantity.estimator} if quantity.loose else set()
            for column, weight in quantity.weights.items():
                weights[column] = weights.get(column, 0.0) + term.times * weight
        if weights:
            loose += [weights[column] for column in doubted]
            shortfall += sum(abs(weight) * run.bounds.shortfall(column) for column, weight in weights.items())
            columns, factors = list(weights), list(weights.values())
            values.append((run.bounds.value[columns] * factors).sum(axis=1))
            variances.append((run.bounds.standard_error[columns] * factors).pow(2).sum(axis=1))
            bias += run.possible_bias(weights)
    per_point = pd.concat(values, axis=1, join="inner").sum(axis=1)
    least = min(len(each) for each in values)
    if len(per_point) < max(2, _LEAST_SHARED * least):
        raise UserError(
            f"Models {' and '.join(dict.fromkeys(term.model for term in terms))} have {len(per_point)} of {least} "
            f"data points in common; evaluate them at the same points."
        )
    variance = pd.concat(variances, axis=1, join="inner").sum(axis=1)
    may_fall, may_rise = (any(sign * weight > _CANCELLED for weight in loose) for sign in (-1, 1))
    return _Sum(per_point, variance, (float(bias[0]), float(bias[1])), shortfall, may_fall, may_rise)


def _averaged(sums: Sequence[_Sum]) -> tuple[pd.Series, float]:
    """Return the mean over seeds at each point, and the Monte-Carlo error of the mean over points."""
    per_point = pd.concat([each.per_point for each in sums], axis=1, join="inner").mean(axis=1)
    variance = pd.concat([each.variance for each in sums], axis=1, join="inner").sum(axis=1) / len(sums) ** 2
    error = monte_carlo_standard_error(np.sqrt(variance.to_numpy(dtype=np.float64)))
    return per_point, float(np.hypot(error, np.mean([each.shortfall for each in sums])))


def _possible_bias(sums: Sequence[_Sum]) -> NDArray[np.float64]:
    """Return the possible bias by BDMC and by the residuals of q*, means over seeds."""
    return np.mean([each.possible_bias for each in sums], axis=0)


def _interval(per_point: pd.Series, level: float) -> Interval:
    return mean_interval(per_point.to_numpy(dtype=np.float64), level)


def _signed(statistic: StatisticSpec) -> list[TermSpec]:
    """Return the terms to be added: of a series, the first less the last."""
    if statistic.comparison != "decreasing":
        return list(statistic.terms)
    first, last = statistic.terms[0], statistic.terms[-1]
    return [first, last.model_copy(update={"times": -last.times})]


def measure(statistic: StatisticSpec, runs: Runs, level: float) -> Measured:
    """Return the value of ``statistic`` with the ``level`` interval between data points.

    All terms of a split are taken at the same points, those of each training seed together, before anything is
    averaged. Points of different splits are different images, which nothing pairs.

    Raises:
        UserError: a file is missing or damaged, or the models were not evaluated at the same points.
    """

    def sums(terms: Sequence[TermSpec]) -> list[_Sum]:
        by_term = [runs.of(term) for term in terms]
        if len({len(of_term) for of_term in by_term}) > 1:
            names = " and ".join(dict.fromkeys(term.model for term in terms))
            raise UserError(f"--spec gives models {names} different numbers of seeds; give them the same.")
        return [_sum(terms, of_seed) for of_seed in zip(*by_term, strict=True)]

    terms = _signed(statistic)
    splits = dict.fromkeys(term.split for term in terms)
    parts = [sums([term for term in terms if term.split == split]) for split in splits]
    averaged = [_averaged(of_seeds) for of_seeds in parts]
    every = [each for of_seeds in parts for each in of_seeds]
    steps, may_fall = [], any(each.may_fall for each in every)
    if statistic.comparison == "decreasing":
        for before, after in zip(statistic.terms, statistic.terms[1:]):
            step = sums([before, after.model_copy(update={"times": -after.times})])
            may_fall |= any(each.may_fall for each in step)
            steps.append((_interval(_averaged(step)[0], level), float(_possible_bias(step).sum())))
    bdmc, residual = np.sum([_possible_bias(of_seeds) for of_seeds in parts], axis=0)
    rests_on = [run.quantity(term.quantity, term.model).estimator for term in terms for run in runs.of(term)]
    return Measured(
        interval=sum_interval([part.to_numpy(dtype=np.float64) for part, _ in averaged], level),
        monte_carlo=float(np.hypot.reduce([error for _, error in averaged])),
        seeds=[sum(float(part.per_point.mean()) for part in of_seed) for of_seed in zip(*parts, strict=True)],
        points=min(len(part) for part, _ in averaged),
        estimators=sorted({name for name in rests_on if name and not name.startswith("elbo_")}),
        bdmc_gap=float(bdmc),
        residual=float(residual),
        steps=steps,
        may_fall=may_fall,
        may_rise=any(each.may_rise for each in every),
    )


def published_value(
    statistic: StatisticSpec, runs: Runs, published: pd.DataFrame
) -> tuple[float, str] | None:
    """Return the published value of ``statistic`` and the least sure status of its terms; ``None`` if one lacks."""
    total, statuses = 0.0, []
    for term in _signed(statistic):
        columns = published_columns(published, term.published)
        lines = columns.get((statistic.dataset, runs.rows(term)[0].trained_with))
        if lines is None or term.quantity not in lines.index:
            return None
        total += term.times * float(lines["value"][term.quantity])
        statuses.append(str(lines["status"][term.quantity]))
    return total, least_sure(statuses)
