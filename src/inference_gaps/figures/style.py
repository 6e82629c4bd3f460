"""One look for all figures, and files whose bytes repeat."""

import contextlib
from collections.abc import Iterator
from typing import Any

import matplotlib as mpl
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from inference_gaps.artifacts import Provenance, all_or_none, atomic_path, write_values

__all__ = ["COLOURS", "TEXT_WIDTH", "figure_style", "save_figure"]

TEXT_WIDTH = 6.5
"""Width of a figure in inches: the text width of the report."""

# Colours of Okabe and Ito that differ in lightness, too: they stay apart in grey and for the colour-blind.
COLOURS = {
    "approximation": "#0072b2",
    "amortization": "#f0c05a",
    "training": "#0072b2",
    "validation": "#d55e00",
    "warm-up": "#ececec",
    "iwae_amortized": "#d55e00",
    "iwae_local_ffg": "#e69f00",
    "ais_prior": "#0072b2",
    "ais_local_ffg": "#000000",
}

_PARAMETERS: dict[Any, Any] = {
    "axes.labelsize": 8,
    "axes.linewidth": 0.6,
    "axes.titlesize": 8,
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "hatch.linewidth": 0.5,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "lines.linewidth": 1.1,
    "pdf.fonttype": 42,
    "savefig.dpi": 200,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
}


@contextlib.contextmanager
def figure_style() -> Iterator[None]:
    """Draw what is drawn inside the block in the style of this project."""
    with sns.axes_style("ticks"), mpl.rc_context(_PARAMETERS):
        yield


def save_figure(figure: Figure, prefix: str, drawn: pd.DataFrame, provenance: Provenance) -> None:
    """Write ``prefix`` + ``.pdf``, ``.png``, and ``.csv`` with the values drawn.

    The same figure gives the same bytes: no date, no version of the drawing program.
    """
    with all_or_none():
        with atomic_path(f"{prefix}.pdf") as path:
            figure.savefig(path, metadata={"CreationDate": None, "Creator": None, "Producer": None})
        with atomic_path(f"{prefix}.png") as path:
            figure.savefig(path, metadata={"Software": None})
        write_values(f"{prefix}.csv", drawn, provenance)
