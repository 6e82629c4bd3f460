"""Verdicts of a synthetic study, by the commands that judge and report them."""

import json
from pathlib import Path

import pandas as pd
import pytest

from inference_gaps.replication.artifacts.files import read_provenance, read_values, write_values
from inference_gaps.replication.artifacts.layout import Layout
from inference_gaps.replication.specs.claims import ClaimsSpec
from inference_gaps.replication.specs.tables import TableRowSpec, TableSpec
from tests.synthetic_study import judge_claims, make_table, report_of, write_report

Study = tuple[Path, TableSpec]


def _claims(rows: list[TableRowSpec], caveat: str = "") -> ClaimsSpec:
    """Return two claims: one on the gaps of Table 2, one whose experiment does not exist."""
    gaps = [
        {"quantity": quantity, "times": times, "experiment": "table2", "split": "train", "published": 2}
        for quantity, times in (("amortization_gap", 1.0), ("approximation_gap", -1.0))
    ]
    shared = {"comparison": "positive", "threshold": 0.1, "judged": True}
    statistics = [
        {
            **shared,
            "name": "difference",
            "dataset": row.dataset,
            "terms": [{**term, "model": row.model} for term in gaps],
        }
        for row in rows
    ]
    later = {
        **shared,
        "name": "growth",
        "dataset": "mnist",
        "terms": [],
        "not_run": "experiment later does not exist yet",
    }
    words = {"claim": "It holds.", "where": "Table 2", "why": "A tenth.", "combine": "most"}
    return ClaimsSpec.model_validate(
        {
            "preset": "quick",
            "caveat": caveat,
            "level": 0.95,
            "factor": 2.0,
            "seeds_agree": 1.0,
            "datasets": [{"name": "mnist", "title": "MNIST (5,000 digits)"}],
            "claims": [
                {"id": "C1", "title": "The network is to blame", **words, "statistics": statistics},
                {"id": "C2", "title": "Something else", **words, "statistics": [later]},
            ],
            "rows": {"table2": [row.model_dump() for row in rows]},
        }
    )


def test_verdicts_go_into_files_and_report_and_repeat_their_bytes(small_study: Study) -> None:
    top, spec = small_study
    results = top / "results/quick"
    assert make_table(top, spec) == 0
    judged = _claims(spec.rows, caveat="On small embedded data, which replicate nothing.")
    assert judge_claims(top, judged) == 0
    files = [
        results / "claims.csv",
        results / "claims.md",
        results / "report.json",
        top / "paper/replication-quick.pdf",
    ]
    report = report_of([spec], []).model_copy(update={"claims": True})
    assert write_report(top, report) == 0
    before = [file.read_bytes() for file in files]
    assert judge_claims(top, judged) == write_report(top, report) == 0
    assert [file.read_bytes() for file in files] == before
    markdown = before[1].decode()
    # The caveat stands before any verdict.
    assert markdown.index("**On small embedded data") < markdown.index("| C1 |")
    assert "| C1 | The network is to blame | **replicated** | replicated |" in markdown
    assert "−0.09 (recalled)" in markdown
    assert "Not run on MNIST (5,000 digits), because experiment later does not exist yet.\n" in markdown
    shown = json.loads(before[2])["claims"]
    assert shown["caveat"] == judged.caveat
    assert shown["summary"] == "Of 2 claims: 1 replicated, 1 not run."
    assert [claim["verdict"] for claim in shown["overview"]] == ["replicated", "not run"]
    flow = shown["details"][0]["statistics"][1]
    assert (flow["value"][:5], flow["published"], flow["relative"]) == ("1.55 ", "1.12 (recalled)", "1.38")
    assert (flow["agree"], flow["between_seeds"], flow["residual"]) == ("1 of 1", "–", "0.02")


def test_a_claim_that_was_not_run_is_shown_of_the_run_beside(small_study: Study) -> None:
    top, spec = small_study
    assert make_table(top, spec) == 0
    # The other run judged the claim that this one cannot.
    claims = _claims(spec.rows)
    gaps, later = claims.claims
    judged = later.model_copy(update={"statistics": gaps.statistics})
    assert judge_claims(top, claims.model_copy(update={"claims": [gaps, judged]})) == 0
    other = Layout("other", top).claims("csv")
    frame, made_by = read_values(Layout("quick", top).claims("csv"))
    write_values(other, frame, made_by)
    assert judge_claims(top, claims) == 0
    report = report_of([spec], []).model_copy(update={"claims": True, "beside": "other"})
    assert write_report(top, report) == 0
    shown = json.loads((top / "results/quick/report.json").read_bytes())["claims"]
    assert list(shown["beside"]) == ["C2"]
    assert (shown["beside"]["C2"]["preset"], shown["beside"]["C2"]["verdict"]) == ("other", "replicated")
    assert len(shown["beside"]["C2"]["statistics"]) == len(gaps.statistics)
    made_by_report = read_provenance(top / "paper/replication-quick.pdf")
    assert "beside" in made_by_report["inputs"]


def test_no_claim_is_judged_when_the_self_check_failed(
    small_study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    top, spec = small_study
    path = top / "results/quick/selfcheck.csv"
    failed = {"model": "check", "quantity": "log_p_best", "estimator": "ais_prior", "relation": "equals"}
    failed |= {"verdict": "missed", "error": 0.5, "standard_errors_off": 9.0, "loose": False}
    made_by = {"command": "make-selfcheck", "fingerprint": "0", "spec": {}}
    failed |= dict.fromkeys(
        ("exact", "exact_error", "estimated", "standard_error", "n_points", "n_stuck"), 1.0
    )
    write_values(path, pd.DataFrame([failed]), made_by)
    assert judge_claims(top, _claims(spec.rows), f"--selfcheck={path}") == 1
    assert "1 of 1 estimates in" in capsys.readouterr().err
    assert not (top / "results/quick/claims.csv").exists()


def test_a_local_optimum_that_does_not_say_how_far_it_went_is_a_sentence(
    small_study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    top, spec = small_study
    path = Layout("quick", top).residuals("mnist-ffg", 0, "train", "ffg")
    frame, provenance = read_values(path)
    del provenance["summary"]
    write_values(path, frame, provenance)
    assert judge_claims(top, _claims(spec.rows)) == 1
    assert (
        "does not say how far its optimisation went; move it away and run 'optimise-local'"
        in capsys.readouterr().err
    )
