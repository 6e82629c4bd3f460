"""The plan and the commands, each on its own, find the same fingerprint for every artifact."""

import shutil
from pathlib import Path

import pytest

from inference_gaps.replication.artifacts.files import read_provenance
from inference_gaps.replication.cli import main
from inference_gaps.replication.study.command_line import command_line
from inference_gaps.replication.study.plan import load_study
from tests.notebooks.small_notebooks import write_notebook
from tests.small_project import ROOT, edit_yaml, make_project


def test_the_commands_agree_with_the_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project = make_project(tmp_path)
    shutil.copy(ROOT / "config/datasets.yaml", project / "config")
    weights = "models/digits-af/seed-0/model.safetensors"
    embedded = "data/embedded/mnist-small"
    shutil.copytree(ROOT / embedded, project / embedded)
    edit_yaml(
        project / "config/presets/tiny.yaml",
        ("datasets", {"mnist": {"copy": "mnist-small"}}),
        ("training", {"epochs": 1, "warm_up_epochs": 0, "batch_size": 500, "validation_points": 10}),
        ("iwae", {"samples": 4}),
        ("ais", {"prior": {"chains": 2, "distributions": 4}, "local-ffg": {"chains": 2, "distributions": 4}}),
        ("local.ffg", {"steps": 3, "max_cycles": 2, "samples": 2}),
        ("local.af", {"steps": 3, "max_cycles": 2, "samples": 2, "start": "local-ffg", "flow_hidden": 4}),
    )
    write_notebook(project / "notebooks/one.py", "from inference_gaps.bounds import ais", reads=weights)
    monkeypatch.chdir(project)
    study = load_study({"experiments": ["gaps"]})
    compared = 0
    for job in study.jobs:
        assert main(command_line(job, study)) == 0, capsys.readouterr().err
        for path in job.outputs.values():
            if path.suffix in (".csv", ".html", ".safetensors"):
                assert read_provenance(path)["fingerprint"] == job.fingerprint, path
                compared += 1
    # Data; per model weights and metrics, two files per q*, bounds, simulated data with its q*_FFG and BDMC,
    # images; the table; the verdicts; four figures; a notebook.
    assert compared == 1 + 2 * (2 + 4 + 3 + 2 + 1 + 2 + 2 + 1) + 2 + 4 + 1
