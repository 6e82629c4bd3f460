"""What other reproductions of the paper printed, model by model."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from inference_gaps.errors import UserError
from inference_gaps.replication.analysis.published import read_nats
from inference_gaps.specs.families import FAMILIES, family_named

__all__ = ["read_reproductions", "reproduced", "reproduction_notes"]

_COLUMNS = (
    *("repository", "commit", "file", "dataset", "model", "annealing", "encoder_hidden", "decoder_hidden"),
    *("trained_with", "quantity", "value", "unit", "points", "note"),
)
_IWAE = "iwae_100_"


def read_reproductions(path: Path) -> pd.DataFrame:
    """Read ``reproductions.csv``: one printed value a line, in nats.

    Raises:
        UserError: the file is missing, lacks a column, or holds a value that is no number of nats.
    """
    return read_nats(path, _COLUMNS)


def reproduced(frame: pd.DataFrame, model: str) -> pd.Series:
    """Return the bounds and gaps that a reproduction has of ``model``, by quantity, in our names and in nats.

    log p(x) is the tightest IWAE bound that was printed. Gaps that were not printed are differences of printed
    bounds, with L[q*] of the family that the model was trained with.

    Raises:
        UserError: there is no such model.
    """
    lines = frame[frame["model"] == model]
    if lines.empty:
        raise UserError(
            f"No reproduction has a model {model}; correct reproduced_as in config/experiments.yaml, or add its "
            f"values to paper/reproductions.csv."
        )
    printed = {str(name): float(value) for name, value in zip(lines["quantity"], lines["value"], strict=True)}
    found = {name: value for name, value in printed.items() if not name.startswith(_IWAE) and name != "elbo"}
    iwae = [value for name, value in printed.items() if name.startswith(_IWAE)]
    own = f"elbo_local_{FAMILIES[family_named(str(lines['trained_with'].iloc[0]))].key}"
    if iwae:
        found["log_p_best"] = max(iwae)
    if "elbo" in printed:
        found["elbo_amortized"] = printed["elbo"]
    for gap, upper, lower in (
        ("approximation_gap", "log_p_best", own),
        ("amortization_gap", own, "elbo_amortized"),
        ("inference_gap", "log_p_best", "elbo_amortized"),
    ):
        if upper in found and lower in found:
            found.setdefault(gap, found[upper] - found[lower])
    if {"approximation_gap", "amortization_gap"} <= set(found):
        found.setdefault("inference_gap", found["approximation_gap"] + found["amortization_gap"])
    return pd.Series(found, name="value")


def reproduction_notes(frame: pd.DataFrame, models: Iterable[str]) -> list[str]:
    """Say where the values of some models come from, and how they differ from ours; nothing without models."""
    lines = frame[frame["model"].isin(set(models))]
    if lines.empty:
        return []
    sources = [f"{repository} ({commit})" for repository, commit in _unique(lines, "repository", "commit")]
    notes = [f"Other reproductions: values that {' and '.join(sources)} printed, without intervals."]
    if lines["quantity"].str.startswith(_IWAE).any():
        notes[0] += (
            " Their log p(x) is the IWAE bound of q* with 100 samples. Their L[q] is over all training images, "
            "their L[q*] over 1000, so their amortization gap is between different images."
        )
    return notes


def _unique(lines: pd.DataFrame, *columns: str) -> list[tuple[str, ...]]:
    return list(dict.fromkeys(zip(*(lines[column] for column in columns), strict=True)))
