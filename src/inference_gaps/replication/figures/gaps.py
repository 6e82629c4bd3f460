"""Approximation and amortization gap as stacked bars: the paper's, those of other reproductions, ours."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from inference_gaps.replication.analysis.published import published_columns
from inference_gaps.replication.analysis.table_text import summary_lines
from inference_gaps.replication.figures.style import COLOURS, TEXT_WIDTH
from inference_gaps.specs.families import label_of

__all__ = [
    "AT_LEAST",
    "GAPS",
    "STYLES",
    "add_legend",
    "complete_bars",
    "draw_gaps",
    "gap_bars",
    "gap_handles",
    "source_handles",
]

GAPS = ("approximation_gap", "amortization_gap", "inference_gap")
AT_LEAST: dict[str, Any] = {"color": "black", "markersize": 3.5, "linestyle": "none"}
"""How the end of a gap is marked that has no interval: it rests on a loose bound."""

STYLES: dict[str, dict[str, Any]] = {
    "published": {"hatch": "////", "alpha": 0.55},
    "reproduced": {"hatch": "....", "alpha": 0.55},
    "replicated": {},
}
"""How the bars of each source are drawn, in their order."""

_WORDS = {"published": "paper", "reproduced": "other reproductions", "replicated": "our run"}
# Entries of a legend.
_MOST_IN_A_ROW = 4
_NAMES = ["dataset", "dataset_title", "model", "label", "split", "epoch", "trained_with"]
_COLUMNS = [*_NAMES, "source", "status"]


def _bar(model: pd.Series, source: str, status: str, lines: pd.DataFrame) -> list[dict[str, Any]]:
    label: dict[str, Any] = {name: model[name] for name in _NAMES}
    label |= {"source": source, "status": status}
    values = lines.reindex(columns=["value", "ci_low", "ci_high"])
    found = [gap for gap in GAPS if gap in values.index]
    return [label | {"quantity": gap} | {str(k): v for k, v in values.loc[gap].items()} for gap in found]


def gap_bars(
    table: pd.DataFrame, published: pd.DataFrame, number: int | None, others: Mapping[str, pd.Series]
) -> pd.DataFrame:
    """Return the gaps to draw, one line per bar and gap, in nats.

    Args:
        table: tidy table of an experiment; of several seeds, the average is drawn.
        published: values of the paper; a model of which it lacks a gap gets no bar of them.
        number: the published table to set beside it, if any.
        others: values of other reproductions by model, as
            :func:`~inference_gaps.replication.analysis.reproductions.reproduced` returns them.
    """
    lines = summary_lines(table)
    theirs = published_columns(published, number)
    bars: list[dict[str, Any]] = []
    for _, ours in lines.groupby(["model", "split", "epoch"], sort=False, dropna=False):
        model = ours.iloc[0]
        columns = theirs.pop((model["dataset"], model["trained_with"]), None)
        if columns is not None and set(GAPS) <= set(columns.index):
            bars += _bar(model, "published", str(columns["status"].iloc[0]), columns)
        # Others printed values of training images.
        if model["split"] == "train" and set(GAPS) <= set(others.get(model["model"], pd.Series()).index):
            bars += _bar(model, "reproduced", "printed", others[model["model"]].to_frame())
        bars += _bar(model, "replicated", "measured", ours.set_index("quantity"))
    return pd.DataFrame(bars, columns=[*_COLUMNS, "quantity", "value", "ci_low", "ci_high"])


def _draw_bar(axes: Axes, x: float, gaps: pd.DataFrame, source: str) -> None:
    approximation, amortization, total = (gaps.loc[gap] for gap in GAPS)
    style: dict[str, Any] = {"width": 0.8, "edgecolor": "black", "linewidth": 0.6, **STYLES[source]}
    axes.bar(x, approximation["value"], color=COLOURS["approximation"], **style)
    # Gaps of opposite sign do not stack: each then starts at zero.
    stacked = approximation["value"] * amortization["value"] > 0
    bottom = approximation["value"] if stacked else 0.0
    axes.bar(x, amortization["value"], bottom=bottom, color=COLOURS["amortization"], **style)
    for line, shift in ((approximation, -0.15), (total, 0.15)):
        if pd.notna(line["ci_low"]):
            half = (line["ci_high"] - line["ci_low"]) / 2
            axes.errorbar(x + shift, line["value"], yerr=half, color="black", capsize=2, linewidth=0.9)
        elif source == "replicated":
            axes.plot(x + shift, line["value"], "^", **AT_LEAST)


def _draw_panel(axes: Axes, bars: pd.DataFrame) -> None:
    models = {
        str(family): len(lines[["model", "split"]].drop_duplicates())
        for family, lines in bars.groupby("trained_with")
    }
    positions, labels = [], []
    x = 0.0
    for (_, _, family, _), of_model in bars.groupby(
        ["dataset", "split", "trained_with", "model"], sort=False
    ):
        begin = x
        for source, of_bar in of_model.groupby("source", sort=False):
            _draw_bar(axes, x, of_bar.set_index("quantity"), str(source))
            x += 1.0
        positions.append((begin + x - 1.0) / 2)
        labels.append(label_of(str(family)) if models[str(family)] == 1 else str(of_model["label"].iloc[0]))
        x += 0.5
    axes.set_xticks(positions, labels)
    axes.axhline(0.0, color="black", linewidth=0.6)
    axes.set_title(bars["dataset_title"].iloc[0])
    axes.spines[["top", "right"]].set_visible(False)


def complete_bars(bars: pd.DataFrame) -> pd.DataFrame:
    """Leave out models without all three gaps."""
    of = bars.groupby(["model", "split", "epoch", "source"], dropna=False)["quantity"]
    return bars[of.transform("nunique") == len(GAPS)]


def gap_handles(bars: pd.DataFrame, sign: str) -> list[Artist]:
    """Return what a legend shows of the gaps of ``bars``; ``sign`` marks those that are loose."""
    handles: list[Artist] = [
        Patch(facecolor=COLOURS["amortization"], edgecolor="black", label="amortization gap"),
        Patch(facecolor=COLOURS["approximation"], edgecolor="black", label="approximation gap"),
    ]
    if bars.loc[bars["source"] == "replicated", "ci_low"].isna().any():
        handles.append(
            Line2D([], [], marker=sign, **AT_LEAST, label="at least (log p(x) is bounded loosely)")
        )
    return handles


def source_handles(bars: pd.DataFrame) -> list[Patch]:
    """Return what a legend shows of the sources of bars; nothing where all are ours."""
    found = [source for source in STYLES if (bars["source"] == source).any()]
    return [
        Patch(facecolor="white", edgecolor="black", hatch=STYLES[source].get("hatch"), label=_WORDS[source])
        for source in (found if found != ["replicated"] else [])
    ]


def add_legend(figure: Figure, handles: Sequence[Artist]) -> None:
    """Write a legend below a figure, in as many rows as its width asks for; the figure grows by them."""
    rows = math.ceil(len(handles) / _MOST_IN_A_ROW)
    figure.set_figheight(figure.get_figheight() + 0.2 * (rows - 1))
    figure.legend(handles=handles, loc="outside lower center", ncols=math.ceil(len(handles) / rows))


def draw_gaps(bars: pd.DataFrame) -> Figure:
    """Draw :func:`gap_bars`: one panel per data set with an axis of its own, one bar per model and source.

    The error bar inside a bar is the 95 % interval of the approximation gap, the one at its end that of the
    inference gap; a gap that is only bounded from below has an arrow. Bars without all three gaps, and those of
    models during their training, are left out.
    """
    at_the_end = bars[bars["epoch"].isna()]
    panels = list(complete_bars(at_the_end).groupby("dataset_title", sort=False))
    columns = min(3, max(1, len(panels)))
    rows = max(1, math.ceil(len(panels) / columns))
    figure = Figure(figsize=(TEXT_WIDTH, 0.4 + 2.0 * rows), layout="constrained")
    all_axes = figure.subplots(rows, columns, squeeze=False).flat
    for axes, (_, of_panel) in zip(all_axes, panels, strict=False):
        _draw_panel(axes, of_panel)
    for axes in list(figure.axes)[len(panels) :]:
        axes.set_visible(False)
    figure.axes[0].set_ylabel("gap (nats)")
    add_legend(figure, [*gap_handles(at_the_end, "^"), *source_handles(bars)])
    return figure
