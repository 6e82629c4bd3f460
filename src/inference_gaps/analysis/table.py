"""The tidy table of an experiment: one line per model, seed, split and quantity."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from inference_gaps.analysis.gaps import Quantity, average_over_seeds, quantities
from inference_gaps.analysis.intervals import mean_interval, monte_carlo_standard_error
from inference_gaps.analysis.values import read_bounds
from inference_gaps.errors import UserError
from inference_gaps.layout import Layout
from inference_gaps.specs.table import TableRowSpec, TableSpec

__all__ = ["COLUMNS", "INCLUDES_ZERO", "NEGATIVE", "POSITIVE", "build_table", "gap_mark"]

COLUMNS = (
    *("model", "seed", "n_seeds", "split", "dataset", "dataset_title", "binarisation", "trained_with"),
    *("quantity", "estimator", "value", "ci_low", "ci_high", "mc_standard_error", "sd_between_seeds"),
    *("selection_bias_bound", "n_points", "n_excluded", "mark"),
)
POSITIVE = "positive"
INCLUDES_ZERO = "includes zero"
NEGATIVE = "negative"


def gap_mark(low: float, high: float) -> str:
    """Say on which side of zero the interval [low, high] of a gap lies."""
    if high < 0:
        return NEGATIVE
    return INCLUDES_ZERO if low <= 0 else POSITIVE


def _line(row: TableRowSpec, quantity: Quantity, excluded: int) -> dict[str, Any]:
    interval = mean_interval(quantity.per_point.to_numpy(dtype=np.float64))
    is_gap = "_gap" in quantity.name
    return {
        **row.model_dump(
            include={"model", "split", "dataset", "dataset_title", "binarisation", "trained_with"}
        ),
        "seed": row.seed,
        "n_seeds": 1,
        "quantity": quantity.name,
        "estimator": quantity.estimator,
        "value": interval.mean,
        "ci_low": interval.low,
        "ci_high": interval.high,
        "mc_standard_error": monte_carlo_standard_error(quantity.standard_error.to_numpy(dtype=np.float64)),
        "selection_bias_bound": quantity.bias_bound,
        "n_points": len(quantity.per_point),
        "n_excluded": excluded,
        "mark": gap_mark(interval.low, interval.high) if is_gap else None,
    }


def _summary(
    rows: Sequence[TableRowSpec], runs: Sequence[Sequence[Quantity]], points: int
) -> list[dict[str, Any]]:
    lines = []
    for index, quantity in enumerate(average_over_seeds(runs)):
        line = _line(rows[0], quantity, points - len(quantity.per_point))
        means = [run[index].per_point.mean() for run in runs]
        line |= {"seed": None, "n_seeds": len(rows), "sd_between_seeds": float(np.std(means, ddof=1))}
        lines.append(line)
    return lines


def build_table(spec: TableSpec, layout: Layout) -> pd.DataFrame:
    """Return the tidy table of ``spec`` from the per-point values under ``layout``.

    Three kinds of uncertainty are kept apart. ``ci_low`` and ``ci_high`` bound the mean over data points
    (:func:`~inference_gaps.analysis.intervals.mean_interval`, 95 %, paired for gaps);
    ``mc_standard_error`` is the Monte-Carlo error of that mean; ``sd_between_seeds`` is the standard
    deviation between training seeds. A model with several seeds has, after its lines for each seed, lines
    without a seed: the average over seeds at each point, with the interval between points.

    Raises:
        UserError: a file is missing or damaged, points or families differ between files that are compared.
    """
    lines: list[dict[str, Any]] = []
    groups: dict[tuple[str, str], list[TableRowSpec]] = {}
    for row in spec.rows:
        groups.setdefault((row.model, row.split), []).append(row)
    for (model, split), rows in groups.items():
        if len({row.seed for row in rows}) < len(rows):
            raise UserError(
                f"--spec lists model {model} ({split}) twice with one seed; remove one of the rows."
            )
        runs = []
        points = 0
        for row in rows:
            bounds = read_bounds(row, layout)
            points = len(bounds.value) + bounds.excluded
            runs.append(quantities(bounds, row.trained_with))
            lines += [_line(row, quantity, bounds.excluded) for quantity in runs[-1]]
        if len(rows) > 1:
            if len({tuple(quantity.name for quantity in run) for run in runs}) > 1:
                raise UserError(
                    f"The seeds of model {model} ({split}) were not evaluated alike; write the same local "
                    f"families for all of them in --spec."
                )
            lines += _summary(rows, runs, points)
    return pd.DataFrame(lines, columns=list(COLUMNS)).astype({"seed": "Int64"})
