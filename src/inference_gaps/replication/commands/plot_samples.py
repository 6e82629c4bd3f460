"""Draw samples and reconstructions.

Reads the images of each model of the specification (evaluate-samples) under --results (results/PRESET). Writes
PREFIX.pdf, PREFIX.png and PREFIX.csv, which lists the images.
"""

import argparse

from inference_gaps.replication.analysis.sources import layout_of, provenances, samples_sources
from inference_gaps.replication.artifacts.fingerprints import make_provenance
from inference_gaps.replication.figures.samples import draw_samples, image_block, images_drawn
from inference_gaps.replication.figures.style import figure_style, save_figure
from inference_gaps.replication.specs.documents import SamplesFigureSpec
from inference_gaps.replication.storage.drawn_images import load_samples

__all__ = ["run"]


def run(options: argparse.Namespace) -> None:
    """Draw the figure."""
    spec = SamplesFigureSpec.from_argument(options.spec)
    layout = layout_of(options.results)
    inputs = provenances(samples_sources(spec, layout))
    provenance = make_provenance("plot-samples", spec.as_dict(), inputs, options.fingerprint)
    found = [load_samples(layout.samples(shown.model, shown.seed)) for shown in spec.models]
    splits = [made_by["spec"]["split"] for _, made_by in found]
    blocks = [image_block(shown, rows) for shown, (rows, _) in zip(spec.models, found, strict=True)]
    with figure_style():
        save_figure(
            draw_samples(blocks), options.output_prefix, images_drawn(spec.models, splits, blocks), provenance
        )
