"""The gaps as ladders: log p(x), L[q*] and L[q] as rungs, and what lies between them (paper, figure 1)."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from inference_gaps.analysis.table_text import signed, summary_lines
from inference_gaps.figures.style import COLOURS, TEXT_WIDTH
from inference_gaps.posteriors.registry import FAMILIES, label_of

__all__ = ["draw_schematic", "ladders"]

_GAPS = {"approximation_gap": "approximation", "amortization_gap": "amortization"}
_INK = {"approximation": "white", "amortization": "black"}


def ladders(table: pd.DataFrame, count: int) -> pd.DataFrame:
    """Return what is drawn: of each of the first ``count`` models of a table, its rungs and gaps in nats.

    Args:
        table: tidy table of an experiment; of several seeds, the average is drawn.
        count: how many models. One without q* of the family that it was trained with is passed over.
    """
    found: list[dict[str, Any]] = []
    for model, lines in summary_lines(table).groupby("model", sort=False):
        of = lines.set_index("quantity")
        family = str(of["trained_with"].iloc[0])
        local = f"elbo_local_{FAMILIES[family].key}"
        if local not in of.index or len({row["model"] for row in found}) == count:
            continue
        names = {"model": model, "dataset_title": of["dataset_title"].iloc[0], "trained_with": family}
        shown = of[["value", "ci_low", "ci_high"]].to_dict("index")
        for quantity in ("log_p_best", local, "elbo_amortized", *_GAPS):
            name = "elbo_local" if quantity == local else quantity
            values = {str(key): value for key, value in shown[quantity].items()}
            found.append({**names, "quantity": name, **values})
    return pd.DataFrame(found)


def _draw_ladder(axes: Axes, lines: pd.DataFrame, first: bool) -> None:
    of = lines.set_index("quantity")
    values = of["value"].to_dict()
    family = label_of(str(of["trained_with"].iloc[0]))
    top, middle, bottom = (values[name] for name in ("log_p_best", "elbo_local", "elbo_amortized"))
    rungs = (
        (top, r"$\log\,\hat p(x)$"),
        (middle, rf"$\mathcal{{L}}[q^*_\mathrm{{{family}}}]$"),
        (bottom, r"$\mathcal{L}[q]$"),
    )
    for (high, low), (quantity, gap) in zip(((top, middle), (middle, bottom)), _GAPS.items(), strict=True):
        axes.add_patch(
            Rectangle((0.0, low), 1.0, high - low, facecolor=COLOURS[gap], edgecolor="none", linewidth=0)
        )
        half = (of["ci_high"] - of["ci_low"])[quantity] / 2
        text = f"{signed(values[quantity])} ± {half:.2f}"
        if first:
            text = f"{gap}\ngap\n{text}"
        tall = high - low > 0.16 * (top - bottom)
        place: dict[str, Any] = {"ha": "center", "va": "center", "color": _INK[gap]}
        if not tall:
            place |= {"va": "bottom", "color": "black"}
        axes.text(
            0.5, (high + low) / 2 if tall else high + 0.02 * (top - bottom), text, fontsize=6.5, **place
        )
    for value, _ in rungs:
        axes.plot([-0.06, 1.06], [value, value], color="black", linewidth=1.1, solid_capstyle="butt")
    # Where two rungs nearly meet, their names would lie on each other.
    least = 0.075 * (top - bottom)
    places: list[float] = []
    for value, _ in rungs:
        places.append(value if not places else min(value, places[-1] - least))
    for place_, (value, symbol) in zip(places, rungs, strict=True):
        axes.text(1.1, place_, f"{symbol}  {signed(value)}", va="center", fontsize=6.5)
    margin = 0.12 * (top - bottom)
    axes.set_xlim(-0.1, 2.55)
    axes.set_ylim(bottom - margin, top + margin)
    axes.set_title(f"{of['dataset_title'].iloc[0]}\ntrained with {family}", loc="left", fontsize=6.5)
    axes.set_axis_off()


def draw_schematic(drawn: pd.DataFrame) -> Figure:
    """Draw :func:`ladders` side by side, each to a scale of its own: heights are shares of the inference gap."""
    models = list(drawn.groupby("model", sort=False))
    columns = min(4, len(models))
    rows = -(-len(models) // columns)
    figure = Figure(figsize=(TEXT_WIDTH, 1.9 * rows), layout="constrained")
    all_axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for index, (axes, (_, lines)) in enumerate(zip(all_axes, models, strict=False)):
        _draw_ladder(axes, lines, index == 0)
    for axes in all_axes[len(models) :]:
        axes.set_visible(False)
    return figure
