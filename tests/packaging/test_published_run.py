"""The published runs: they are what configuration and code make, their tables what their committed values give."""

from pathlib import Path

import pandas as pd
import pytest

from inference_gaps.replication.analysis.claims import build_claims
from inference_gaps.replication.analysis.published import read_published
from inference_gaps.replication.analysis.selfcheck import require_passed
from inference_gaps.replication.analysis.table import build_table
from inference_gaps.replication.artifacts.files import Provenance, read_values, write_values
from inference_gaps.replication.artifacts.layout import Layout
from inference_gaps.replication.cli import main
from inference_gaps.replication.config.loading import load_configuration
from inference_gaps.replication.specs.claims import ClaimsSpec
from inference_gaps.replication.specs.tables import TableSpec

TOP = Path(__file__).parents[2]
LAYOUTS = {preset: Layout(preset, TOP) for preset in ("laptop", "weekend")}
EXPERIMENTS = [
    (layout, experiment)
    for preset, layout in LAYOUTS.items()
    for experiment in load_configuration(TOP, {"preset": preset}).chosen_experiments
]
of_each_run = pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)


def _as_read(table: pd.DataFrame, made_by: Provenance, folder: Path) -> pd.DataFrame:
    write_values(folder / "again.csv", table, made_by)
    return read_values(folder / "again.csv")[0]


@pytest.mark.parametrize(("layout", "experiment"), EXPERIMENTS)
def test_a_table_is_that_of_its_values(layout: Layout, experiment: str, tmp_path: Path) -> None:
    shown, made_by = read_values(layout.table(experiment, "csv"))
    again = build_table(TableSpec.model_validate(made_by["spec"]), layout)
    pd.testing.assert_frame_equal(_as_read(again, made_by, tmp_path), shown, rtol=1e-9)


@of_each_run
def test_verdicts_are_those_of_the_values(layout: Layout, tmp_path: Path) -> None:
    shown, made_by = read_values(layout.claims("csv"))
    spec = ClaimsSpec.model_validate(made_by["spec"])
    again = build_claims(spec, layout, read_published(TOP / "paper" / "published.csv"))
    pd.testing.assert_frame_equal(_as_read(again, made_by, tmp_path), shown, rtol=1e-9)


@of_each_run
def test_the_estimators_of_the_run_had_hit_the_known_answers(layout: Layout) -> None:
    require_passed(layout.selfcheck("csv"))


@of_each_run
def test_all_of_it_is_what_configuration_and_code_make(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Versions of packages aside, which may be others than those of the lock."""
    monkeypatch.chdir(TOP)
    main(["check", "--preset", layout.preset])
    found = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("fresh") for line in found) > 100
    stale = [line for line in found if line.startswith(("stale", "unreadable")) and ", here is " not in line]
    assert stale == [], (
        f"run 'make PRESET={layout.preset}'; if no number has changed, inference-gaps requalify"
    )
