"""The self-check says which estimates hit, and stops the tables where one missed."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from inference_gaps.errors import UserError
from inference_gaps.replication.analysis.selfcheck import build_selfcheck, require_passed
from inference_gaps.replication.analysis.selfcheck_layout import (
    HEADINGS,
    selfcheck_cells,
    selfcheck_markdown,
    selfcheck_summary,
    selfcheck_text,
)
from inference_gaps.replication.artifacts.files import read_values, write_values
from inference_gaps.replication.artifacts.layout import Layout
from inference_gaps.replication.cli import main
from inference_gaps.replication.specs.tables import SelfcheckRowSpec, SelfcheckSpec
from tests.synthetic_study import BELOW, POINTS, PUBLISHED, REPRODUCTIONS, table_spec, write_values_of

ESTIMATORS = ["iwae-amortised", "iwae-local-ffg", "iwae-local-af", "ais-prior", "ais-local-ffg"]
# Every estimator of log p(x) hits it; the ELBOs are where the exact ones are, that of the flow below log p(x).
HITS = BELOW | dict.fromkeys(ESTIMATORS, 0.0)
REACHES = ["iwae_amortized", "iwae_local_ffg", "iwae_local_af", "ais_prior", "ais_local_ffg"]


def made_by(command: str) -> dict[str, object]:
    return {"command": command, "fingerprint": "0", "spec": {}}


def _values(layout: Layout, split: str, columns: dict[str, np.ndarray]) -> None:
    frames = [
        pd.DataFrame({"quantity": name, "point": range(POINTS), "value": value, "error": 1e-6})
        for name, value in columns.items()
    ]
    write_values(layout.exact("mnist-ffg", 0, split), pd.concat(frames), made_by("evaluate-exact"))


def study(
    top: Path, below: dict[str, float] | None = None, reverse: float = 0.0, reaches: list[str] = REACHES
) -> pd.DataFrame:
    """Return the table of one model whose bounds have the given distances below log p(x)."""
    layout = Layout("quick", top)
    row = table_spec(["mnist"], [0]).rows[0]
    truth = write_values_of(layout, row, np.random.default_rng(0), HITS | (below or {}))
    exact = {"log_p": truth, "elbo_local_ffg": truth - 1.5, "elbo_amortized": truth - 3.5}
    _values(layout, "train", exact)
    simulated = np.linspace(-110, -90, POINTS)
    _values(layout, "simulated", {"log_p": simulated})
    noise = 0.02 * np.random.default_rng(1).standard_normal(POINTS)
    for start in ("prior", "local-ffg"):
        path = layout.bdmc(row.model, row.seed, start)
        frame, provenance = read_values(path)
        frame["forward"] = simulated + noise - noise.mean()
        frame["reverse"] = simulated + noise - noise.mean() + reverse
        write_values(path, frame, provenance)
    checked = SelfcheckRowSpec(**row.model_dump(), reaches=reaches)
    return build_selfcheck(SelfcheckSpec(title="Check", preset="quick", rows=[checked]), layout)


def verdicts(table: pd.DataFrame) -> dict[tuple[str, str], str]:
    named = table.fillna({"estimator": ""})
    return dict(zip(zip(named["quantity"], named["estimator"]), named["verdict"]))


def test_everything_that_is_known_is_held_against_it(tmp_path: Path) -> None:
    table = study(tmp_path)
    found = verdicts(table)
    assert set(found.values()) == {"hit", "below", "not used"}
    quantities = {quantity for quantity, _ in found}
    assert quantities >= {"log_p_best", "approximation_gap", "amortization_gap", "inference_gap"}
    assert quantities >= {"bdmc_forward", "bdmc_reverse", "elbo_amortized", "elbo_local_ffg"}
    # Nothing is known of the flow's bound but that it is one.
    assert found["elbo_local_af", "elbo_local_af"] == "below"
    assert [name for name, verdict in found.items() if verdict == "not used"] == [("largest_per_point", "")]
    line = table.set_index("quantity").loc["amortization_gap"]
    assert line["exact"] == pytest.approx(2.0)
    assert line["estimated"] == pytest.approx(2.0)
    assert line["standard_error"] == pytest.approx(0.02 * np.sqrt(2 / POINTS))


def test_the_largest_at_each_point_is_too_large(tmp_path: Path) -> None:
    line = study(tmp_path).set_index("quantity").loc["largest_per_point"]
    # The largest of five with a standard deviation of 0.2 is 1.163 of it too large; less of 24 points.
    assert 0.15 < line["error"] < 0.32


@pytest.mark.parametrize(
    ("below", "reverse", "reaches", "name", "verdict", "fails"),
    [
        # Far more than 0.05 nats, and than four standard errors of 0.004.
        ({"ais-prior": 0.3}, 0.0, REACHES, ("ais_prior", "ais_prior"), "missed", True),
        # 0.03 nats are seven standard errors: within 0.05 is not enough.
        ({"iwae-local-ffg": 0.03}, 0.0, REACHES, ("iwae_local_ffg", "iwae_local_ffg"), "missed", True),
        # Slack is allowed where an estimator need not reach log p(x), on one side.
        ({"ais-prior": 0.3}, 0.0, ["iwae_local_ffg"], ("ais_prior", "ais_prior"), "below", False),
        ({"ais-prior": -0.3}, 0.0, ["iwae_local_ffg"], ("ais_prior", "ais_prior"), "above", True),
        # A bound of the flow above log p(x), and a Gaussian's that misses its formula.
        ({"elbo-local-af": -0.1}, 0.0, REACHES, ("elbo_local_af", "elbo_local_af"), "above", True),
        ({"elbo-local-ffg": 1.6}, 0.0, REACHES, ("amortization_gap", ""), "missed", True),
        # Reverse AIS: a bound from above.
        ({}, -0.2, ["iwae_local_ffg"], ("bdmc_reverse", "ais_prior"), "below", True),
        ({}, 0.2, ["iwae_local_ffg"], ("bdmc_reverse", "ais_prior"), "above", False),
        ({}, 0.2, REACHES, ("bdmc_reverse", "ais_prior"), "missed", True),
    ],
)
def test_an_estimate_that_misses_fails_and_is_named(
    tmp_path: Path,
    below: dict[str, float],
    reverse: float,
    reaches: list[str],
    name: tuple[str, str],
    verdict: str,
    fails: bool,
) -> None:
    table = study(tmp_path, below, reverse, reaches)
    assert verdicts(table)[name] == verdict
    path = tmp_path / "selfcheck.csv"
    write_values(path, table, made_by("make-selfcheck"))
    if fails:
        with pytest.raises(UserError, match=f"mnist-ffg, {' '.join(name).rstrip()}"):
            require_passed(path)
    else:
        require_passed(path)


@pytest.mark.parametrize(("relative", "verdict"), [(3e-7, "hit"), (-3e-7, "hit"), (3e-6, "missed")])
def test_an_estimate_without_spread_may_be_off_by_rounding_alone(
    tmp_path: Path, relative: float, verdict: str
) -> None:
    """Weights that are all alike have no standard error, whatever rounding adds to all of them."""
    study(tmp_path)
    layout, row = Layout("quick", tmp_path), table_spec(["mnist"], [0]).rows[0]
    exact, _ = read_values(layout.exact("mnist-ffg", 0, "train"))
    truth = exact[exact["quantity"] == "log_p"].set_index("point")["value"]
    path = layout.iwae("mnist-ffg", 0, "train", "local-af")
    frame, provenance = read_values(path)
    rows = frame["bound"] == "iwae"
    frame.loc[rows, "value"] = (truth * (1 - relative)).to_numpy()
    frame.loc[rows, "standard_error"] = 1e-12
    write_values(path, frame, provenance)
    checked = SelfcheckRowSpec(**row.model_dump(), reaches=REACHES)
    table = build_selfcheck(SelfcheckSpec(title="Check", preset="quick", rows=[checked]), layout)
    assert verdicts(table)["iwae_local_af", "iwae_local_af"] == verdict


def test_tables_are_refused_while_an_estimate_misses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = study(tmp_path, {"ais-prior": 0.3})
    path = tmp_path / "results/quick/selfcheck.csv"
    write_values(path, table, made_by("make-selfcheck"))
    spec = table_spec(["mnist"], [0])
    spec = spec.model_copy(update={"rows": spec.rows[:1]})
    outputs = [f"--{flag}={tmp_path / flag}" for flag in ("csv", "markdown", "latex")]
    folders = [
        f"--results={tmp_path / 'results/quick'}",
        f"--published={PUBLISHED}",
        f"--reproductions={REPRODUCTIONS}",
    ]
    assert main(["make-table", f"--spec={spec.as_json()}", *folders, f"--selfcheck={path}", *outputs]) == 1
    message = capsys.readouterr().err
    assert "miss their known answers" in message
    assert "mnist-ffg, ais_prior ais_prior: -0.3000 nats" in message
    assert not (tmp_path / "csv").exists()
    assert main(["show-selfcheck", str(path)]) == 1
    shown = capsys.readouterr()
    assert "missed – FAILED" in shown.out
    assert "miss their known answers" in shown.err


def test_the_table_reads_the_same_in_each_form(tmp_path: Path) -> None:
    table = study(tmp_path)
    cells = selfcheck_cells(table)
    assert all(len(row) == len(HEADINGS) for row in cells)
    assert f"{len(table) - 1} estimates" in selfcheck_summary(table)
    assert "All hold." in selfcheck_summary(table)
    markdown = selfcheck_markdown("Check", table)
    rows = [line for line in markdown.splitlines() if line.startswith("| mnist-ffg")]
    assert len(rows) == len(cells)
    assert {row.count("|") for row in rows} == {len(HEADINGS) + 1}
    text = selfcheck_text(table).splitlines()
    assert sum(line.startswith("mnist-ffg") for line in text) == len(cells)
    assert not any("(loose)" in row[6] for row in cells)
    table.loc[table["quantity"] == "ais_prior", "loose"] = True
    assert ["(loose)" in row[6] for row in selfcheck_cells(table)] == list(table["quantity"] == "ais_prior")
    bound = next(row for row in cells if row[1] == "L[q* AF]")
    assert bound[3].startswith("≤ ")
