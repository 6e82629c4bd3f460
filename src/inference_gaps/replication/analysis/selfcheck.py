"""The self-check: estimates and exact answers of models whose answers are known.

A quantity that can be estimated must be within four Monte-Carlo standard errors of its exact value and within
0.05 nats. A bound that need not be tight must be on its side of the exact value, up to four standard errors. Either
way it may be off by rounding, since estimates are computed in single precision: weights of the exact posterior are
all equal, and so is their rounding error, which no standard error shows.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from inference_gaps.errors import UserError
from inference_gaps.replication.analysis.values import BIDIRECTIONAL, read_bounds
from inference_gaps.replication.artifacts.checks import values_of
from inference_gaps.replication.artifacts.layout import Layout
from inference_gaps.replication.specs.tables import SelfcheckRowSpec, SelfcheckSpec
from inference_gaps.summary.gaps import Quantity, quantities
from inference_gaps.summary.intervals import monte_carlo_standard_error
from inference_gaps.summary.trust import stuck

__all__ = [
    "AT_LEAST",
    "AT_MOST",
    "EQUALS",
    "FAILURES",
    "MOST_NATS",
    "MOST_STANDARD_ERRORS",
    "build_selfcheck",
    "read_selfcheck",
    "require_passed",
]

MOST_STANDARD_ERRORS = 4.0
MOST_NATS = 0.05
# Of a value: a few units in the last place of single precision.
_ROUNDING = 4 * float(np.finfo(np.float32).eps)

EQUALS, AT_MOST, AT_LEAST, NOT_USED = "equals", "at most", "at least", "not used"
_VERDICTS = {EQUALS: ("hit", "missed"), AT_MOST: ("below", "above"), AT_LEAST: ("above", "below")}
FAILURES = {(EQUALS, "missed"), (AT_MOST, "above"), (AT_LEAST, "below")}
_COLUMNS = (
    *("model", "quantity", "estimator", "relation", "exact", "exact_error", "estimated", "error"),
    *("standard_error", "standard_errors_off", "n_points", "n_stuck", "loose", "verdict"),
)


@dataclass(frozen=True)
class _Exact:
    """Exact values and bounds on their numerical errors, one row per point and one column per quantity."""

    value: pd.DataFrame
    error: pd.DataFrame

    def difference(self, name: str, first: str, second: str) -> "_Exact":
        """Return the difference of two columns as the column ``name``."""
        return _Exact(
            (self.value[first] - self.value[second]).to_frame(name),
            (self.error[first] + self.error[second]).to_frame(name),
        )


def _read_exact(path: Path) -> _Exact:
    frame, _ = values_of(path, "evaluate-exact", ("point", "value", "error"), ("quantity",))
    value, error = (
        frame.pivot_table(index="point", columns="quantity", values=column) for column in ("value", "error")
    )
    return _Exact(value, error)


class _Lines:
    """Collects the lines of one model."""

    def __init__(self, model: str) -> None:
        self._model = model
        self.found: list[dict[str, object]] = []

    def add(
        self,
        quantity: Quantity,
        relation: str,
        exact: _Exact,
        column: str,
        standard_error: float | None = None,
        n_stuck: int = 0,
    ) -> None:
        """Compare the mean of ``quantity`` with that of ``exact`` at the same points.

        The standard error is the Monte-Carlo error of the mean, unless another one is given.
        """
        points = quantity.per_point.index
        answer = exact.value.loc[points, column]
        off = float((quantity.per_point - answer).mean())
        if standard_error is None:
            standard_error = monte_carlo_standard_error(quantity.standard_error.to_numpy(dtype=np.float64))
        exact_error = float(exact.error.loc[points, column].mean())
        rounding = _ROUNDING * float(answer.abs().mean())
        allowed = MOST_STANDARD_ERRORS * standard_error + exact_error + rounding
        if relation == EQUALS:
            passed = abs(off) <= allowed and abs(off) <= MOST_NATS
        else:
            passed = off <= allowed if relation == AT_MOST else off >= -allowed
        verdict = NOT_USED if relation == NOT_USED else _VERDICTS[relation][0 if passed else 1]
        self.found.append(
            {
                "model": self._model,
                "quantity": quantity.name,
                "estimator": quantity.estimator,
                "relation": relation,
                "exact": float(answer.mean()),
                "exact_error": exact_error,
                "estimated": float(quantity.per_point.mean()),
                "error": off,
                "standard_error": standard_error,
                "standard_errors_off": off / standard_error if standard_error else np.nan,
                "n_points": len(points),
                "n_stuck": n_stuck,
                "loose": quantity.loose,
                "verdict": verdict,
            }
        )


def _model_lines(row: SelfcheckRowSpec, layout: Layout) -> list[dict[str, object]]:
    bounds = read_bounds(row, layout)
    found = {quantity.name: quantity for quantity in quantities(bounds, row.trained_with)}
    exact = _read_exact(layout.exact(row.model, row.seed, row.split))
    lines = _Lines(row.model)
    estimators = [name for name in found if name.startswith(("iwae_", "ais_"))]
    lines.add(found["log_p_best"], EQUALS, exact, "log_p")
    for name in estimators:
        relation = EQUALS if name in row.reaches else AT_MOST
        lines.add(found[name], relation, exact, "log_p", n_stuck=bounds.stuck.get(name, 0))
    lines.add(_largest_at_each_point(found, estimators), NOT_USED, exact, "log_p")
    for name in (name for name in found if name.startswith("elbo_")):
        known = name in exact.value
        lines.add(found[name], EQUALS if known else AT_MOST, exact, name if known else "log_p")
    if row.trained_with == "ffg":
        for name, first, second in (
            ("approximation_gap", "log_p", "elbo_local_ffg"),
            ("amortization_gap", "elbo_local_ffg", "elbo_amortized"),
            ("inference_gap", "log_p", "elbo_amortized"),
        ):
            if name in found:
                lines.add(found[name], EQUALS, exact.difference(name, first, second), name)
    _add_bidirectional(lines, row, layout)
    return lines.found


def _largest_at_each_point(found: dict[str, Quantity], estimators: list[str]) -> Quantity:
    """The largest estimate at each point, which noise pushes upwards."""
    values = pd.concat([found[name].per_point for name in estimators], axis=1, keys=estimators)
    errors = pd.concat([found[name].standard_error for name in estimators], axis=1, keys=estimators)
    chosen = values.eq(values.max(axis=1), axis=0)
    return Quantity("largest_per_point", "", values.max(axis=1), errors.where(chosen).max(axis=1))


def _add_bidirectional(lines: _Lines, row: SelfcheckRowSpec, layout: Layout) -> None:
    """Add forward and reverse AIS on simulated data."""
    exact = _read_exact(layout.exact(row.model, row.seed, "simulated"))
    for start in row.ais:
        path = layout.bdmc(row.model, row.seed, start)
        frame = values_of(path, "evaluate-bdmc", ("point", *BIDIRECTIONAL, "acceptance"))[0].set_index(
            "point"
        )
        estimator = f"ais_{start.replace('-', '_')}"
        for direction, otherwise in (("forward", AT_MOST), ("reverse", AT_LEAST)):
            quantity = Quantity(
                f"bdmc_{direction}", estimator, frame[direction], frame[f"{direction}_standard_error"]
            )
            # All reverse chains of a point start from one posterior sample, so their spread is too small.
            spread = (quantity.per_point - exact.value["log_p"]).to_numpy(dtype=np.float64)
            error = float(np.std(spread, ddof=1) / np.sqrt(len(spread)))
            relation = EQUALS if estimator in row.reaches else otherwise
            lines.add(quantity, relation, exact, "log_p", error, stuck(frame["acceptance"]))


def build_selfcheck(spec: SelfcheckSpec, layout: Layout) -> pd.DataFrame:
    """Return one line per model and quantity: exact, estimated, error, standard error, verdict (nats).

    The standard error is the plain one, so that the check is as sharp as it can be. ``loose`` says where it could
    not be trusted if the answer were not known.

    Raises:
        UserError: a file is missing or damaged.
    """
    lines = [line for row in spec.rows for line in _model_lines(row, layout)]
    return pd.DataFrame(lines, columns=list(_COLUMNS))


def read_selfcheck(path: Path) -> pd.DataFrame:
    """Read what :func:`build_selfcheck` made.

    Raises:
        UserError: the table is missing, damaged, or another one.
    """
    words = ("model", "quantity", "relation", "loose", "verdict")
    numbers = [name for name in _COLUMNS if name not in (*words, "estimator")]
    return values_of(path, "make-selfcheck", numbers, (*words, "estimator"))[0]


def require_passed(path: Path) -> None:
    """Make sure that every estimate in a table of the self-check hit its answer.

    Raises:
        UserError: the table is missing or damaged, or an estimate missed.
    """
    table = read_selfcheck(path)
    failed = [
        f"{line.model}, {line.quantity} {line.estimator}: {line.error:+.4f} nats, "
        f"{line.standard_errors_off:+.1f} standard errors"
        for line in table.fillna({"estimator": ""}).itertuples()
        if (line.relation, line.verdict) in FAILURES
    ]
    if failed:
        listed = "".join(f"\n  {line}" for line in failed)
        raise UserError(
            f"{len(failed)} of {len(table)} estimates in {path} miss their known answers, so nothing is to be "
            f"concluded from the others. Find out why before any table is made:{listed}"
        )
