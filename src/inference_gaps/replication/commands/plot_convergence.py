"""Draw log p(x) minus each estimate, against the cost of the estimate.

Reads, under --results (results/PRESET), the values of evaluate-convergence of every model of the specification, and
its exact log p(x) if it is known. Writes PREFIX.pdf, PREFIX.png and PREFIX.csv, the numbers drawn.
"""

import argparse

from inference_gaps.replication.analysis.remaining_gaps import convergence_gaps
from inference_gaps.replication.analysis.sources import convergence_sources, layout_of, provenances
from inference_gaps.replication.artifacts.fingerprints import make_provenance
from inference_gaps.replication.figures.convergence import draw_convergence
from inference_gaps.replication.figures.style import figure_style, save_figure
from inference_gaps.replication.specs.documents import ConvergenceFigureSpec

__all__ = ["run"]


def run(options: argparse.Namespace) -> None:
    """Draw the figure."""
    spec = ConvergenceFigureSpec.from_argument(options.spec)
    layout = layout_of(options.results)
    inputs = provenances(convergence_sources(spec, layout))
    provenance = make_provenance("plot-convergence", spec.as_dict(), inputs, options.fingerprint)
    gaps = convergence_gaps(spec.models, layout)
    with figure_style():
        figure = draw_convergence(gaps)
        save_figure(figure, options.output_prefix, gaps, provenance)
