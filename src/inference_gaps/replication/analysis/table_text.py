"""How tables put bounds and gaps into words: one cell, the notes below."""

import json
from collections.abc import Iterable, Sequence

import pandas as pd

from inference_gaps.replication.analysis.table import (
    INCLUDES_ZERO,
    NEGATIVE,
    POSITIVE,
    WITHIN_BDMC,
    at_images,
)
from inference_gaps.replication.specs.tables import TableRowSpec
from inference_gaps.specs.families import FAMILIES

__all__ = [
    "ESTIMATOR_WORDS",
    "LOOSE",
    "MARK_SIGNS",
    "SPLIT_WORDS",
    "cell",
    "data_notes",
    "enumerated",
    "estimate",
    "reading_notes",
    "signed",
    "summary_lines",
]

MARK_SIGNS = {POSITIVE: "", INCLUDES_ZERO: "†", NEGATIVE: "‡", WITHIN_BDMC: "§"}

LOOSE = "≥"
"""Before a lower bound whose distance to log p(x) is not known, and before gaps that rest on it."""

SPLIT_WORDS = {"train": "training", "validation": "validation", "test": "test"}
ESTIMATOR_WORDS = {
    "iwae_amortized": "IWAE, q",
    **{f"iwae_local_{entry.key}": f"IWAE, q* {entry.label}" for entry in FAMILIES.values()},
    "ais_prior": "AIS, prior",
    "ais_local_ffg": "AIS, q* FFG",
    "elbo_amortized": "ELBO, q",
    **{f"elbo_local_{entry.key}": f"ELBO, q* {entry.label}" for entry in FAMILIES.values()},
}


def signed(value: float, decimals: int = 2) -> str:
    """Format a number with a minus sign instead of a hyphen."""
    return f"{value:.{decimals}f}".replace("-", "−")


def estimate(mean: float, low: float, high: float, decimals: int = 2) -> str:
    """Format a number with its interval behind it, such as ``1.20 [0.90, 1.50]``."""
    return f"{signed(mean, decimals)} [{signed(low, decimals)}, {signed(high, decimals)}]"


def summary_lines(table: pd.DataFrame) -> pd.DataFrame:
    """Keep, of each model, split and epoch, the average over seeds, or its only seed."""
    most = table.groupby(["model", "split", "epoch"], dropna=False)["n_seeds"].transform("max")
    return table[table["n_seeds"] == most]


def _error(error: float) -> str:
    return f"{error:.2f}" if error >= 0.005 else "<0.01"


def cell(quantity: str, line: pd.Series) -> str:
    """Return a value with what belongs to it: of a gap its interval and mark, of a bound its Monte-Carlo error.

    A loose bound has neither.
    """
    text = signed(line["value"])
    if line["loose"]:
        text = f"{LOOSE} {text}{MARK_SIGNS.get(line['mark'], '')}"
    elif "_gap" in quantity or quantity.startswith("bdmc_"):
        text += f" ± {(line['ci_high'] - line['ci_low']) / 2:.2f}{MARK_SIGNS.get(line['mark'], '')}"
    else:
        text += f" ({_error(line['mc_standard_error'])})"
    if pd.notna(line["sd_between_seeds"]):
        text += f" [{line['sd_between_seeds']:.2f}]"
    return text


def enumerated(items: Sequence[str]) -> str:
    """Join words with commas and the word and."""
    return ", ".join(items[:-1]) + " and " + items[-1] if len(items) > 1 else items[0]


def _images(points: Sequence[int]) -> str:
    return ("images " if len(points) > 1 else "image ") + enumerated([str(point) for point in points])


def _unpaired(lines: pd.DataFrame) -> str:
    """Return by how many times the interval of the inference gap would be wider without pairs, or ""."""
    half = (lines["ci_high"] - lines["ci_low"]) / 2
    widths = lines.assign(half=half).pivot_table(
        index=["model", "split", "epoch"], columns="quantity", values="half", dropna=False, observed=True
    )
    needed = ("log_p_best", "elbo_amortized", "inference_gap")
    if not set(needed) <= set(widths):
        return ""
    log_p, elbo, gap = (widths[name].dropna() for name in needed)
    times = ((log_p**2 + elbo**2) ** 0.5 / gap).dropna()
    if times.empty:
        return ""
    # Two digits, as a person writes them: 130, not 1.3e+02.
    low, high = (f"{float(f'{end:.2g}'):g}" for end in (times.min(), times.max()))
    return low if low == high else f"{low} to {high}"


def reading_notes(lines: pd.DataFrame, cells: Iterable[str]) -> list[str]:
    """Return the notes below a table: how to read its numbers, and what went wrong.

    Args:
        lines: of all quantities, whether the table shows them or not.
        cells: the texts that it shows; a sign that none of them has needs no note.
    """
    printed = "".join(cells)
    sizes = at_images(lines)["n_points"]
    points = " to ".join(str(count) for count in sorted({sizes.min(), sizes.max()}))
    splits = enumerated([SPLIT_WORDS[split] for split in dict.fromkeys(lines["split"])])
    bias = lines["selection_bias_bound"].max()
    notes = [
        f"Nats; means over {points} {splits} images. In parentheses: Monte-Carlo standard error of the mean. "
        f"After ±: half of the 95 % interval of a gap between images (Student's t, paired).",
    ]
    if pd.notna(bias) and bias >= 0.005:
        notes.append(
            f"log p(x) is biased upwards by at most {bias:.2f} nats, because it is chosen among several estimates."
        )
    wider = _unpaired(lines)
    if wider:
        notes.append(
            f"If log p(x) and L[q] were evaluated at different images, the interval of the inference gap would be "
            f"{wider} times as wide."
        )
    if "[" in printed:
        seeds = int(lines["n_seeds"].max())
        notes.append(f"In brackets: standard deviation between {seeds} training seeds, which are averaged.")
    if MARK_SIGNS[INCLUDES_ZERO] in printed:
        notes.append(f"{MARK_SIGNS[INCLUDES_ZERO]} The interval includes zero.")
    if MARK_SIGNS[NEGATIVE] in printed:
        notes.append(f"{MARK_SIGNS[NEGATIVE]} The interval is negative: a bound is too loose for this gap.")
    if MARK_SIGNS[WITHIN_BDMC] in printed:
        notes.append(
            f"{MARK_SIGNS[WITHIN_BDMC]} Smaller than the BDMC gap (reverse minus forward AIS on simulated data): "
            f"AIS is not accurate enough for this gap."
        )
    if LOOSE in printed:
        notes.append(
            f"{LOOSE} A loose lower bound: too few importance weights count for an error to be known. log p(x), "
            f"and gaps that rest on it, may be far larger."
        )
    # The lines of the chains themselves, not of the gaps that rest on them.
    chains = lines[lines["quantity"].str.startswith(("ais_", "bdmc_"))]
    # Simulated points are those of the model, whatever the split beside them.
    simulated = chains["quantity"].str.startswith("bdmc_")
    again = chains.duplicated(["model", "epoch", "quantity"])
    chains = chains[~(simulated & again)]
    stuck = chains.groupby("model", sort=False)["n_stuck"].sum()
    if stuck.any():
        counts = ", ".join(f"{model} {count}" for model, count in stuck.items() if count)
        notes.append(
            f"Points where chains of AIS or BDMC hardly move, so that their bounds may be loose: {counts}."
        )
    notes += [
        f"{line['model']}: L[q* {entry.label}] is below L[q* FFG] by more than four standard errors at "
        f"{_images(json.loads(line['points_below']))}."
        for entry in FAMILIES.values()
        for _, line in lines[lines["quantity"] == f"gain_{entry.key}"].iterrows()
        if line["points_below"] != "[]"
    ]
    of_images = at_images(lines)
    for left_out, of in (
        ("Images left out of all estimators, because one of them is not finite there", of_images),
        ("Simulated images left out of BDMC, because it is not finite there", lines.drop(of_images.index)),
    ):
        counts = ", ".join(f"{model} {count}" for model, count in _excluded(of))
        notes += [f"{left_out}: {counts}."] if counts else []
    return notes


def _excluded(lines: pd.DataFrame) -> Iterable[tuple[str, int]]:
    """Return models of which points were left out, and the most that were."""
    most = lines.groupby("model")["n_excluded"].max()
    return [(str(model), int(count)) for model, count in most.items() if count]


def data_notes(rows: Sequence[TableRowSpec]) -> list[str]:
    """Say of each data set that is not the paper's what it is."""
    return list(dict.fromkeys(f"{row.dataset_title}: {row.dataset_note}" for row in rows if row.dataset_note))
