"""The paper's layout of a table: bounds and gaps down, data sets and training families across."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from inference_gaps.analysis.published import STATUS_WORDS, published_columns
from inference_gaps.analysis.table import INCLUDES_ZERO, NEGATIVE, POSITIVE, WITHIN_BDMC
from inference_gaps.posteriors.registry import FAMILIES, label_of
from inference_gaps.specs.table import TableSpec

__all__ = [
    "ESTIMATOR_WORDS",
    "MARK_SIGNS",
    "Column",
    "PaperTable",
    "Section",
    "paper_table",
    "signed",
    "summary_lines",
]

MARK_SIGNS = {POSITIVE: "", INCLUDES_ZERO: "†", NEGATIVE: "‡", WITHIN_BDMC: "§"}

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
_SPLIT_WORDS = {"train": "training", "validation": "validation", "test": "test"}
ESTIMATOR_WORDS = {
    "iwae_amortized": "IWAE, q",
    **{f"iwae_local_{entry.key}": f"IWAE, q* {entry.label}" for entry in FAMILIES.values()},
    "ais_prior": "AIS, prior",
    "ais_local_ffg": "AIS, q* FFG",
    "elbo_amortized": "ELBO, q",
    **{f"elbo_local_{entry.key}": f"ELBO, q* {entry.label}" for entry in FAMILIES.values()},
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
    """A table as text; marked up by :mod:`inference_gaps.analysis.markup`."""

    title: str
    columns: Sequence[Column]
    sections: Sequence[Section]
    notes: Sequence[str]


def signed(value: float, decimals: int = 2) -> str:
    """Format a number with a minus sign instead of a hyphen."""
    return f"{value:.{decimals}f}".replace("-", "−")


def summary_lines(table: pd.DataFrame) -> pd.DataFrame:
    """Keep, of each model and split, the average over seeds, or its only seed."""
    most = table.groupby(["model", "split"])["n_seeds"].transform("max")
    return table[table["n_seeds"] == most]


def _at_least_a_hundredth(error: float) -> str:
    return f"{error:.2f}" if error >= 0.005 else "<0.01"


def _cell(quantity: str, line: pd.Series) -> str:
    text = signed(line["value"])
    if "_gap" in quantity or quantity.startswith("bdmc_"):
        text += f" ± {(line['ci_high'] - line['ci_low']) / 2:.2f}{MARK_SIGNS.get(line['mark'], '')}"
    else:
        text += f" ({_at_least_a_hundredth(line['mc_standard_error'])})"
    if pd.notna(line["sd_between_seeds"]):
        text += f" [{line['sd_between_seeds']:.2f}]"
    return text


def _our_cells(lines: pd.DataFrame) -> dict[str, str]:
    cells = {str(line["quantity"]): _cell(line["quantity"], line) for _, line in lines.iterrows()}
    best = lines.loc[lines["quantity"] == "log_p_best", "estimator"].iloc[0]
    cells["log_p_estimator"] = ESTIMATOR_WORDS.get(best, best)
    return cells


def _published_cells(lines: pd.DataFrame) -> dict[str, str]:
    cells = {str(quantity): signed(value) for quantity, value in lines["value"].items()}
    return cells | {ours: cells[theirs] for ours, theirs in _ALSO_PUBLISHED.items() if theirs in cells}


def _and(items: Sequence[str]) -> str:
    return ", ".join(items[:-1]) + " and " + items[-1] if len(items) > 1 else items[0]


def _images(points: Sequence[int]) -> str:
    return ("images " if len(points) > 1 else "image ") + _and([str(point) for point in points])


def _status_notes(shown: dict[str, pd.DataFrame]) -> list[str]:
    notes = []
    for status, words in STATUS_WORDS.items():
        columns = [name for name, lines in shown.items() if (lines["status"] == status).any()]
        if columns:
            notes.append(f"Published values of {_and(columns)}: {words}.")
    return notes


def _reading_notes(lines: pd.DataFrame) -> list[str]:
    points = " to ".join(str(count) for count in sorted({lines["n_points"].min(), lines["n_points"].max()}))
    splits = _and([_SPLIT_WORDS[split] for split in dict.fromkeys(lines["split"])])
    bias = lines["selection_bias_bound"].max()
    notes = [
        f"Nats; means over {points} {splits} images. In parentheses the Monte-Carlo standard error of a "
        f"mean; after ± the half-width of the 95 % interval of a gap between images (Student's t, paired).",
    ]
    if pd.notna(bias) and bias >= 0.005:
        notes.append(
            f"log p(x), chosen among several estimates, is biased upwards by at most {bias:.2f} nats."
        )
    if lines["sd_between_seeds"].notna().any():
        seeds = int(lines["n_seeds"].max())
        notes.append(
            f"In brackets the standard deviation between {seeds} training seeds, which are averaged."
        )
    if (lines["mark"] == INCLUDES_ZERO).any():
        notes.append(f"{MARK_SIGNS[INCLUDES_ZERO]} The interval includes zero.")
    if (lines["mark"] == NEGATIVE).any():
        notes.append(
            f"{MARK_SIGNS[NEGATIVE]} Negative beyond its interval: a bound is too loose for this gap."
        )
    if (lines["mark"] == WITHIN_BDMC).any():
        notes.append(
            f"{MARK_SIGNS[WITHIN_BDMC]} Smaller than the distance between forward and reverse AIS on simulated "
            f"data: AIS is not accurate enough for this gap."
        )
    notes += [
        f"{model}: {count} proposals of AIS chains diverged and were rejected."
        for model, count in lines.drop_duplicates(["model", "split", "estimator"])
        .groupby("model", sort=False)["n_diverged"]
        .sum()
        .items()
        if count
    ]
    notes += [
        f"{line['model']}: L[q* {entry.label}] is below L[q* FFG] beyond four standard errors at "
        f"{_images(json.loads(line['points_below']))}."
        for entry in FAMILIES.values()
        for _, line in lines[lines["quantity"] == f"gain_{entry.key}"].iterrows()
        if line["points_below"] != "[]"
    ]
    excluded = lines[lines["n_excluded"] > 0].groupby("model")["n_excluded"].first()
    for model, count in excluded.items():
        notes.append(f"{model}: {count} images left out of all estimators, one of which is not finite there.")
    return notes


def paper_table(spec: TableSpec, table: pd.DataFrame, published: pd.DataFrame) -> PaperTable:
    """Lay out the tidy ``table`` of ``spec``, with the published values in columns of their own.

    Args:
        spec: what the table was made from.
        table: as :func:`~inference_gaps.analysis.table.build_table` returns it.
        published: as :func:`~inference_gaps.analysis.published.read_published` returns it.
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
                heading = f"{model['model']}, {model['split']}"
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
    notes = [*_reading_notes(lines), *_status_notes(shown)]
    notes += list(
        dict.fromkeys(f"{row.dataset_title}: {row.dataset_note}" for row in spec.rows if row.dataset_note)
    )
    return PaperTable(spec.title, columns, sections, notes)
