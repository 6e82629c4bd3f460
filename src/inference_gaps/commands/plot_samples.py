"""Draw samples and reconstructions.

Reads the weights of each model of the specification and its prepared data under --results
(results/PRESET). Writes PREFIX.pdf, PREFIX.png and PREFIX.csv, which lists the images.
"""

import argparse
from pathlib import Path

import pandas as pd

from inference_gaps.analysis.sources import artifact_fingerprints, layout_of, samples_sources
from inference_gaps.figures.samples import ImageBlock, draw_samples, generate
from inference_gaps.figures.style import figure_style, save_figure
from inference_gaps.fingerprints import make_provenance
from inference_gaps.layout import Layout
from inference_gaps.posteriors.registry import label_of
from inference_gaps.specs.figures import SampledModelSpec, SamplesFigureSpec

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("--spec", required=True, help="SamplesFigureSpec as JSON, or a file that holds it")
    parser.add_argument("--results", required=True, type=Path, help="folder results/PRESET")
    parser.add_argument("--output-prefix", required=True, help="such as figures/PRESET/samples")


def _block(spec: SamplesFigureSpec, sampled: SampledModelSpec, layout: Layout) -> ImageBlock:
    import torch

    from inference_gaps.data.prepared import load_prepared
    from inference_gaps.models.storage import load_model

    # Sums over several threads differ in their last bits with the number of threads.
    torch.set_num_threads(1)
    model, _ = load_model(layout.weights(sampled.model, sampled.seed))
    data = load_prepared(layout.data(sampled.data))
    x = data.points(spec.split, spec.images)
    rows = [x, *generate(model, x, spec.seed)]
    title = f"{sampled.dataset_title}: {label_of(sampled.trained_with)}"
    return ImageBlock(title, [images.reshape(len(x), *data.shape).numpy() for images in rows])


def run(options: argparse.Namespace) -> None:
    """Draw the figure."""
    spec = SamplesFigureSpec.from_argument(options.spec)
    layout = layout_of(options.results)
    blocks = [_block(spec, sampled, layout) for sampled in spec.models]
    drawn = pd.DataFrame(
        [
            {"model": sampled.model, "seed": sampled.seed, "split": spec.split, "image": image}
            for sampled in spec.models
            for image in range(spec.images)
        ]
    )
    inputs = artifact_fingerprints(samples_sources(spec, layout))
    with figure_style():
        figure = draw_samples(blocks)
        save_figure(
            figure, options.output_prefix, drawn, make_provenance("plot-samples", spec.as_dict(), inputs)
        )
