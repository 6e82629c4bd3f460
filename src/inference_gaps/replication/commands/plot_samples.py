"""Draw samples and reconstructions.

Reads the images of each model of the specification (evaluate-samples) under --results (results/PRESET). Writes
PREFIX.pdf, PREFIX.png and PREFIX.csv, which lists the images.
"""

import argparse

import pandas as pd

from inference_gaps.replication.analysis.sources import layout_of, provenances, samples_sources
from inference_gaps.replication.artifacts.fingerprints import make_provenance
from inference_gaps.replication.figures.samples import ImageBlock, draw_samples
from inference_gaps.replication.figures.style import figure_style, save_figure
from inference_gaps.replication.storage.samples import load_samples
from inference_gaps.specs.families import label_of
from inference_gaps.specs.figures import SamplesFigureSpec

__all__ = ["run"]


def run(options: argparse.Namespace) -> None:
    """Draw the figure."""
    spec = SamplesFigureSpec.from_argument(options.spec)
    layout = layout_of(options.results)
    inputs = provenances(samples_sources(spec, layout))
    provenance = make_provenance("plot-samples", spec.as_dict(), inputs, options.fingerprint)
    blocks, drawn = [], []
    for shown in spec.models:
        rows, made_by = load_samples(layout.samples(shown.model, shown.seed))
        blocks.append(ImageBlock(f"{shown.dataset_title}: {label_of(shown.trained_with)}", rows))
        drawn += [
            {"model": shown.model, "seed": shown.seed, "split": made_by["spec"]["split"], "image": image}
            for image in range(len(rows[0]))
        ]
    with figure_style():
        save_figure(draw_samples(blocks), options.output_prefix, pd.DataFrame(drawn), provenance)
