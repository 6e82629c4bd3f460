"""Posteriors over the plane of two latent dimensions: the exact one, q, and q* of each family."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from inference_gaps.exact.plane import AMORTIZED, PlanePosteriors
from inference_gaps.models.grey_levels import pixels_of
from inference_gaps.replication.figures.style import COLOURS, TEXT_WIDTH
from inference_gaps.specs.families import label_of

__all__ = ["MASSES", "Panel", "Row", "draw_posteriors", "mass_levels", "panel_numbers", "rows_of"]

MASSES = (0.99, 0.9, 0.5)
"""Share of the mass inside each contour, from the outermost in."""

_SHADES = ("#dbe9f6", "#89bedc", "#1c6cb1")
_COLUMN_TITLE = 7.5
_MARKS = 3


@dataclass(frozen=True)
class Panel:
    """One density of one image.

    Attributes:
        title: name of the density.
        log_density: at the nodes [n, n] in nats; the first index is that of the horizontal axis.
        bound: log p(x) for the exact posterior, L[q] for others, in nats.
        error: of the bound, in nats.
        symbol: what the bound is called.
    """

    title: str
    log_density: NDArray[np.float64]
    bound: float
    error: float
    symbol: str


@dataclass(frozen=True)
class Row:
    """One image: why it is shown, its pixels [C, H, W], axes [2, n], panels, the exact posterior first."""

    point: int
    reason: str
    image: NDArray[np.float32]
    axes: NDArray[np.float64]
    panels: list[Panel]


def _cell(axes: NDArray[np.float64]) -> float:
    return float(np.prod(axes[:, 1] - axes[:, 0]))


def mass_levels(log_density: NDArray[np.float64], masses: tuple[float, ...] = MASSES) -> list[float]:
    """Return the log densities whose superlevel sets hold these shares of the mass on an even grid.

    Args:
        log_density: [n, n] in nats.
        masses: shares, between 0 and 1.
    """
    falling = np.sort(log_density, axis=None)[::-1]
    share = np.cumsum(np.exp(falling - falling[0]))
    share /= share[-1]
    return [float(falling[np.searchsorted(share, mass)]) for mass in masses]


def rows_of(found: PlanePosteriors, trained_with: str) -> list[Row]:
    """Return what the figure shows of each image: the exact posterior, q and every q*, each with its own bound."""
    rows = []
    for index, (point, reason) in enumerate(found.chosen.items()):
        plane = found.planes[index]
        exact = plane.log_posterior.double().numpy()
        panels = [Panel("true posterior", exact, float(found.log_p[point]), 0.0, "log p(x)")]
        for name in found.bounds:
            amortized = name == AMORTIZED
            label = f"amortized {label_of(trained_with)}" if amortized else f"optimal {label_of(name)}"
            panels.append(
                Panel(
                    label,
                    plane.log_q[name].double().numpy(),
                    float(found.bounds[name][point]),
                    float(found.errors[name][point]),
                    "L[q]" if amortized else "L[q*]",
                )
            )
        image = pixels_of(found.images[index]).numpy()
        rows.append(Row(point, reason, image, plane.axes.numpy(), panels))
    return rows


def panel_numbers(rows: list[Row]) -> pd.DataFrame:
    """Return what the panels say and where their contours lie, one line per panel.

    ``mass`` is the integral over what is drawn, 1 where nothing is cut off.
    """
    lines: list[dict[str, Any]] = []
    for row in rows:
        log_p = row.panels[0].bound
        for panel in row.panels:
            levels = mass_levels(panel.log_density)
            lines.append(
                {
                    "point": row.point,
                    "reason": row.reason,
                    "density": panel.title,
                    "bound": panel.bound,
                    "error": panel.error,
                    "below_log_p": log_p - panel.bound,
                    "mass": float(np.exp(panel.log_density).sum() * _cell(row.axes)),
                    **{
                        f"log_density_at_{100 * mass:.0f}": level
                        for mass, level in zip(MASSES, levels, strict=True)
                    },
                }
            )
    return pd.DataFrame(lines)


def _wrapped(reason: str) -> str:
    words, lines = reason.split(), [""]
    for word in words:
        if len(lines[-1]) + len(word) > 14:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join(lines)


def _draw_image(axes: Axes, row: Row) -> None:
    axes.imshow(
        np.moveaxis(row.image, 0, -1).squeeze(), cmap="gray_r", vmin=0, vmax=1, interpolation="nearest"
    )
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_linewidth(0.4)
    axes.set_xlabel(_wrapped(row.reason), fontsize=6)


def _contour(axes: Axes, row: Row, panel: Panel, masses: tuple[float, ...], **style: Any) -> None:
    levels = mass_levels(panel.log_density, masses)
    axes.contour(*row.axes, panel.log_density.T, levels=levels, **style)


def _draw_panel(axes: Axes, row: Row, panel: Panel) -> None:
    levels = mass_levels(panel.log_density)
    axes.contourf(*row.axes, panel.log_density.T, levels=[*levels, np.inf], colors=_SHADES)
    exact = row.panels[0]
    if panel is exact:
        _contour(axes, row, panel, MASSES, colors="black", linewidths=0.6, linestyles="solid")
        text = f"{panel.symbol} = {panel.bound:.2f}"
    else:
        _contour(axes, row, panel, MASSES, colors=_SHADES[-1], linewidths=0.5, linestyles="solid")
        _contour(axes, row, exact, (0.9,), colors=COLOURS["exact"], linewidths=0.9, linestyles="dashed")
        text = f"{panel.symbol} = {panel.bound:.2f}\n{exact.bound - panel.bound:.2f} below"
    axes.set_title(text.replace("-", "−"), fontsize=6.5, pad=2.5)
    axes.set_aspect("equal")
    axes.locator_params(nbins=_MARKS)
    axes.tick_params(labelsize=5.5, length=2, pad=1.5)


def draw_posteriors(rows: list[Row]) -> Figure:
    """Draw one row per image: the image, then one panel per density.

    Shades hold 50, 90 and 99 % of the mass of a density; the dashed line holds 90 % of that of the exact posterior.
    """
    columns = 1 + len(rows[0].panels)
    width = TEXT_WIDTH / (columns - 0.35)
    figure = Figure(figsize=(TEXT_WIDTH, len(rows) * (width + 0.26) + 0.55), layout="constrained")
    ratios = [0.6, *[1] * (columns - 1)]
    grid = figure.subplots(len(rows), columns, squeeze=False, width_ratios=ratios)
    for line, row in zip(grid, rows, strict=True):
        _draw_image(line[0], row)
        for axes, panel in zip(line[1:], row.panels, strict=True):
            _draw_panel(axes, row, panel)
    for axes, panel in zip(grid[0][1:], rows[0].panels, strict=True):
        axes.annotate(
            panel.title,
            (0.5, 1),
            (0, 22),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=_COLUMN_TITLE,
            weight="bold",
        )
    handles: list[Any] = [
        Patch(facecolor=shade, edgecolor=_SHADES[-1], linewidth=0.5, label=f"{100 * mass:.0f} % of the mass")
        for mass, shade in zip(reversed(MASSES), reversed(_SHADES), strict=True)
    ]
    handles.append(
        Line2D(
            [],
            [],
            color=COLOURS["exact"],
            linestyle="dashed",
            linewidth=0.9,
            label="90 % of the true posterior",
        )
    )
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure
