"""The paper's layout of a table: a block for each data set, bounds and gaps down, models and sources across."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from inference_gaps.replication.analysis.published import STATUS_WORDS, least_sure, published_columns
from inference_gaps.replication.analysis.reproductions import reproduced, reproduction_notes
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

__all__ = ["OURS", "PAPER", "Block", "Column", "PaperTable", "Section", "paper_table"]

PAPER, OTHERS, OURS = "paper", "other reproduction", "our run"

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
    """One column: the model, whose values they are, and that in words."""

    model: str
    source: str
    heading: str


@dataclass(frozen=True)
class Section:
    """Rows under one heading; ``rows`` pairs the name of a quantity with one text per column."""

    title: str
    rows: Sequence[tuple[str, Sequence[str]]]


@dataclass(frozen=True)
class Block:
    """The models of one data set."""

    title: str
    columns: Sequence[Column]
    sections: Sequence[Section]


@dataclass(frozen=True)
class PaperTable:
    """A table as text; marked up by :mod:`inference_gaps.replication.analysis.markup`."""

    title: str
    blocks: Sequence[Block]
    notes: Sequence[str]


def _our_cells(lines: pd.DataFrame) -> dict[str, str]:
    cells = {str(line["quantity"]): cell(line["quantity"], line) for _, line in lines.iterrows()}
    best = lines.loc[lines["quantity"] == "log_p_best", "estimator"].iloc[0]
    cells["log_p_estimator"] = ESTIMATOR_WORDS.get(best, best)
    return cells


def _printed_cells(values: pd.Series) -> dict[str, str]:
    return {str(quantity): signed(value) for quantity, value in values.items()}


def _published_cells(values: pd.Series) -> dict[str, str]:
    cells = _printed_cells(values)
    return cells | {ours: cells[theirs] for ours, theirs in _ALSO_PUBLISHED.items() if theirs in cells}


def _status_notes(shown: dict[str, pd.DataFrame]) -> list[str]:
    notes = []
    for status, words in STATUS_WORDS.items():
        columns = [name for name, lines in shown.items() if (lines["status"] == status).any()]
        if columns:
            notes.append(f"Values of the paper for {enumerated(columns)}: {words}.")
    return notes


def _block(title: str, columns: Sequence[Column], cells: Sequence[dict[str, str]]) -> Block:
    sections = []
    for heading, names in _SECTIONS.items():
        rows = [(name, [column.get(name, "") for column in cells]) for name in names]
        sections.append(Section(heading, [row for row in rows if any(row[1])]))
    return Block(title, columns, [section for section in sections if section.rows])


def paper_table(
    spec: TableSpec, table: pd.DataFrame, published: pd.DataFrame, reproductions: pd.DataFrame
) -> PaperTable:
    """Lay out the tidy ``table`` of ``spec``; the paper's values and those of others have columns of their own.

    Args:
        spec: what the table was made from.
        table: as :func:`~inference_gaps.replication.analysis.table.build_table` returns it.
        published: as :func:`~inference_gaps.replication.analysis.published.read_published` returns it.
        reproductions: as :func:`~inference_gaps.replication.analysis.reproductions.read_reproductions` returns it.
    """
    lines = summary_lines(table)
    theirs = published_columns(published, spec.published)
    printed_as = {row.model: row.reproduced_as for row in spec.rows if row.reproduced_as}
    models = lines.drop_duplicates(["model", "split"])
    families = models.groupby(["dataset", "trained_with"])["model"].transform("size")
    blocks = []
    shown: dict[str, pd.DataFrame] = {}
    # One data set after the other, whatever the order of the specification.
    for _, of_dataset in models.assign(families=families).groupby("dataset", sort=False):
        columns: list[Column] = []
        cells: list[dict[str, str]] = []
        for _, model in of_dataset.iterrows():
            ours = lines[(lines["model"] == model["model"]) & (lines["split"] == model["split"])]
            name = label_of(model["trained_with"])
            if model["families"] > 1:
                name = f"{model['label']}, {model['split']}"
            key = (model["dataset"], model["trained_with"])
            if key in theirs:
                columns.append(Column(name, PAPER, f"{PAPER} ({least_sure(theirs[key]['status'])})"))
                cells.append(_published_cells(theirs[key]["value"]))
                shown[f"{theirs[key]['dataset'].iloc[0]} {label_of(key[1])}"] = theirs[key]
            if model["model"] in printed_as:
                columns.append(Column(name, OTHERS, OTHERS))
                cells.append(_printed_cells(reproduced(reproductions, printed_as[model["model"]])))
            columns.append(Column(name, OURS, OURS))
            cells.append(_our_cells(ours))
        blocks.append(_block(str(of_dataset["dataset_title"].iloc[0]), columns, cells))
    texts = (
        text for block in blocks for section in block.sections for _, row in section.rows for text in row
    )
    notes = [*reading_notes(lines, texts), *_status_notes(shown)]
    notes += [*reproduction_notes(reproductions, printed_as.values()), *data_notes(spec.rows)]
    return PaperTable(spec.title, blocks, notes)
