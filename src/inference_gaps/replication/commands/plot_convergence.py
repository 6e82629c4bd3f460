"""Draw log p(x) minus each estimate, against the cost of the estimate.

Reads, under --results (results/PRESET), the values of evaluate-convergence of every model of the specification, and
its exact log p(x) if it is known. Writes PREFIX.pdf, PREFIX.png and PREFIX.csv, the numbers drawn.
"""

import argparse

import pandas as pd

from inference_gaps.errors import UserError
from inference_gaps.replication.analysis.convergence import reference_values, remaining_gaps
from inference_gaps.replication.analysis.sources import convergence_sources, layout_of, provenances
from inference_gaps.replication.artifacts.checks import values_of
from inference_gaps.replication.artifacts.fingerprints import make_provenance
from inference_gaps.replication.artifacts.layout import Layout
from inference_gaps.replication.figures.convergence import draw_convergence
from inference_gaps.replication.figures.style import figure_style, save_figure
from inference_gaps.specs.figures import ConvergenceFigureSpec, ConvergenceModelSpec

__all__ = ["run"]

_MEASURED = ("size", "passes", "point", "value", "standard_error", "single_chain", "single_chain_error")


def _gaps(shown: ConvergenceModelSpec, layout: Layout) -> pd.DataFrame:
    at = (shown.model, shown.seed, shown.split)
    values, _ = values_of(layout.convergence(*at), "evaluate-convergence", _MEASURED, ("estimator",))
    exact = None
    if shown.exact:
        exact, _ = values_of(layout.exact(*at), "evaluate-exact", ("point", "value"), ("quantity",))
        if not set(values["point"]) <= set(exact.loc[exact["quantity"] == "log_p", "point"]):
            raise UserError(
                f"{layout.exact(*at)} lacks points of {layout.convergence(*at)}; run 'evaluate-exact' again "
                f"with as many."
            )
    gaps = remaining_gaps(values, reference_values(values, exact))
    gaps.insert(0, "model", shown.model)
    gaps.insert(1, "exact", shown.exact)
    return gaps


def run(options: argparse.Namespace) -> None:
    """Draw the figure."""
    spec = ConvergenceFigureSpec.from_argument(options.spec)
    layout = layout_of(options.results)
    inputs = provenances(convergence_sources(spec, layout))
    provenance = make_provenance("plot-convergence", spec.as_dict(), inputs, options.fingerprint)
    gaps = pd.concat([_gaps(shown, layout) for shown in spec.models], ignore_index=True)
    with figure_style():
        figure = draw_convergence(gaps)
        save_figure(figure, options.output_prefix, gaps, provenance)
