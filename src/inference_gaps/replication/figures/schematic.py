"""The idea of the gaps, drawn from measured numbers: for each model a ladder log p(x) – L[q*] – L[q].

Heights are nats below log p(x), means over images; the distances between the rungs are the gaps.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from inference_gaps.replication.analysis.table_text import LOOSE, signed, summary_lines
from inference_gaps.replication.figures.style import COLOURS, TEXT_WIDTH
from inference_gaps.specs.families import FAMILIES, label_of
from inference_gaps.summary.intervals import Interval

__all__ = ["RUNGS", "draw_schematic", "ladders", "spread"]

RUNGS = {
    "log_p_best": r"$\log\,\hat{p}(x)$",
    "elbo_local": r"$\mathcal{L}[q^*]$",
    "elbo_amortized": r"$\mathcal{L}[q]$",
}
_GAPS = {
    "approximation_gap": ("approximation gap", "the family of $q$\nis too simple"),
    "amortization_gap": ("amortization gap", "one network infers\nfor every image"),
}
_TOTAL = "inference_gap"
_NAMES = ["dataset_title", "model", "label", "split", "trained_with"]
_PANELS_PER_ROW = 3
# Heights of a line of text and of a paragraph, as parts of the height of a ladder.
_LINE, _PARAGRAPH = 0.07, 0.36


def ladders(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rungs and gaps to draw, one line each, in nats; of several seeds, their average.

    The rungs are log p(x) (the tightest bound), L[q*] of the family that the model was trained with
    (``elbo_local``), and L[q]. Models at the end of their training are shown, on the first split of the table,
    where q* was optimised in their own family.

    Args:
        table: tidy table of an experiment.
    """
    lines = summary_lines(table)
    lines = lines[lines["epoch"].isna() & (lines["split"] == table["split"].iloc[0])]
    own = "elbo_local_" + lines["trained_with"].map(lambda family: FAMILIES[family].key)
    lines = lines.assign(quantity=lines["quantity"].where(lines["quantity"] != own, "elbo_local"))
    wanted = [*RUNGS, *_GAPS, _TOTAL]
    lines = lines[lines["quantity"].isin(wanted)]
    complete = lines.groupby("model")["quantity"].transform("nunique") == len(wanted)
    return lines.loc[complete, [*_NAMES, "quantity", "value", "ci_low", "ci_high"]].reset_index(drop=True)


def spread(positions: Sequence[float], least: float) -> list[float]:
    """Move descending positions down as far as two neighbours need to be ``least`` apart."""
    placed: list[float] = []
    for position in positions:
        placed.append(min(position, placed[-1] - least) if placed else position)
    return placed


def _numbers(ladder: pd.DataFrame) -> dict[str, Interval]:
    """Return the rungs and the gaps of one model."""
    lines = ladder[["quantity", "value", "ci_low", "ci_high"]].itertuples(index=False)
    return {str(name): Interval(float(value), float(low), float(high)) for name, value, low, high in lines}


def _heights(numbers: Mapping[str, Interval]) -> dict[str, float]:
    """Return where each rung stands, in nats from log p(x)."""
    return {
        "log_p_best": 0.0,
        "elbo_local": -numbers["approximation_gap"].mean,
        "elbo_amortized": -numbers[_TOTAL].mean,
    }


def _with_interval(numbers: Mapping[str, Interval], gap: str, between: str = " ") -> str:
    known = numbers[gap]
    decimals = 2 if abs(known.mean) < 100 else 1
    if math.isnan(known.low):
        return f"{LOOSE} {signed(known.mean, decimals)}"
    return f"{signed(known.mean, decimals)}{between}± {(known.high - known.low) / 2:.{decimals}f}"


def _draw_gaps(axes: Axes, heights: dict[str, float], left: float, width: float) -> dict[str, float]:
    """Draw the two gaps of a ladder between its rungs, and return where the middle of each is."""
    middles = {}
    places = list(heights.values())
    for gap, upper, lower in zip(_GAPS, places, places[1:], strict=False):
        bottom, top = min(upper, lower), max(upper, lower)
        colour = COLOURS[gap.removesuffix("_gap")]
        box = Rectangle(
            (left, bottom), width, top - bottom, facecolor=colour, edgecolor="black", linewidth=0.6
        )
        axes.add_patch(box)
        middles[gap] = (upper + lower) / 2
    return middles


def _bracket(axes: Axes, x: float, top: float, bottom: float, width: float) -> None:
    xs, ys = [x - width, x, x, x - width], [top, top, bottom, bottom]
    axes.plot(xs, ys, color="black", linewidth=0.8, solid_joinstyle="miter")


def _set_up(axes: Axes, heights: Sequence[float]) -> float:
    """Fit an axis without ticks to some heights, and return how far they reach, in nats."""
    low, high = min(heights), max(heights)
    span = max(high - low, 1e-9)
    axes.set_xlim(0, 1)
    axes.set_ylim(low - 0.1 * span, high + 0.1 * span)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    return span


def _draw_large(axes: Axes, ladder: pd.DataFrame) -> None:
    """Draw one ladder with all that it means beside it."""
    numbers = _numbers(ladder)
    heights = _heights(numbers)
    span = _set_up(axes, list(heights.values()))
    middles = _draw_gaps(axes, heights, 0.34, 0.06)
    order = sorted(heights, key=lambda rung: -heights[rung])
    named = spread([heights[rung] for rung in order], 2 * _LINE * span)
    for rung, place in zip(order, named, strict=True):
        axes.plot([0.3, 0.44], [heights[rung]] * 2, color="black", linewidth=1.4)
        value = f"{LOOSE} " * math.isnan(numbers[rung].low) + signed(numbers[rung].mean, 1)
        axes.text(0.28, place, f"{RUNGS[rung]}\n{value}", ha="right", va="center", linespacing=1.1)
    told = spread([middles[gap] for gap in _GAPS], _PARAGRAPH * span)
    for (gap, (name, meaning)), place in zip(_GAPS.items(), told, strict=True):
        _paragraph(axes, (0.46, place), name, f"{_with_interval(numbers, gap)} nats", meaning)
    _bracket(axes, 0.965, 0.0, heights["elbo_amortized"], 0.02)
    axes.text(
        0.985,
        heights["elbo_amortized"] / 2,
        f"inference gap {_with_interval(numbers, _TOTAL)}",
        rotation=90,
        ha="left",
        va="center",
        fontsize=7,
    )
    axes.set_title(_title(ladder), fontsize=7.5, pad=10)


def _paragraph(axes: Axes, at: tuple[float, float], name: str, number: str, meaning: str) -> None:
    """Write a name, a number and what they mean below each other, their middle at a point of the data."""
    styles: list[tuple[int, str, dict[str, Any]]] = [
        (14, name, {"weight": "bold"}),
        (3, number, {}),
        (-12, meaning, {"fontsize": 6.5}),
    ]
    for shift, text, style in styles:
        beside: dict[str, Any] = {
            "xytext": (0, shift),
            "textcoords": "offset points",
            "ha": "left",
            "va": "center",
        }
        axes.annotate(text, at, **({"fontsize": 7.5, "linespacing": 1.15} | beside | style))


def _title(ladder: pd.DataFrame) -> str:
    first = ladder.iloc[0]
    return f"{_on_two_lines(first['dataset_title'])}, {label_of(str(first['trained_with']))}"


def _on_two_lines(title: str) -> str:
    return str(title).replace(" (", "\n(", 1)


def _draw_small(axes: Axes, panel: pd.DataFrame) -> None:
    """Draw the ladders of a data set beside each other, with numbers only."""
    models = [ladder for _, ladder in panel.groupby("model", sort=False)]
    all_heights = [_heights(_numbers(ladder)) for ladder in models]
    span = _set_up(axes, [height for heights in all_heights for height in heights.values()])
    step = 1 / len(models)
    families = [str(ladder["trained_with"].iloc[0]) for ladder in models]
    for index, (ladder, heights) in enumerate(zip(models, all_heights, strict=True)):
        numbers, left = _numbers(ladder), step * index + 0.02
        middles = _draw_gaps(axes, heights, left + 0.04 * step, 0.12 * step)
        for height in heights.values():
            axes.plot([left, left + 0.2 * step], [height] * 2, color="black", linewidth=1.2)
        told = spread([middles[gap] for gap in _GAPS], 2 * _LINE * span)
        for gap, place in zip(_GAPS, told, strict=True):
            number = _with_interval(numbers, gap, between="\n")
            axes.text(left + 0.25 * step, place, number, va="center", fontsize=6.5, linespacing=1.05)
        name = label_of(families[index]) if len(set(families)) == len(families) else ladder["label"].iloc[0]
        axes.text(left, axes.get_ylim()[1] - 0.03 * span, str(name), ha="left", va="bottom", fontsize=7)
    _scale(axes, span)
    axes.set_title(_on_two_lines(panel["dataset_title"].iloc[0]), fontsize=7.5, pad=10)


def _scale(axes: Axes, span: float) -> None:
    """Draw a bar of a round length in nats, because each panel has a scale of its own."""
    unit = 10 ** math.floor(math.log10(span / 3))
    length = unit * max(each for each in (1, 2, 5) if unit * each <= span / 2)
    bottom = axes.get_ylim()[0]
    line: dict[str, Any] = {
        "color": "black",
        "linewidth": 0.8,
        "marker": "_",
        "markersize": 4.0,
        "clip_on": False,
    }
    axes.plot([-0.04, -0.04], [bottom, bottom + length], **line)
    text = f"{length:g} nat" + ("s" if length != 1 else "")
    axes.text(-0.08, bottom + length / 2, text, rotation=90, ha="right", va="center", fontsize=6.5)


def draw_schematic(drawn: pd.DataFrame) -> Figure:
    """Draw :func:`ladders`: the first large, with the meaning of its gaps; then all, one panel per data set.

    Every ladder is to the scale of its panel. ± is half of the 95 % interval between images.
    """
    panels = [panel for _, panel in drawn.groupby("dataset_title", sort=False)]
    first = drawn[drawn["model"] == drawn["model"].iloc[0]]
    columns = min(_PANELS_PER_ROW, len(panels))
    rows = math.ceil(len(panels) / columns)
    figure = Figure(figsize=(TEXT_WIDTH, 0.4 + 2.2 * rows), layout="constrained")
    grid = figure.add_gridspec(rows, 1 + columns, width_ratios=[2.1, *np.ones(columns)])
    _draw_large(figure.add_subplot(grid[:, 0]), first)
    for index, panel in enumerate(panels):
        _draw_small(figure.add_subplot(grid[index // columns, 1 + index % columns]), panel)
    return figure
