"""A table with one line per model, for experiments that compare many: bounds and gaps across, models down."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from inference_gaps.replication.analysis.reproductions import reproduced, reproduction_notes
from inference_gaps.replication.analysis.table import ACTIVE_UNITS
from inference_gaps.replication.analysis.table_text import (
    SPLIT_WORDS,
    cell,
    data_notes,
    reading_notes,
    signed,
    summary_lines,
)
from inference_gaps.replication.specs.tables import TableSpec
from inference_gaps.specs.families import FAMILIES

__all__ = ["LOCAL", "OTHERS", "ModelGroup", "ModelTable", "model_table"]

LOCAL = "elbo_local"
"""L[q*] of the family that a model was trained with."""

OTHERS = "other reproduction"
"""What the line below that of a model is called, with what another reproduction printed of it."""

_QUANTITIES = (
    "log_p_best",
    LOCAL,
    "elbo_amortized",
    "approximation_gap",
    "amortization_gap",
    "inference_gap",
    ACTIVE_UNITS,
)
_RESTS_ON_OTHERS = (
    "log p(x) is the tightest bound; L[q*] is that of the family that the model was trained with."
)


@dataclass(frozen=True)
class ModelGroup:
    """Lines under one heading; each pairs what a model is called with one text per quantity."""

    title: str
    rows: Sequence[tuple[str, Sequence[str]]]


@dataclass(frozen=True)
class ModelTable:
    """A table as text; ``quantities`` names its columns. Marked up by :mod:`.markup`."""

    title: str
    quantities: Sequence[str]
    groups: Sequence[ModelGroup]
    notes: Sequence[str]


def _cells(lines: pd.DataFrame) -> dict[str, str]:
    found = {str(line["quantity"]): cell(str(line["quantity"]), line) for _, line in lines.iterrows()}
    own = f"{LOCAL}_{FAMILIES[lines['trained_with'].iloc[0]].key}"
    if own in found:
        found[LOCAL] = found[own]
    if ACTIVE_UNITS in found:
        active = lines.loc[lines["quantity"] == ACTIVE_UNITS, "value"].to_numpy(dtype=float)
        found[ACTIVE_UNITS] = f"{active[0]:g}"
    return found


def _printed(values: pd.Series, trained_with: str) -> dict[str, str]:
    found = {str(quantity): signed(value) for quantity, value in values.items()}
    own = f"{LOCAL}_{FAMILIES[trained_with].key}"
    return found | ({LOCAL: found[own]} if own in found else {})


def _when(epoch: int | None) -> str:
    return "end of training" if epoch is None else f"epoch {epoch}"


def model_table(spec: TableSpec, table: pd.DataFrame, reproductions: pd.DataFrame) -> ModelTable:
    """Lay out the tidy ``table`` of ``spec``: a group per data set and split, or per model where epochs differ.

    Args:
        spec: what the table was made from.
        table: as :func:`~inference_gaps.replication.analysis.table.build_table` returns it.
        reproductions: as :func:`~inference_gaps.replication.analysis.reproductions.read_reproductions` returns it.
    """
    printed_as = {row.model: row.reproduced_as for row in spec.rows if row.reproduced_as}
    lines = summary_lines(table)
    # Marks are explained where they occur: gaps by the paper's rule are not in this layout.
    shown = lines[~lines["quantity"].str.endswith("_paper")]
    over_epochs = bool(lines["epoch"].notna().any())
    groups: dict[str, list[tuple[str, dict[str, str]]]] = {}
    several_splits = len(set(lines["split"])) > 1
    for _, ours in lines.groupby(["dataset", "split", "model", "epoch"], sort=False, dropna=False):
        first = ours.iloc[0]
        title = str(first["dataset_title"])
        if over_epochs:
            title += f", {first['label']}"
        if over_epochs or several_splits:
            title += f", {SPLIT_WORDS[first['split']]} images"
        name = (
            _when(None if pd.isna(first["epoch"]) else int(first["epoch"]))
            if over_epochs
            else str(first["label"])
        )
        rows = groups.setdefault(title, [])
        rows.append((name, _cells(ours)))
        if first["model"] in printed_as and pd.isna(first["epoch"]):
            printed = reproduced(reproductions, printed_as[first["model"]])
            rows.append((OTHERS, _printed(printed, first["trained_with"])))
    cells = [found for rows in groups.values() for _, found in rows]
    quantities = [name for name in _QUANTITIES if any(name in found for found in cells)]
    texts = [found.get(name, "") for found in cells for name in quantities]
    return ModelTable(
        spec.title,
        quantities,
        [
            ModelGroup(title, [(name, [found.get(each, "") for each in quantities]) for name, found in rows])
            for title, rows in groups.items()
        ],
        [
            *(_RESTS_ON_OTHERS, *reading_notes(shown, texts)),
            *(*reproduction_notes(reproductions, printed_as.values()), *data_notes(spec.rows)),
        ],
    )
