"""What is left to log p(x) at each size of each estimator, as means over data points."""

import numpy as np
import pandas as pd

from inference_gaps.analysis.intervals import monte_carlo_standard_error

__all__ = ["reference_values", "remaining_gaps"]

_SIGNIFICANT = 4.0


def reference_values(convergence: pd.DataFrame, exact: pd.DataFrame | None) -> pd.Series:
    """Return what stands for log p(x) at each point: the exact values, or the estimator of the largest mean.

    Args:
        convergence: values of ``evaluate-convergence``.
        exact: values of ``evaluate-exact`` at the same points, if there are any.
    """
    if exact is not None:
        log_p = exact[exact["quantity"] == "log_p"].set_index("point")["value"]
        return log_p.loc[sorted(convergence["point"].unique())]
    measured = [part for _, part in convergence.groupby(["estimator", "size"])]
    return max(measured, key=lambda part: part["value"].mean()).set_index("point")["value"]


def _slope(sizes: pd.Series, gaps: pd.Series, errors: pd.Series) -> float:
    """Slope of log gap on log size, over the sizes whose gap is beyond four standard errors; NaN below two."""
    clear = gaps > _SIGNIFICANT * errors
    if clear.sum() < 2:
        return float("nan")
    relative = (errors[clear] / gaps[clear]).to_numpy(dtype=np.float64)
    log_sizes, log_gaps = np.log(sizes[clear].to_numpy(np.float64)), np.log(gaps[clear].to_numpy(np.float64))
    return float(np.polyfit(log_sizes, log_gaps, 1, w=1 / relative)[0])


def remaining_gaps(convergence: pd.DataFrame, reference: pd.Series) -> pd.DataFrame:
    """Return one line per estimator and size: mean of log p(x) minus the estimate, with its Monte-Carlo error.

    Of AIS also the same for one chain, whose bias falls like one over the number of distributions, with the slope
    of its logarithm on that of their number.

    Args:
        convergence: values of ``evaluate-convergence``.
        reference: log p(x) by point.
    """
    lines = []
    for (estimator, size), part in convergence.groupby(["estimator", "size"], sort=False):
        at = part.set_index("point")
        line = {
            "estimator": estimator,
            "size": size,
            "passes": part["passes"].iloc[0],
            "gap": (reference - at["value"]).mean(),
            "standard_error": monte_carlo_standard_error(at["standard_error"].to_numpy(dtype=np.float64)),
        }
        if at["single_chain"].notna().all():
            line["single_chain_gap"] = (reference - at["single_chain"]).mean()
            errors = at["single_chain_error"].to_numpy(dtype=np.float64)
            line["single_chain_error"] = monte_carlo_standard_error(errors)
        lines.append(line)
    table = pd.DataFrame(lines)
    table["slope"] = float("nan")
    for estimator, part in table.dropna(subset=["single_chain_gap"]).groupby("estimator"):
        slope = _slope(part["size"], part["single_chain_gap"], part["single_chain_error"])
        table.loc[table["estimator"] == estimator, "slope"] = slope
    return table
