"""log p(x) minus the estimate, at each size of each estimator, as means over data points."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from inference_gaps.errors import UserError
from inference_gaps.replication.artifacts.checks import values_of
from inference_gaps.replication.artifacts.layout import Layout
from inference_gaps.replication.specs.documents import ConvergenceModelSpec
from inference_gaps.summary.gaps import Bounds, tightest
from inference_gaps.summary.intervals import monte_carlo_standard_error

__all__ = ["Reference", "convergence_gaps", "reference_values", "remaining_gaps"]

_MEASURED = ("size", "passes", "point", "value", "standard_error", "single_chain", "single_chain_error")
_SIGNIFICANT = 4.0
_DIGITS = 6


@dataclass(frozen=True)
class Reference:
    """The values that stand for log p(x): exact ones, or the tightest estimate.

    Attributes:
        value: by point, in nats.
        standard_error: Monte-Carlo standard error of its mean; 0 of exact values.
        chosen: its estimator and size; ``None`` for exact values.
    """

    value: pd.Series
    standard_error: float = 0.0
    chosen: str | None = None


def _error(errors: pd.Series) -> float:
    return monte_carlo_standard_error(errors.to_numpy(dtype=np.float64))


def convergence_gaps(models: Sequence[ConvergenceModelSpec], layout: Layout) -> pd.DataFrame:
    """Return :func:`remaining_gaps` of each model, by its values files.

    Raises:
        UserError: a file is missing or damaged, or exact answers are known at other points.
    """
    return pd.concat([_of_model(shown, layout) for shown in models], ignore_index=True)


def _of_model(shown: ConvergenceModelSpec, layout: Layout) -> pd.DataFrame:
    at = (shown.model, shown.seed, shown.split)
    values, _ = values_of(layout.convergence(*at), "evaluate-convergence", _MEASURED, ("estimator",))
    exact = None
    if shown.exact:
        exact, _ = values_of(layout.exact(*at), "evaluate-exact", ("point", "value"), ("quantity",))
        if not set(values["point"]) <= set(exact.loc[exact["quantity"] == "log_p", "point"]):
            raise UserError(
                f"{layout.exact(*at)} lacks points of {layout.convergence(*at)}; run 'evaluate-exact' again "
                f"with as many."
            )
    gaps = remaining_gaps(values, reference_values(values, exact))
    gaps.insert(0, "model", shown.model)
    gaps.insert(1, "exact", shown.exact)
    return gaps


def reference_values(convergence: pd.DataFrame, exact: pd.DataFrame | None) -> Reference:
    """Return what stands for log p(x): the exact values, or the tightest estimate, by the rule of the tables.

    Args:
        convergence: values of ``evaluate-convergence``.
        exact: values of ``evaluate-exact`` at the same points, if there are any.
    """
    if exact is not None:
        log_p = exact[exact["quantity"] == "log_p"].set_index("point")["value"]
        return Reference(log_p.loc[sorted(convergence["point"].unique())])
    named = convergence.assign(
        estimate=[_name(*each) for each in zip(convergence["estimator"], convergence["size"])]
    )
    value, error = (
        named.pivot_table(index="point", columns="estimate", values=column)
        for column in ("value", "standard_error")
    )
    chosen = tightest(Bounds(value, error), list(value.columns))
    return Reference(value[chosen], _error(error[chosen]), chosen)


def _name(estimator: Hashable, size: Hashable) -> str:
    return f"{estimator} {size}"


def _slope(sizes: pd.Series, gaps: pd.Series, errors: pd.Series) -> float:
    """Slope of log gap on log size, over the sizes whose gap is beyond four standard errors; NaN below two."""
    clear = gaps > _SIGNIFICANT * errors
    if clear.sum() < 2:
        return float("nan")
    relative = (errors[clear] / gaps[clear]).to_numpy(dtype=np.float64)
    log_sizes, log_gaps = np.log(sizes[clear].to_numpy(np.float64)), np.log(gaps[clear].to_numpy(np.float64))
    # Processors differ in the last digits of a fit, and the figure made again shall be the same file.
    return round(float(np.polyfit(log_sizes, log_gaps, 1, w=1 / relative)[0]), _DIGITS)


def remaining_gaps(convergence: pd.DataFrame, reference: Reference) -> pd.DataFrame:
    """Return one line per estimator and size: mean of log p(x) minus the estimate, with its Monte-Carlo error.

    The error includes that of the reference. The estimate that is the reference has difference and error 0.

    Of AIS also the same for one chain, whose bias falls like one over the number of distributions, with the slope
    of its logarithm on that of their number.

    Args:
        convergence: values of ``evaluate-convergence``.
        reference: what stands for log p(x).
    """
    lines = []
    for (estimator, size), part in convergence.groupby(["estimator", "size"], sort=False):
        at = part.set_index("point")
        itself = _name(estimator, size) == reference.chosen
        line = {
            "estimator": estimator,
            "size": size,
            "passes": part["passes"].iloc[0],
            "gap": (reference.value - at["value"]).mean(),
            "standard_error": 0.0
            if itself
            else np.hypot(_error(at["standard_error"]), reference.standard_error),
            "single_chain_gap": float("nan"),
            "single_chain_error": float("nan"),
        }
        if at["single_chain"].notna().all():
            line["single_chain_gap"] = (reference.value - at["single_chain"]).mean()
            line["single_chain_error"] = np.hypot(_error(at["single_chain_error"]), reference.standard_error)
        lines.append(line)
    table = pd.DataFrame(lines)
    table["slope"] = float("nan")
    for estimator, part in table.dropna(subset=["single_chain_gap"]).groupby("estimator"):
        slope = _slope(part["size"], part["single_chain_gap"], part["single_chain_error"])
        table.loc[table["estimator"] == estimator, "slope"] = slope
    return table
