"""Draw the gaps of an experiment: as bars beside those of the paper and of others, or over the epochs of trainings.

Reads the tidy table of an experiment (make-table), the paper's values and those of other reproductions. Writes
PREFIX.pdf, PREFIX.png and PREFIX.csv, the numbers drawn.
"""

import argparse

from inference_gaps.replication.analysis.published import read_published
from inference_gaps.replication.analysis.reproductions import read_reproductions, reproduced
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
    table_role = Layout(spec.preset).table(spec.experiment, "csv").as_posix()
    of_others = {role: file_digest(getattr(options, role)) for role in ("published", "reproductions")}
    provenance = make_provenance(
        "plot-gaps", spec.as_dict(), {table_role: made_by, **of_others}, options.fingerprint
    )
    printed = read_reproductions(options.reproductions)
    others = {model: reproduced(printed, name) for model, name in spec.reproduced.items()}
    bars = gap_bars(table, read_published(options.published), spec.published, others)
    with figure_style():
        save_figure(draw_experiment(spec, bars), options.output_prefix, bars, provenance)
