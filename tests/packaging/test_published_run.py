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
from inference_gaps.summary.intervals import mean_interval

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


def test_the_gaps_of_weekend_in_the_readme_are_those_of_its_values() -> None:
    layout = Layout("weekend", TOP)

    def values(path: Path) -> pd.Series:
        frame, _ = read_values(path)
        lines = frame[frame["bound"] == "elbo"] if "bound" in frame else frame
        return lines.set_index("point")["value"]

    place = ("mnist-ffg", 0, "train")
    log_p = values(layout.ais(*place, "local-ffg"))
    local, amortized = (values(layout.iwae(*place, name)) for name in ("local-ffg", "amortised"))
    readme = (TOP / "README.md").read_text(encoding="utf-8")
    for name, gap in (
        ("approximation", log_p - local),
        ("amortization", local - amortized),
        ("inference", log_p - amortized),
    ):
        interval = mean_interval(gap.to_numpy(dtype=float))
        assert len(gap) == 200
        assert f"{name} gap {interval.mean:.2f} ± {interval.high - interval.mean:.2f} (paper" in readme
