"""Claims on synthetic studies whose gaps are known: how tests write and judge them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inference_gaps.replication.analysis.claims import build_claims
from inference_gaps.replication.analysis.published import read_published
from inference_gaps.replication.artifacts.layout import Layout
from inference_gaps.replication.specs.claims import ClaimsSpec
from inference_gaps.replication.specs.tables import TableRowSpec
from inference_gaps.specs.bounds import Split
from tests.synthetic_study import BELOW, PUBLISHED, TITLES, write_values_of

Distances = Mapping[str, float | NDArray[np.float64]]

AMORTIZATION = {"quantity": "amortization_gap", "model": "mnist-af"}
BLAME = [AMORTIZATION, {"quantity": "approximation_gap", "model": "mnist-af", "times": -1.0}]


def row(
    model: str, seed: int = 0, dataset: str = "mnist", epoch: int | None = None, split: Split = "train"
) -> TableRowSpec:
    return TableRowSpec(
        model=model,
        seed=seed,
        epoch=epoch,
        split=split,
        dataset=dataset,
        dataset_title=TITLES[dataset],
        binarisation="grey256",
        trained_with="ffg" if "ffg" in model else "af",
    )


def statistic(terms: Sequence[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    """Return a statistic on MNIST; terms are of Table 2 and of training points."""
    filled = [{"experiment": "table2", "split": "train", "published": 2, **term} for term in terms]
    made = {
        "name": "a statistic",
        "dataset": "mnist",
        "comparison": "positive",
        "threshold": 0.1,
        "judged": True,
        "terms": filled,
    }
    return made | changes


def claims(statistics: Sequence[dict[str, Any]], rows: Sequence[TableRowSpec], **changes: Any) -> ClaimsSpec:
    """Return one claim of some statistics."""
    claim = {
        "id": "C1",
        "title": "A claim",
        "claim": "Something holds.",
        "where": "Table 2",
        "why": "A tenth.",
        "combine": changes.pop("combine", "all"),
        "former": changes.pop("former", None),
        "statistics": list(statistics),
    }
    made = {
        "preset": "quick",
        "level": 0.95,
        "factor": 2.0,
        "seeds_agree": 1.0,
        "datasets": [{"name": name, "title": title} for name, title in TITLES.items()],
        "claims": [claim],
        "rows": {"table2": [each.model_dump() for each in rows]},
    }
    return ClaimsSpec.model_validate(made | changes)


def write(top: Path, *models: tuple[TableRowSpec, Distances], residual: float = 0.01) -> Layout:
    """Write the values of each row, with the distances below log p(x) that differ from the usual ones."""
    layout = Layout("quick", top)
    for index, (each, below) in enumerate(models):
        write_values_of(layout, each, np.random.default_rng(index), BELOW | dict(below), residual)
    return layout


def table(layout: Layout, spec: ClaimsSpec) -> pd.DataFrame:
    return build_claims(spec, layout, read_published(PUBLISHED))


def line(layout: Layout, spec: ClaimsSpec, level: str = "statistic") -> pd.Series:
    """Return the only line of a level."""
    found = table(layout, spec)
    (only,) = (each for _, each in found[found["level"] == level].iterrows())
    return only
