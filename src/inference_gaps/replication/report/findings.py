"""The sentences of the summary, every number in them taken from the results."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from inference_gaps.errors import counted
from inference_gaps.replication.analysis.published import published_columns
from inference_gaps.replication.analysis.table import INCLUDES_ZERO, NEGATIVE, at_images
from inference_gaps.replication.analysis.table_text import signed, summary_lines
from inference_gaps.replication.artifacts.files import read_provenance, read_values
from inference_gaps.replication.artifacts.layout import Layout
from inference_gaps.replication.specs.tables import TableSpec
from inference_gaps.specs.train import TrainSpec

__all__ = ["comparability", "findings", "posteriors_sentences"]

_PAPER_TITLES = ("MNIST", "Fashion-MNIST", "CIFAR-10")
# So many models are named, more are counted.
_NAMED_MODELS = 4
_PAPER_POINTS = {"mnist": 1000, "fashion-mnist": 1000, "cifar10": 100}


def _range(values: pd.Series) -> str:
    low, high = signed(float(values.min())), signed(float(values.max()))
    return low if low == high else f"{low} to {high}"


def findings(spec: TableSpec, table: pd.DataFrame, published: pd.DataFrame) -> list[str]:
    """Say what the table shows: the size of the gaps, which is larger, and which are not positive."""
    lines = summary_lines(table)
    by_quantity = {str(name): part for name, part in lines.groupby("quantity")}
    gap = by_quantity["inference_gap"]
    models = counted(gap["model"].nunique(), "model")
    of_models = f" of {models}" if len(gap) > 1 else ""
    loose = int(gap["loose"].sum())
    bounded = f", of which loose lower bounds: {loose}" if loose else ""
    sentences = [f"The inference gap{of_models} is {_range(gap['value'])} nats{bounded}."]
    contrast = by_quantity.get("amortization_minus_approximation")
    if contrast is not None:
        larger, smaller = int((contrast["ci_low"] > 0).sum()), int((contrast["ci_high"] < 0).sum())
        unknown = int(contrast["loose"].sum())
        open_ = len(contrast) - larger - smaller - unknown
        # A model may be evaluated at several checkpoints and splits.
        once = len(contrast) == contrast["model"].nunique()
        evaluated = models if once else f"{len(contrast)} evaluations of {models}"
        if len(contrast) == 1:
            of_one = {
                "The amortization gap exceeds the approximation gap.": larger,
                "The amortization gap is smaller than the approximation gap.": smaller,
                "The 95 % interval of the difference of the two gaps includes zero.": open_,
                "log p(x) is bounded too loosely to say which gap is the larger one.": unknown,
            }
            sentences += [sentence for sentence, count in of_one.items() if count]
        else:
            sentences.append(
                f"The amortization gap exceeds the approximation gap in {larger} of {evaluated}, is smaller in "
                f"{smaller}, and the 95 % interval of their difference includes zero in {open_}."
                + (f" In {unknown}, log p(x) is bounded too loosely to say." if unknown else "")
            )
    sentences += _published_sentences(list(published_columns(published, spec.published).values()))
    # Gaps by the paper's rule are shown where the paper's table is.
    shown = lines if spec.published is not None else lines[~lines["quantity"].str.endswith("_paper")]
    marked = shown[shown["mark"].isin([INCLUDES_ZERO, NEGATIVE])]
    unclear = f"The interval of {counted(len(marked), 'gap')} is not positive."
    sentences.append(unclear if len(marked) else "The interval of every gap is positive.")
    return sentences


def _published_sentences(columns: Sequence[pd.DataFrame]) -> list[str]:
    """Say in how many published columns that have both gaps the amortization gap is the larger one."""
    gaps = ["amortization_gap", "approximation_gap"]
    both = [column.loc[gaps] for column in columns if set(gaps) <= set(column.index)]
    if not both:
        return []
    more = sum(each["value"].iloc[0] > each["value"].iloc[1] for each in both)
    verified = all((each["status"] == "verified").all() for each in both)
    known = "" if verified else " (recalled, unverified)"
    return [
        f"In the paper's values{known}, the amortization gap is the larger one in {more} of {len(both)} columns."
    ]


def comparability(tables: Sequence[TableSpec], values: pd.DataFrame, layout: Layout) -> dict[str, Any]:
    """Say in what this run differs from the paper's.

    Args:
        tables: those of the report.
        values: the lines of all of them.
        layout: where the records of the trainings are.

    Returns:
        ``comparable``: whether the models of the paper's own tables have its number of epochs and its data sets.
        ``reasons``: a sentence for each difference.
    """
    rows = [row for table in tables for row in table.rows]
    copies = {row.dataset_title: row.dataset_note for row in rows if row.dataset_title not in _PAPER_TITLES}
    reasons = [f"{title}: {note or 'not the canonical data set'}." for title, note in copies.items()]
    paper = TrainSpec().epochs
    epochs = {
        row.model: read_provenance(layout.metrics(row.model, row.seed))["spec"]["epochs"] for row in rows
    }
    others = [model for model, count in epochs.items() if count != paper]
    if others:
        counts = sorted(epochs[model] for model in others)
        spread = " to ".join(str(count) for count in dict.fromkeys((counts[0], counts[-1])))
        many = len(others) > _NAMED_MODELS
        share = f"{len(others)} of {counted(len(epochs), 'model')}" if many else ", ".join(others)
        reasons.append(f"Trained for {spread} epochs, the paper's for {paper}: {share}.")
    values = at_images(values)
    fewer = [
        f"{part['n_points'].min()} images of {title} instead of {_PAPER_POINTS[str(dataset)]}"
        for dataset, part in values.groupby("dataset", sort=False)
        for title in part["dataset_title"].iloc[:1]
        if part["n_points"].min() < _PAPER_POINTS.get(str(dataset), 0)
    ]
    if fewer:
        reasons.append(f"Gaps are means over {', '.join(fewer)}.")
    printed = [row for table in tables if table.published is not None for row in table.rows]
    alike = [epochs[row.model] == paper and row.dataset_title not in copies for row in printed]
    return {"comparable": bool(alike) and all(alike), "reasons": reasons}


def posteriors_sentences(layout: Layout) -> str:
    """Say what the figure of posteriors over the plane shows."""
    panels, _ = read_values(layout.figure("posteriors", "csv"))
    below = panels.pivot_table(index="point", columns="density", values="below_log_p", sort=False)
    parts = []
    for name in below.columns[1:]:
        values = below[name]
        parts.append(f"{values.min():.2f} to {values.max():.2f} nats for the {name}")
    return (
        f"With two latent dimensions the true posterior can be computed and drawn. The {len(below)} images were "
        f"chosen by their gaps alone. There the bound lies below log p(x) by {', '.join(parts)}."
    )
