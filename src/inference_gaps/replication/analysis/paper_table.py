"""The paper's layout of a table: bounds and gaps down, data sets and training families across."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from inference_gaps.replication.analysis.published import STATUS_WORDS, published_columns
from inference_gaps.replication.analysis.table_text import (
    ESTIMATOR_WORDS,
    cell,
    data_notes,
    enumerated,
    reading_notes,
    signed,
    summary_lines,
)
from inference_gaps.replication.specs.tables import TableSpec
from inference_gaps.specs.families import FAMILIES, label_of

__all__ = ["Column", "PaperTable", "Section", "paper_table"]

_KEYS = [entry.key for entry in FAMILIES.values()]
_SECTIONS = {
    "log p(x) from the tightest bound": (
        *("log_p_best", "log_p_estimator"),
        *(f"elbo_local_{key}" for key in reversed(_KEYS)),
        "elbo_amortized",
        *("approximation_gap", "amortization_gap", "inference_gap"),
    ),
    "log p(x) by the paper's rule": ("log_p_paper", "approximation_gap_paper", "inference_gap_paper"),
    "Estimators of log p(x)": (
        *("iwae_amortized", *(f"iwae_local_{key}" for key in _KEYS), "ais_prior", "ais_local_ffg"),
    ),
    "Reverse AIS minus forward AIS, simulated data": ("bdmc_prior", "bdmc_local_ffg"),
}
# The paper's log p(x) is by its own rule; it stands beside ours by either.
_ALSO_PUBLISHED = {
    "log_p_paper": "log_p_best",
    "approximation_gap_paper": "approximation_gap",
    "inference_gap_paper": "inference_gap",
}


@dataclass(frozen=True)
class Column:
    """One column: the data set, the family trained with, and whether the values are the paper's."""

    group: str
    heading: str
    published: bool


@dataclass(frozen=True)
class Section:
    """Rows under one heading; ``rows`` pairs the name of a quantity with one text per column."""

    title: str
    rows: Sequence[tuple[str, Sequence[str]]]


@dataclass(frozen=True)
class PaperTable:
    """A table as text; marked up by :mod:`inference_gaps.replication.analysis.markup`."""

    title: str
    columns: Sequence[Column]
    sections: Sequence[Section]
    notes: Sequence[str]


def _our_cells(lines: pd.DataFrame) -> dict[str, str]:
    cells = {str(line["quantity"]): cell(line["quantity"], line) for _, line in lines.iterrows()}
    best = lines.loc[lines["quantity"] == "log_p_best", "estimator"].iloc[0]
    cells["log_p_estimator"] = ESTIMATOR_WORDS.get(best, best)
    return cells


def _published_cells(lines: pd.DataFrame) -> dict[str, str]:
    cells = {str(quantity): signed(value) for quantity, value in lines["value"].items()}
    return cells | {ours: cells[theirs] for ours, theirs in _ALSO_PUBLISHED.items() if theirs in cells}


def _status_notes(shown: dict[str, pd.DataFrame]) -> list[str]:
    notes = []
    for status, words in STATUS_WORDS.items():
        columns = [name for name, lines in shown.items() if (lines["status"] == status).any()]
        if columns:
            notes.append(f"Values of the paper for {enumerated(columns)}: {words}.")
    return notes


def paper_table(spec: TableSpec, table: pd.DataFrame, published: pd.DataFrame) -> PaperTable:
    """Lay out the tidy ``table`` of ``spec``, with the published values in columns of their own.

    Args:
        spec: what the table was made from.
        table: as :func:`~inference_gaps.replication.analysis.table.build_table` returns it.
        published: as :func:`~inference_gaps.replication.analysis.published.read_published` returns it.
    """
    lines = summary_lines(table)
    theirs = published_columns(published, spec.published)
    models = lines.drop_duplicates(["model", "split"])
    families = models.groupby(["dataset", "trained_with"])["model"].transform("size")
    columns: list[Column] = []
    cells: list[dict[str, str]] = []
    shown: dict[str, pd.DataFrame] = {}
    # One data set after the other, whatever the order of the specification.
    order = models.assign(families=families).groupby("dataset", sort=False)
    for _, of_dataset in order:
        for _, model in of_dataset.iterrows():
            ours = lines[(lines["model"] == model["model"]) & (lines["split"] == model["split"])]
            heading = label_of(model["trained_with"])
            if model["families"] > 1:
                heading = f"{model['label']}, {model['split']}"
            columns.append(Column(model["dataset_title"], heading, published=False))
            cells.append(_our_cells(ours))
            key = (model["dataset"], model["trained_with"])
            if key in theirs:
                columns.append(Column(model["dataset_title"], heading, published=True))
                cells.append(_published_cells(theirs[key]))
                shown[f"{theirs[key]['dataset'].iloc[0]} {label_of(key[1])}"] = theirs[key]
    sections = []
    for title, names in _SECTIONS.items():
        rows = [(name, [column.get(name, "") for column in cells]) for name in names]
        sections.append(Section(title, [row for row in rows if any(row[1])]))
    notes = [*reading_notes(lines), *_status_notes(shown), *data_notes(spec.rows)]
    return PaperTable(spec.title, columns, sections, notes)
