"""Training curves as small multiples."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from inference_gaps.replication.figures.style import COLOURS, TEXT_WIDTH
from inference_gaps.replication.specs.documents import ModelSpec

__all__ = ["draw_training", "training_curves", "warm_up_end"]

_HIDDEN_SHARE = 0.1


def training_curves(models: Sequence[ModelSpec], metrics: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return what :func:`draw_training` draws of the metrics of each model."""
    columns = ["epoch", "elbo", "validation_elbo", "entropy_weight"]
    parts = [found[columns].assign(**model.as_dict()) for model, found in zip(models, metrics, strict=True)]
    return pd.concat(parts, ignore_index=True)


def warm_up_end(metrics: pd.DataFrame) -> int:
    """Return the last epoch whose entropy term had a weight below one, or 0."""
    weighted = metrics.loc[metrics["entropy_weight"] < 1, "epoch"]
    return int(weighted.max()) if len(weighted) else 0


def _draw_panel(axes: Axes, curves: pd.DataFrame) -> None:
    for _, of_seed in curves.groupby("seed"):
        axes.plot(of_seed["epoch"], of_seed["elbo"], color=COLOURS["training"])
        validation = of_seed.dropna(subset=["validation_elbo"])
        axes.plot(
            validation["epoch"], validation["validation_elbo"], color=COLOURS["validation"], linestyle="--"
        )
    last = int(curves["epoch"].max())
    axes.axvspan(0, warm_up_end(curves), color=COLOURS["warm-up"], linewidth=0)
    axes.set_xlim(0, last)
    # The first epochs are tens or hundreds of nats below the rest, which they would flatten.
    settled = curves[curves["epoch"] > math.ceil(_HIDDEN_SHARE * last)]
    values = settled[["elbo", "validation_elbo"]].to_numpy(dtype=float)
    if np.isfinite(values).any():
        low, high = float(np.nanmin(values)), float(np.nanmax(values))
        margin = 0.06 * (high - low) or 1.0
        axes.set_ylim(low - margin, high + margin)
    axes.set_title(str(curves["model"].iloc[0]), fontsize=6.5)
    axes.spines[["top", "right"]].set_visible(False)


def draw_training(curves: pd.DataFrame) -> Figure:
    """Draw the training and validation ELBO of each model over its epochs, one panel per model.

    Args:
        curves: columns model, seed, dataset_title, trained_with, epoch, elbo and validation_elbo (nats),
            entropy_weight.
    """
    panels = list(curves.groupby("model", sort=False))
    rows = 1 if len(panels) == 1 else max(2, math.ceil(len(panels) / 5))
    columns = math.ceil(len(panels) / rows)
    figure = Figure(figsize=(TEXT_WIDTH, min(0.5 + 1.75 * rows, 8.2)), layout="constrained")
    # Down first: the families of one data set stand below one another.
    all_axes = figure.subplots(rows, columns, squeeze=False).T.flat
    for axes, (_, of_model) in zip(all_axes, panels, strict=False):
        _draw_panel(axes, of_model)
    for axes in list(figure.axes):
        axes.set_visible(bool(axes.lines))
    figure.supxlabel("epoch", fontsize=8)
    figure.supylabel("ELBO (nats per image)", fontsize=8)
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=COLOURS["training"], label="training"),
        Line2D([], [], color=COLOURS["validation"], linestyle="--", label="held out"),
        Patch(facecolor=COLOURS["warm-up"], label="warm-up"),
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles))
    return figure
