"""Draw training curves.

Reads the metrics of each model of the specification under --results (results/PRESET). Writes PREFIX.pdf,
PREFIX.png and PREFIX.csv, the numbers drawn.
"""

import argparse

from inference_gaps.replication.analysis.sources import layout_of, provenances, training_sources
from inference_gaps.replication.analysis.values import read_metrics
from inference_gaps.replication.artifacts.fingerprints import make_provenance
from inference_gaps.replication.figures.style import figure_style, save_figure
from inference_gaps.replication.figures.training import draw_training, training_curves
from inference_gaps.replication.specs.documents import TrainingFigureSpec

__all__ = ["run"]


def run(options: argparse.Namespace) -> None:
    """Draw the figure."""
    spec = TrainingFigureSpec.from_argument(options.spec)
    layout = layout_of(options.results)
    inputs = provenances(training_sources(spec, layout))
    provenance = make_provenance("plot-training", spec.as_dict(), inputs, options.fingerprint)
    metrics = [read_metrics(layout.metrics(model.model, model.seed)) for model in spec.models]
    curves = training_curves(spec.models, metrics)
    with figure_style():
        save_figure(draw_training(curves), options.output_prefix, curves, provenance)
