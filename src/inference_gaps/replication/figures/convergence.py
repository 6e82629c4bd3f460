"""log p(x) minus each estimate, against the cost of the estimate."""

import math
from typing import Literal

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from inference_gaps.replication.figures.style import COLOURS, TEXT_WIDTH

__all__ = ["draw_convergence"]

_LINES: dict[str, tuple[str, str, Literal["-", "--"]]] = {
    "iwae_amortized": ("IWAE from q", "o", "--"),
    "iwae_local_ffg": ("IWAE from q* (FFG)", "s", "--"),
    "ais_prior": ("AIS from the prior", "v", "-"),
    "ais_local_ffg": ("AIS from q* (FFG)", "^", "-"),
}
# Below this, in nats, the axis is linear: an estimate may lie above the answer by its noise.
_LINEAR_BELOW = 0.01


def _draw_panel(axes: Axes, gaps: pd.DataFrame) -> None:
    axes.axhspan(-_LINEAR_BELOW, _LINEAR_BELOW, color=COLOURS["warm-up"], linewidth=0)
    axes.axhline(0, color="black", linewidth=0.6)
    for estimator, (_, marker, style) in _LINES.items():
        part = gaps[gaps["estimator"] == estimator].sort_values("passes")
        axes.errorbar(
            part["passes"],
            part["gap"],
            yerr=1.96 * part["standard_error"],
            color=COLOURS[estimator],
            linestyle=style,
            marker=marker,
            markersize=3.5,
            elinewidth=0.7,
        )
    axes.set_xscale("log")
    axes.set_yscale("symlog", linthresh=_LINEAR_BELOW, linscale=0.6)
    axes.set_ylim(-3 * _LINEAR_BELOW, max(3 * gaps["gap"].max(), 3 * _LINEAR_BELOW))
    axes.spines[["top", "right"]].set_visible(False)


def _title(model: str, gaps: pd.DataFrame) -> str:
    against = "exact log p(x)" if gaps["exact"].all() else "the tightest estimate"
    slopes = gaps.drop_duplicates("estimator").set_index("estimator")["slope"].dropna()
    slope = f"\n(one chain from the prior: slope {slopes['ais_prior']:.2f})" if "ais_prior" in slopes else ""
    return f"{model}: to {against}{slope.replace('-', '−')}"


def draw_convergence(gaps: pd.DataFrame) -> Figure:
    """Draw one panel per model.

    Args:
        gaps: columns model, exact, estimator, passes, gap and standard_error (nats), slope.
    """
    panels = list(gaps.groupby("model", sort=False))
    columns = min(2, len(panels))
    rows = math.ceil(len(panels) / columns)
    figure = Figure(figsize=(TEXT_WIDTH, 0.6 + 2.2 * rows), layout="constrained")
    all_axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes, (model, part) in zip(all_axes, panels, strict=False):
        _draw_panel(axes, part)
        axes.set_title(_title(str(model), part))
    for axes in all_axes[len(panels) :]:
        axes.set_visible(False)
    figure.supxlabel("passes through the generator, per data point", fontsize=8)
    figure.supylabel("log p(x) minus the estimate (nats)", fontsize=8)
    handles = [
        Line2D([], [], color=COLOURS[name], linestyle=style, marker=marker, markersize=3.5, label=label)
        for name, (label, marker, style) in _LINES.items()
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles))
    return figure
