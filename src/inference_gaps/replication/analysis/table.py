"""The tidy table of an experiment: one line per model, seed, split and quantity."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from inference_gaps.errors import UserError
from inference_gaps.replication.analysis.sources import units_file
from inference_gaps.replication.analysis.values import active_units, read_bidirectional, read_bounds
from inference_gaps.replication.artifacts.checks import values_of
from inference_gaps.replication.artifacts.files import Provenance
from inference_gaps.replication.artifacts.layout import Layout
from inference_gaps.replication.specs.tables import TableRowSpec, TableSpec
from inference_gaps.summary.gaps import Quantity, average_over_seeds, quantities
from inference_gaps.summary.intervals import mean_interval

__all__ = [
    "ACTIVE_UNITS",
    "COLUMNS",
    "INCLUDES_ZERO",
    "NEGATIVE",
    "POSITIVE",
    "WITHIN_BDMC",
    "build_table",
    "gap_mark",
    "read_table",
]

COLUMNS = (
    *("model", "label", "seed", "n_seeds", "split", "epoch"),
    *("dataset", "dataset_title", "binarisation", "trained_with"),
    *("quantity", "estimator", "value", "ci_low", "ci_high", "mc_standard_error", "sd_between_seeds"),
    *("selection_bias_bound", "bdmc_gap", "n_points", "n_excluded", "n_stuck"),
    *("points_below", "mark", "loose"),
)
ACTIVE_UNITS = "active_units"
POSITIVE = "positive"
INCLUDES_ZERO = "includes zero"
NEGATIVE = "negative"
WITHIN_BDMC = "within the BDMC gap"
_WORSE = 4.0


def gap_mark(mean: float, low: float, high: float, bdmc_gap: float | None = None) -> str:
    """Return on which side of zero the interval [low, high] of a gap lies, and whether AIS is accurate enough.

    ``bdmc_gap`` is that of the AIS estimate in the gap, if there is one. All in nats.
    """
    if high < 0:
        return NEGATIVE
    if low <= 0:
        return INCLUDES_ZERO
    return WITHIN_BDMC if bdmc_gap is not None and mean < bdmc_gap else POSITIVE


@dataclass(frozen=True)
class _Run:
    """What is known of one model and seed on one split."""

    quantities: list[Quantity]
    points: int
    active_units: int | None

    def bdmc_gap(self, estimator: str) -> float | None:
        """How far apart the two bounds of bidirectional Monte Carlo are for an AIS estimator, in nats."""
        of_estimator = [q for q in self.quantities if q.name.startswith("bdmc_") and q.estimator == estimator]
        return float(of_estimator[0].per_point.mean()) if of_estimator else None


def _read(row: TableRowSpec, layout: Layout) -> _Run:
    bounds = read_bounds(row, layout)
    found = [*quantities(bounds, row.trained_with), *read_bidirectional(row, layout)]
    units = active_units(units_file(row, layout)) if row.active_units else None
    return _Run(found, len(bounds.value) + bounds.excluded, units)


def _names(row: TableRowSpec) -> dict[str, Any]:
    shown = {"model", "split", "epoch", "dataset", "dataset_title", "binarisation", "trained_with"}
    return {**row.model_dump(include=shown), "label": row.label or row.model}


def _points_below(gain: Quantity) -> str:
    below = gain.per_point.index[gain.per_point < -_WORSE * gain.standard_error]
    return json.dumps(below.tolist())


def _line(row: TableRowSpec, quantity: Quantity, bdmc_gap: float | None) -> dict[str, Any]:
    interval = mean_interval(quantity.per_point.to_numpy(dtype=np.float64))
    is_gap = "_gap" in quantity.name
    return {
        **_names(row),
        "seed": row.seed,
        "n_seeds": 1,
        "quantity": quantity.name,
        "estimator": quantity.estimator,
        "value": interval.mean,
        "ci_low": None if quantity.loose else interval.low,
        "ci_high": None if quantity.loose else interval.high,
        "mc_standard_error": None if quantity.loose else quantity.error,
        "selection_bias_bound": quantity.bias_bound,
        "bdmc_gap": bdmc_gap,
        "n_points": len(quantity.per_point),
        "n_excluded": quantity.excluded,
        "n_stuck": quantity.stuck,
        "points_below": _points_below(quantity) if quantity.name.startswith("gain_") else None,
        "mark": gap_mark(interval.mean, interval.low, interval.high, bdmc_gap) if is_gap else None,
        "loose": quantity.loose,
    }


def _lines(row: TableRowSpec, run: _Run) -> list[dict[str, Any]]:
    lines = [_line(row, each, run.bdmc_gap(each.estimator)) for each in run.quantities]
    return lines + _units_lines(row, [run])


def _units_lines(row: TableRowSpec, runs: Sequence[_Run]) -> list[dict[str, Any]]:
    """Return the line of active latent units, their mean over seeds, of a model whose units were looked at."""
    counts = [run.active_units for run in runs if run.active_units is not None]
    if not counts:
        return []
    line = {**_names(row), "quantity": ACTIVE_UNITS, "value": float(np.mean(counts)), "loose": False}
    one = len(counts) == 1
    spread = {"seed": row.seed} if one else {"sd_between_seeds": float(np.std(counts, ddof=1))}
    sizes = {"n_seeds": len(counts), "n_points": runs[0].points, "n_excluded": 0, "n_stuck": 0}
    return [line | spread | sizes]


def _summary(rows: Sequence[TableRowSpec], runs: Sequence[_Run]) -> list[dict[str, Any]]:
    lines = []
    for index, quantity in enumerate(average_over_seeds([run.quantities for run in runs])):
        same = [run.quantities[index] for run in runs]
        gaps = [run.bdmc_gap(each.estimator) for run, each in zip(runs, same, strict=True)]
        known = [gap for gap in gaps if gap is not None]
        line = _line(rows[0], quantity, float(np.mean(known)) if known else None)
        means = [each.per_point.mean() for each in same]
        line |= {"seed": None, "n_seeds": len(rows), "sd_between_seeds": float(np.std(means, ddof=1))}
        lines.append(line)
    return lines + _units_lines(rows[0], runs)


def at_images(table: pd.DataFrame) -> pd.DataFrame:
    """Keep the lines about images of the splits, not those about simulated points."""
    return table[~table["quantity"].str.startswith("bdmc_")]


def read_table(path: Path) -> tuple[pd.DataFrame, Provenance]:
    """Read what :func:`build_table` made, and what made it.

    Raises:
        UserError: the table is missing, damaged, or another one.
    """
    numbers = ("n_seeds", "value", "ci_low", "ci_high", "mc_standard_error", "n_points")
    return values_of(path, "make-table", numbers, [name for name in COLUMNS if name not in numbers])


def build_table(spec: TableSpec, layout: Layout) -> pd.DataFrame:
    """Return the tidy table of ``spec`` from the per-point values under ``layout``.

    Three kinds of uncertainty are kept apart. ``ci_low`` and ``ci_high`` bound the mean over data points
    (:func:`~inference_gaps.summary.intervals.mean_interval`, 95 %, paired for gaps);
    ``mc_standard_error`` is the Monte-Carlo error of that mean; ``sd_between_seeds`` is the standard deviation
    between training seeds. The first two are empty where an estimate is ``loose``: too few weights count
    (:mod:`inference_gaps.summary.trust`). A model with several seeds has, after its lines for each seed, lines
    without a seed: the average over seeds at each point, with the interval between points. ``epoch`` is empty at
    the end of training. ``active_units`` is a count, not nats.

    ``bdmc_gap`` belongs to quantities with an AIS estimate: how far its reverse bound lies above its forward bound,
    on data simulated from the model. A gap smaller than that is marked. ``points_below`` of ``gain_<family>`` (its
    L[q*] less L[q*_FFG]) lists, as JSON, the points where it is negative beyond four Monte-Carlo standard errors.

    Raises:
        UserError: a file is missing or damaged, points or families differ between files that are compared.
    """
    lines: list[dict[str, Any]] = []
    groups: dict[tuple[str, str, int | None], list[TableRowSpec]] = {}
    for row in spec.rows:
        groups.setdefault((row.model, row.split, row.epoch), []).append(row)
    for (model, split, _), rows in groups.items():
        if len({row.seed for row in rows}) < len(rows):
            raise UserError(
                f"--spec lists model {model} ({split}) twice with one seed; remove one of the rows."
            )
        runs = [_read(row, layout) for row in rows]
        for row, run in zip(rows, runs, strict=True):
            lines += _lines(row, run)
        if len(rows) > 1:
            if len({tuple(quantity.name for quantity in run.quantities) for run in runs}) > 1:
                raise UserError(
                    f"The seeds of model {model} ({split}) were not evaluated alike; write the same local "
                    f"families for all of them in --spec."
                )
            lines += _summary(rows, runs)
    return pd.DataFrame(lines, columns=list(COLUMNS)).astype({"seed": "Int64", "epoch": "Int64"})
