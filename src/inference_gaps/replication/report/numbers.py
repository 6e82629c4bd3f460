"""All that the report shows, as one JSON object of texts."""

import importlib.metadata
from collections.abc import Sequence
from typing import Any

import pandas as pd

from inference_gaps.errors import UserError
from inference_gaps.replication.analysis.claims_layout import deciding, details, effects, overview, summary
from inference_gaps.replication.analysis.model_table import ModelTable, model_table
from inference_gaps.replication.analysis.paper_table import PaperTable, paper_table
from inference_gaps.replication.analysis.procedures import procedure_effects
from inference_gaps.replication.analysis.published import published_columns
from inference_gaps.replication.analysis.selfcheck import read_selfcheck
from inference_gaps.replication.analysis.selfcheck_layout import HEADINGS, selfcheck_cells, selfcheck_summary
from inference_gaps.replication.analysis.table import read_table
from inference_gaps.replication.analysis.verdicts import NOT_RUN
from inference_gaps.replication.artifacts.files import read_values
from inference_gaps.replication.artifacts.layout import Layout, beside_files
from inference_gaps.replication.report.findings import comparability, findings, posteriors_sentences
from inference_gaps.replication.report.records import estimator_records, local_records, model_records
from inference_gaps.replication.report.time_taken import time_records
from inference_gaps.replication.specs.claims import ClaimsSpec
from inference_gaps.replication.specs.documents import ReportSpec
from inference_gaps.replication.specs.tables import TableSpec
from inference_gaps.specs.families import FAMILIES

__all__ = ["collect"]

_SHOWN_PACKAGES = ("inference-gaps", "torch", "numpy", "scipy", "pandas", "matplotlib", "snakemake", "typst")


def _status(published: pd.DataFrame, number: int | None) -> str:
    columns = published_columns(published, number)
    found = {status for lines in columns.values() for status in lines["status"]}
    if not found:
        return ""
    if found == {"verified"}:
        return "The paper's values were compared with the paper."
    return "The paper's values are recalled from memory, unverified; they are of its own data sets."


def _once(records: list[dict[str, str]], keys: Sequence[str]) -> list[dict[str, str]]:
    """Merge records that agree in ``keys``: another table may say more of the same."""
    merged: dict[tuple[str, ...], dict[str, str]] = {}
    for record in records:
        merged.setdefault(tuple(record[key] for key in keys), {}).update(record)
    return list(merged.values())


def _table_section(
    spec: TableSpec, layout: Layout, published: pd.DataFrame, reproductions: pd.DataFrame
) -> dict[str, Any]:
    table, made_by = read_table(layout.table(spec.experiment, "csv"))
    if made_by["spec"] != spec.as_dict():
        raise UserError(
            f"{layout.table(spec.experiment, 'csv')} was made from another specification than the report's; "
            f"run make-table again with the one that the report names."
        )
    section = {
        "experiment": spec.experiment,
        "title": spec.title,
        "about": spec.about,
        "published_status": _status(published, spec.published),
        "findings": findings(spec, table, published),
        "over_epochs": any(row.epoch is not None for row in spec.rows),
    }
    if spec.published is None:
        return section | _by_model(model_table(spec, table, reproductions))
    return section | _as_published(paper_table(spec, table, published, reproductions))


def _all_tables(spec: ReportSpec, layout: Layout) -> pd.DataFrame:
    tables = [read_table(layout.table(table.experiment, "csv"))[0] for table in spec.tables]
    return pd.concat(tables, ignore_index=True)


def _as_published(table: PaperTable) -> dict[str, Any]:
    return {
        "layout": "paper",
        "blocks": [
            {
                "title": block.title,
                "columns": [vars(column) for column in block.columns],
                "sections": [
                    {
                        "title": section.title,
                        "rows": [{"quantity": name, "cells": list(cells)} for name, cells in section.rows],
                    }
                    for section in block.sections
                ],
            }
            for block in table.blocks
        ],
        "notes": list(table.notes),
    }


def _by_model(table: ModelTable) -> dict[str, Any]:
    return {
        "layout": "models",
        "quantities": list(table.quantities),
        "groups": [
            {"title": group.title, "rows": [[name, *cells] for name, cells in group.rows]}
            for group in table.groups
        ],
        "notes": list(table.notes),
    }


def _selfcheck_section(layout: Layout) -> dict[str, Any]:
    table = read_selfcheck(layout.selfcheck("csv"))
    return {"headings": HEADINGS, "rows": selfcheck_cells(table), "summary": selfcheck_summary(table)}


def _beside(spec: ReportSpec, layout: Layout) -> dict[str, dict[str, Any]]:
    """Return what another preset's run has of each claim, by its number; nothing without such a preset."""
    found: dict[str, dict[str, Any]] = {}
    for path in beside_files(spec.beside, layout).values():
        table, made_by = read_values(path)
        of = ClaimsSpec.model_validate(made_by["spec"])
        found = {claim["id"]: claim | {"preset": spec.beside} for claim in details(of, table)}
    return found


def _claims_section(
    spec: ClaimsSpec, table: pd.DataFrame, experiments: Sequence[str], beside: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    # What was run here stands for itself.
    absent = {claim["id"] for claim in overview(spec, table) if claim["verdict"] == NOT_RUN}
    return {
        "beside": {number: claim for number, claim in beside.items() if number in absent},
        "deciding": {name: deciding(spec, table, name) for name in experiments},
        "caveat": spec.caveat,
        "summary": summary(table),
        "datasets": [dataset.title for dataset in spec.datasets],
        "overview": overview(spec, table),
        "details": details(spec, table),
        "level": f"{spec.level * 100:g}",
        "factor": f"{spec.factor:g}",
        "seeds_agree": f"{spec.seeds_agree:.0%}",
    }


def collect(
    spec: ReportSpec,
    layout: Layout,
    published: pd.DataFrame,
    reproductions: pd.DataFrame,
    deviations: Sequence[dict[str, str]],
) -> dict[str, Any]:
    """Return what the report shows: every number as text, from results, the values of others and the deviations.

    Raises:
        UserError: a file is missing, damaged, or not of this report.
    """
    # Two tables may show the same model; what was done with it is said once.
    rows = list({row.as_json(): row for table in spec.tables for row in table.rows}.values())
    numbers = {
        "preset": spec.preset,
        "description": spec.description,
        "tables": [_table_section(table, layout, published, reproductions) for table in spec.tables],
        "comparability": comparability(spec.tables, _all_tables(spec, layout), layout)
        if rows
        else {"comparable": False, "reasons": []},
        "models": model_records(rows, layout),
        "time_taken": time_records(rows, layout),
        "local": _once(local_records(rows, layout), ("model", "family")),
        "estimators": _once(estimator_records(rows, layout), ("model",)),
        "families": [
            {"name": entry.name, "key": entry.key, "label": entry.label, "words": entry.words}
            for entry in FAMILIES.values()
            if any(entry.name == row.trained_with or entry.name in row.local for row in rows)
        ],
        # The paper has values of families that no model here may have.
        "family_labels": {entry.key: entry.label for entry in FAMILIES.values()},
        "figures": list(spec.figures),
        "deviations": list(deviations),
        "versions": {name: importlib.metadata.version(name).split("+")[0] for name in _SHOWN_PACKAGES},
    }
    measured = procedure_effects(spec.procedures, layout)
    numbers |= {"posteriors": posteriors_sentences(layout)} if "posteriors" in spec.figures else {}
    numbers |= {"selfcheck": _selfcheck_section(layout)} if spec.selfcheck else {}
    if spec.claims:
        table, made_by = read_values(layout.claims("csv"))
        names = [table.experiment for table in spec.tables]
        numbers["claims"] = _claims_section(
            ClaimsSpec.model_validate(made_by["spec"]), table, names, _beside(spec, layout)
        )
        measured |= effects(table)
    return numbers | {"effects": measured}
