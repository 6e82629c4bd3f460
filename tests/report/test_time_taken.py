"""What models took, by the records of their jobs."""

import json
from pathlib import Path
from typing import Any

import pytest

from inference_gaps.replication.artifacts import outputs
from inference_gaps.replication.artifacts.files import write_document
from inference_gaps.replication.artifacts.layout import Layout
from inference_gaps.replication.report.time_taken import time_records
from tests.synthetic_study import table_spec

PROCESS = {
    "started": "2026-11-28T23:00:00+00:00",
    "ended": "2026-11-29T01:00:00+00:00",
    "seconds": 7200.0,
    "cpu_seconds": 5400.0,
    "machine": {"cpu": "A", "cpus": 2},
}


def _made(path: Path, command: str, monkeypatch: pytest.MonkeyPatch, run: dict[str, Any] | None) -> None:
    monkeypatch.setattr(outputs, "run_facts", lambda: run)
    made_by = {"command": command, "fingerprint": "0123456789abcdef", "spec": {}, "inputs": {}}
    write_document(path, json.dumps({}).encode(), made_by)


def test_hours_are_summed_by_kind_and_over_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layout, row = Layout("quick", tmp_path), table_spec(["mnist"], [0]).rows[0]
    again = {**PROCESS, "started": "2026-11-30T10:00:00+00:00", "ended": "2026-11-30T10:30:00+00:00"}
    resumed = {**again, "cpu_seconds": 1800.0, "machine": {"cpu": "B", "gpu": "G"}, "earlier": [PROCESS]}
    _made(layout.metrics(row.model, row.seed), "train", monkeypatch, resumed)
    for start in ("prior", "local-ffg"):
        _made(layout.ais(row.model, row.seed, "train", start), "evaluate-ais", monkeypatch, PROCESS)
    _made(layout.iwae(row.model, row.seed, "train", "amortised"), "evaluate-iwae", monkeypatch, None)
    assert time_records([row, row], layout) == [
        {
            "model": row.model,
            "seed": str(row.seed),
            "training": "2.00",
            "local": "0.00",
            "ais": "3.00",
            "rest": "0.00",
            "processor": "G, A",
            "dates": "2026-11-28 to 2026-11-30",
            "interrupted": "1",
        }
    ]


def test_of_a_model_whose_records_do_not_say_nothing_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout, row = Layout("quick", tmp_path), table_spec(["mnist"], [0]).rows[0]
    _made(layout.metrics(row.model, row.seed), "train", monkeypatch, None)
    assert time_records([row], layout) == []
