"""The published run: its tables and verdicts are what its committed values give."""

from pathlib import Path

import pandas as pd
import pytest

from inference_gaps.replication.analysis.claims import build_claims
from inference_gaps.replication.analysis.published import read_published
from inference_gaps.replication.analysis.selfcheck import require_passed
from inference_gaps.replication.analysis.table import build_table
from inference_gaps.replication.artifacts.files import Provenance, read_values, write_values
from inference_gaps.replication.artifacts.layout import Layout
from inference_gaps.replication.config.loading import load_configuration
from inference_gaps.replication.specs.claims import ClaimsSpec
from inference_gaps.replication.specs.tables import TableSpec

TOP = Path(__file__).parents[2]
LAYOUT = Layout("laptop", TOP)
EXPERIMENTS = load_configuration(TOP, {"preset": LAYOUT.preset}).chosen_experiments


def _as_read(table: pd.DataFrame, made_by: Provenance, folder: Path) -> pd.DataFrame:
    write_values(folder / "again.csv", table, made_by)
    return read_values(folder / "again.csv")[0]


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_a_table_is_that_of_its_values(experiment: str, tmp_path: Path) -> None:
    shown, made_by = read_values(LAYOUT.table(experiment, "csv"))
    again = build_table(TableSpec.model_validate(made_by["spec"]), LAYOUT)
    pd.testing.assert_frame_equal(_as_read(again, made_by, tmp_path), shown, rtol=1e-9)


def test_verdicts_are_those_of_the_values(tmp_path: Path) -> None:
    shown, made_by = read_values(LAYOUT.claims("csv"))
    spec = ClaimsSpec.model_validate(made_by["spec"])
    again = build_claims(spec, LAYOUT, read_published(TOP / "paper" / "published.csv"))
    pd.testing.assert_frame_equal(_as_read(again, made_by, tmp_path), shown, rtol=1e-9)


def test_the_estimators_of_the_run_had_hit_the_known_answers() -> None:
    require_passed(LAYOUT.selfcheck("csv"))
