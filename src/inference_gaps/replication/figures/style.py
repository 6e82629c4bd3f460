"""One look for all figures, and files whose bytes repeat."""

import contextlib
import io
from collections.abc import Iterator, Mapping
from typing import Any

import matplotlib as mpl
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from inference_gaps.replication.artifacts.files import Provenance, all_or_none, write_document, write_values

__all__ = ["COLOURS", "TEXT_WIDTH", "figure_style", "save_figure"]

TEXT_WIDTH = 6.5
"""Width of a figure in inches: the text width of the report."""

# Colours of Okabe and Ito that differ in lightness, too: they stay apart in grey and for the colour-blind.
COLOURS = {
    "approximation": "#0072b2",
    "amortization": "#f0c05a",
    "amortization-line": "#b8860b",
    "training": "#0072b2",
    "validation": "#d55e00",
    "warm-up": "#ececec",
    "iwae_amortized": "#d55e00",
    "iwae_local_ffg": "#e69f00",
    "ais_prior": "#0072b2",
    "ais_local_ffg": "#000000",
    "exact": "#d55e00",
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


def _drawn(figure: Figure, kind: str, metadata: Mapping[str, str | None]) -> bytes:
    # Not straight to the file: on a full disk the PDF backend fails with an error of its own.
    content = io.BytesIO()
    figure.savefig(content, format=kind, metadata=metadata)
    return content.getvalue()


def save_figure(figure: Figure, prefix: str, drawn: pd.DataFrame, provenance: Provenance) -> None:
    """Write ``prefix`` + ``.pdf``, ``.png``, and ``.csv`` with the values drawn.

    The same figure gives the same bytes: no date, no version of the drawing program.
    """
    hidden: dict[str, dict[str, str | None]] = {
        "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
        "png": {"Software": None},
    }
    with all_or_none():
        for suffix, metadata in hidden.items():
            write_document(f"{prefix}.{suffix}", _drawn(figure, suffix, metadata), provenance)
        write_values(f"{prefix}.csv", drawn, provenance)
