"""Draw posteriors over the plane of two latent dimensions.

Reads, under --results (results/PRESET), the file of evaluate-posteriors for the model of the specification. Writes
PREFIX.pdf, PREFIX.png and PREFIX.csv: the bound of each panel in nats, and the levels of its contours.
"""

import argparse

from inference_gaps.replication.analysis.sources import layout_of, posteriors_sources, provenances
from inference_gaps.replication.artifacts.fingerprints import make_provenance
from inference_gaps.replication.figures.posteriors import draw_posteriors, panel_numbers, rows_of
from inference_gaps.replication.figures.style import figure_style, save_figure
from inference_gaps.replication.specs.documents import PosteriorsFigureSpec
from inference_gaps.replication.storage.plane_posteriors import load_posteriors

__all__ = ["run"]


def run(options: argparse.Namespace) -> None:
    """Draw the figure."""
    spec = PosteriorsFigureSpec.from_argument(options.spec)
    layout = layout_of(options.results)
    sources = posteriors_sources(spec, layout)
    inputs = provenances(sources)
    provenance = make_provenance("plot-posteriors", spec.as_dict(), inputs, options.fingerprint)
    (path,) = sources.values()
    rows = rows_of(load_posteriors(path)[0], spec.model.trained_with)
    with figure_style():
        save_figure(draw_posteriors(rows), options.output_prefix, panel_numbers(rows), provenance)
