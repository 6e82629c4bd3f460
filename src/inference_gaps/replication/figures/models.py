"""Gaps of many models: as lying bars, one per model, or over the epochs of their training."""

import math
from typing import Any, Literal

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from inference_gaps.replication.analysis.table_text import SPLIT_WORDS
from inference_gaps.replication.figures.gaps import (
    AT_LEAST,
    GAPS,
    STYLES,
    add_legend,
    complete_bars,
    draw_gaps,
    gap_handles,
    source_handles,
)
from inference_gaps.replication.figures.style import COLOURS, TEXT_WIDTH
from inference_gaps.replication.specs.documents import GapsFigureSpec

__all__ = ["draw_experiment", "draw_gaps_of_models", "draw_gaps_over_epochs"]

_Style = Literal["-", "--", ":"]
_SIGNS: dict[str, tuple[_Style, str]] = {
    "train": ("-", "o"),
    "validation": ("--", "s"),
    "test": (":", "D"),
}


def _lying_bar(axes: Axes, y: float, gaps: pd.DataFrame) -> None:
    approximation, amortization, total = (gaps.loc[gap] for gap in GAPS)
    style: dict[str, Any] = {"height": 0.72, "edgecolor": "black", "linewidth": 0.6}
    style |= STYLES[str(gaps["source"].iloc[0])]
    axes.barh(y, approximation["value"], color=COLOURS["approximation"], **style)
    # Gaps of opposite sign do not stack: each then starts at zero.
    stacked = approximation["value"] * amortization["value"] > 0
    left = approximation["value"] if stacked else 0.0
    axes.barh(y, amortization["value"], left=left, color=COLOURS["amortization"], **style)
    for line, shift in ((approximation, 0.14), (total, -0.14)):
        if pd.isna(line["ci_low"]):
            if gaps["source"].iloc[0] == "replicated":
                axes.plot(line["value"], y + shift, ">", **AT_LEAST)
            continue
        half = (line["ci_high"] - line["ci_low"]) / 2
        axes.errorbar(line["value"], y + shift, xerr=half, color="black", capsize=1.5, linewidth=0.8)


def draw_experiment(spec: GapsFigureSpec, bars: pd.DataFrame) -> Figure:
    """Draw the gaps of an experiment: as the paper's table, over epochs where it has checkpoints, or by model."""
    if spec.published is not None:
        return draw_gaps(bars)
    if spec.epochs is not None:
        return draw_gaps_over_epochs(bars, spec.epochs)
    return draw_gaps_of_models(bars)


def draw_gaps_of_models(bars: pd.DataFrame) -> Figure:
    """Draw the gaps of each model as a lying bar, that of another reproduction above it; one panel per data set.

    Several splits have panels of their own.

    Args:
        bars: as :func:`~.gaps.gap_bars` returns them, without published values. Models
            without all three gaps are left out.
    """
    panels = list(complete_bars(bars).groupby(["dataset_title", "split"], sort=False))
    several = len(set(bars["split"])) > 1
    columns = min(2, max(1, len(panels)))
    rows = max(1, math.ceil(len(panels) / columns))
    bars_of = [len(panel) // len(GAPS) for _, panel in panels] or [1]
    longest = [max(bars_of[row * columns : (row + 1) * columns]) for row in range(rows)]
    heights = [0.55 + 0.24 * most for most in longest]
    figure = Figure(figsize=(TEXT_WIDTH, 0.5 + sum(heights)), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False, gridspec_kw={"height_ratios": heights})
    all_axes = list(grid.flat)
    for index, (axes, (_, panel)) in enumerate(zip(all_axes, panels, strict=False)):
        title, split = panel["dataset_title"].iloc[0], str(panel["split"].iloc[0])
        lines = [of for _, of in panel.groupby(["model", "epoch", "source"], sort=False, dropna=False)]
        for position, of_model in enumerate(lines):
            _lying_bar(axes, position, of_model.set_index("quantity"))
        axes.set_yticks(range(len(lines)), [_name(of.iloc[0]) for of in lines])
        # Bars of all panels are equally thick.
        axes.set_ylim(longest[index // columns] - 0.4, -0.6)
        axes.axvline(0.0, color="black", linewidth=0.6)
        axes.set_title(f"{title}, {SPLIT_WORDS[split]} images" if several else str(title))
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_xlabel("gap (nats)")
    for axes in all_axes[len(panels) :]:
        axes.set_visible(False)
    add_legend(figure, [*gap_handles(bars, ">"), *source_handles(bars)])
    return figure


def _name(bar: pd.Series) -> str:
    return f"{bar['label']}, others" if bar["source"] == "reproduced" else str(bar["label"])


def _curve(axes: Axes, gaps: pd.DataFrame, gap: str, split: str, last: int) -> None:
    line = gaps[gaps["quantity"] == gap].assign(epoch=lambda frame: frame["epoch"].fillna(last))
    line = line.sort_values("epoch")
    style, marker = _SIGNS[split]
    colour = COLOURS[gap.removesuffix("_gap")] if gap != "amortization_gap" else COLOURS["amortization-line"]
    x = line["epoch"].to_numpy(dtype=float)
    axes.fill_between(
        x,
        line["ci_low"].to_numpy(dtype=float),
        line["ci_high"].to_numpy(dtype=float),
        color=colour,
        alpha=0.15,
        linewidth=0,
    )
    axes.plot(x, line["value"].to_numpy(dtype=float), style, color=colour, marker=marker, markersize=3.2)


def draw_gaps_over_epochs(bars: pd.DataFrame, epochs: int) -> Figure:
    """Draw approximation and amortization gap over the epochs of each training, one panel per model.

    Args:
        bars: as :func:`~.gaps.gap_bars` returns them; ``epoch`` is empty at the end.
        epochs: when that is.
    """
    panels = list(bars.groupby("model", sort=False))
    columns = min(4, max(1, len(panels)))
    rows = max(1, math.ceil(len(panels) / columns))
    figure = Figure(figsize=(TEXT_WIDTH, 0.75 + 1.7 * rows), layout="constrained")
    all_axes = list(figure.subplots(rows, columns, squeeze=False, sharey=True).flat)
    for axes, (_, panel) in zip(all_axes, panels, strict=False):
        for split, of_split in panel.groupby("split", sort=False):
            for gap in GAPS[:2]:
                _curve(axes, of_split, gap, str(split), epochs)
        axes.set_title(str(panel["label"].iloc[0]))
        axes.axhline(0.0, color="black", linewidth=0.5)
        axes.spines[["top", "right"]].set_visible(False)
    for axes in all_axes[len(panels) :]:
        axes.set_visible(False)
    all_axes[0].set_ylabel("gap (nats)")
    figure.supxlabel("epoch", fontsize=8)
    handles = [
        Line2D([], [], color=COLOURS["amortization-line"], label="amortization gap"),
        Line2D([], [], color=COLOURS["approximation"], label="approximation gap"),
    ]
    for split in dict.fromkeys(bars["split"]):
        style, marker = _SIGNS[str(split)]
        words = f"{SPLIT_WORDS[str(split)]} images"
        handles.append(
            Line2D([], [], color="black", linestyle=style, marker=marker, markersize=3.2, label=words)
        )
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles))
    return figure
