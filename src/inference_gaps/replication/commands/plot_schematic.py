"""Draw the gaps in measured numbers: for each model a ladder log p(x) – L[q*] – L[q].

Reads the tidy table of an experiment (make-table). Writes PREFIX.pdf, PREFIX.png and PREFIX.csv, the numbers
drawn.
"""

import argparse

from inference_gaps.errors import UserError
from inference_gaps.replication.analysis.table import read_table
from inference_gaps.replication.artifacts.fingerprints import make_provenance
from inference_gaps.replication.artifacts.layout import Layout
from inference_gaps.replication.figures.schematic import draw_schematic, ladders
from inference_gaps.replication.figures.style import figure_style, save_figure
from inference_gaps.replication.specs.documents import SchematicFigureSpec

__all__ = ["run"]


def run(options: argparse.Namespace) -> None:
    """Draw the figure."""
    spec = SchematicFigureSpec.from_argument(options.spec)
    table, made_by = read_table(options.table)
    inputs = {Layout(spec.preset).table(spec.experiment, "csv").as_posix(): made_by}
    provenance = make_provenance("plot-schematic", spec.as_dict(), inputs, options.fingerprint)
    drawn = ladders(table)
    if drawn.empty:
        raise UserError(
            f"{options.table} has no model with q* in the family that it was trained with, so that there are no "
            f"gaps to draw; write 'local: [trained]' at the experiment {spec.experiment}."
        )
    with figure_style():
        figure = draw_schematic(drawn)
        save_figure(figure, options.output_prefix, drawn, provenance)
