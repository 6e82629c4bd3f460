"""Draw posteriors over the plane of two latent dimensions.

Reads, under --results (results/PRESET), the file of evaluate-posteriors for the model of the specification. Writes
PREFIX.pdf, PREFIX.png and PREFIX.csv: the bound of each panel in nats, and the levels of its contours.
"""

import argparse

import numpy as np

from inference_gaps.replication.analysis.sources import layout_of, posteriors_sources, provenances
from inference_gaps.replication.artifacts.fingerprints import make_provenance
from inference_gaps.replication.figures.posteriors import Panel, Row, draw_posteriors, panel_numbers
from inference_gaps.replication.figures.style import figure_style, save_figure
from inference_gaps.replication.storage.exact import PosteriorsFile, load_posteriors
from inference_gaps.specs.families import label_of
from inference_gaps.specs.figures import PosteriorsFigureSpec

__all__ = ["rows_of", "run"]


def rows_of(found: PosteriorsFile, trained_with: str) -> list[Row]:
    """Return what the figure shows of each image: the exact posterior, q and every q*, each with its own bound."""
    rows = []
    for index, (point, reason) in enumerate(found.chosen.items()):
        plane = found.planes[index]
        exact = plane.log_posterior.double().numpy()
        panels = [Panel("true posterior", exact, float(found.log_p[point]), 0.0, "log p(x)")]
        for name in found.names:
            amortized = name == "amortized"
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
        image = found.images[index].numpy().astype(np.float32)
        rows.append(Row(point, reason, image, plane.axes.numpy(), panels))
    return rows


def run(options: argparse.Namespace) -> None:
    """Draw the figure."""
    spec = PosteriorsFigureSpec.from_argument(options.spec)
    layout = layout_of(options.results)
    sources = posteriors_sources(spec, layout)
    inputs = provenances(sources)
    provenance = make_provenance("plot-posteriors", spec.as_dict(), inputs, options.fingerprint)
    (path,) = sources.values()
    rows = rows_of(load_posteriors(path), spec.model.trained_with)
    with figure_style():
        save_figure(draw_posteriors(rows), options.output_prefix, panel_numbers(rows), provenance)
