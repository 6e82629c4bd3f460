"""Draw the gaps of an experiment: as stacked bars, paper and our run, or over the epochs of trainings.

Reads the tidy table of an experiment (make-table) and the paper's values. Writes PREFIX.pdf, PREFIX.png
and PREFIX.csv, the numbers drawn.
"""

import argparse

from inference_gaps.replication.analysis.published import read_published
from inference_gaps.replication.analysis.sources import file_digest
from inference_gaps.replication.analysis.table import read_table
from inference_gaps.replication.artifacts.fingerprints import make_provenance
from inference_gaps.replication.artifacts.layout import Layout
from inference_gaps.replication.figures.gaps import gap_bars
from inference_gaps.replication.figures.models import draw_experiment
from inference_gaps.replication.figures.style import figure_style, save_figure
from inference_gaps.replication.specs.documents import GapsFigureSpec

__all__ = ["run"]


def run(options: argparse.Namespace) -> None:
    """Draw the figure."""
    spec = GapsFigureSpec.from_argument(options.spec)
    table, made_by = read_table(options.table)
    role = Layout(spec.preset).table(spec.experiment, "csv").as_posix()
    provenance = make_provenance(
        "plot-gaps",
        spec.as_dict(),
        {role: made_by, "published": file_digest(options.published)},
        options.fingerprint,
    )
    bars = gap_bars(table, read_published(options.published), spec.published)
    with figure_style():
        save_figure(draw_experiment(spec, bars), options.output_prefix, bars, provenance)
