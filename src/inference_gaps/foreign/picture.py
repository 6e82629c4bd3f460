"""The figure of a measurement."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

__all__ = ["draw"]

_LADDER = {"elbo_amortized": "L[q]", "log_p": "log p(x)"}
_COLOURS = {"approximation_gap": "#0072B2", "amortization_gap": "#D55E00"}


def draw(points: pd.DataFrame, summary: pd.DataFrame, width: float | None) -> Figure:
    """Draw the ladder L[q], L[q*], log p(x) with 95 % intervals, and the gaps of each point, sorted.

    The band above log p(x) is as wide as bidirectional Monte Carlo leaves it open on the model's own data.

    Args:
        points: one row per data point.
        summary: one row per quantity.
        width: of the band, in nats.
    """
    figure = Figure(figsize=(7.2, 3.0), layout="constrained")
    ladder, sorted_gaps = figure.subplots(1, 2)
    _draw_ladder(ladder, summary, width)
    _draw_points(sorted_gaps, points)
    return figure


def _draw_ladder(axes: Axes, summary: pd.DataFrame, width: float | None) -> None:
    local = [str(name) for name in summary.index if str(name).startswith("elbo_local_")]
    names = ["elbo_amortized", *local, "log_p"]
    for place, name in enumerate(names):
        row: dict[str, Any] = dict(summary.loc[name])
        axes.plot([place - 0.35, place + 0.35], [row["mean"]] * 2, color="black", linewidth=1.5)
        if np.isfinite(row["ci_low"]):
            errors = [[row["mean"] - row["ci_low"]], [row["ci_high"] - row["mean"]]]
            axes.errorbar(place, row["mean"], yerr=errors, color="black", capsize=3, linewidth=0.8)
    top = float(summary["mean"]["log_p"])
    if width is not None:
        last = [len(names) - 1.35, len(names) - 0.65]
        axes.fill_between(last, top, top + max(0.0, width), color="0.8", label="BDMC width")
        axes.legend(frameon=False, fontsize="small")
    labels = [
        _LADDER.get(name) or f"L[q*] {name.removeprefix('elbo_local_').replace('_', '-')}" for name in names
    ]
    if summary["loose"]["log_p"]:
        labels[-1] += "\n(at least)"
    axes.set_xticks(range(len(names)), labels, fontsize="small")
    axes.set_ylabel("nats")
    axes.set_title("means, 95 % intervals over points", fontsize="small")
    axes.spines[["top", "right"]].set_visible(False)


def _draw_points(axes: Axes, points: pd.DataFrame) -> None:
    order = points["inference_gap"].sort_values().index
    ranks = np.arange(len(order))
    bottom = np.zeros(len(order))
    for name, colour in _COLOURS.items():
        if name in points:
            values = points.loc[order, name].to_numpy(float)
            axes.bar(ranks, values, bottom=bottom, width=1.0, color=colour, label=name.replace("_", " "))
            bottom = bottom + values
    axes.plot(ranks, points.loc[order, "inference_gap"], color="black", linewidth=0.8, label="inference gap")
    axes.set_xlabel("data points, sorted")
    axes.set_ylabel("gap (nats)")
    axes.legend(frameon=False, fontsize="small")
    axes.spines[["top", "right"]].set_visible(False)
