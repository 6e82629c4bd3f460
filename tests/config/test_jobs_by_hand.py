"""Every job of a study can be run by hand: its command line is one that the command understands."""

import argparse
from pathlib import Path

import pytest

from inference_gaps.replication.cli import _parser, main
from inference_gaps.replication.config.loading import load_configuration
from inference_gaps.replication.stages import STAGES
from inference_gaps.replication.study.command_line import command_line
from inference_gaps.replication.study.flags import add_study_flags, flags_for, given_keys
from inference_gaps.replication.study.plan import Study, load_study
from tests.small_project import ROOT


@pytest.fixture
def study(monkeypatch: pytest.MonkeyPatch) -> Study:
    monkeypatch.chdir(ROOT)
    return load_study({"preset": "quick"})


def test_the_command_line_of_each_kind_of_job_is_understood(study: Study) -> None:
    parsers = {command: _parser(command) for command in {job.stage for job in study.jobs}}
    for job in study.jobs:
        options = parsers[job.stage].parse_args(command_line(job, study))
        named = {
            Path(value).with_suffix("") for value in vars(options).values() if isinstance(value, Path | str)
        }
        # The prefix of a figure is a file without its suffix.
        assert {path.with_suffix("") for path in job.outputs.values()} & named


def test_each_stage_has_jobs_with_its_specification(study: Study) -> None:
    assert {job.stage: type(job.spec) for job in study.jobs} == {
        stage.name: stage.spec for stage in STAGES.values()
    }


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--spec", '{"binarisation": "static"}', "--dataset", "mnist-small", "--binarisation", "grey256"],
         "--spec and --dataset both say what is to be prepared; leave one of them out."),
        (["--spec", "{}", "--binarisation", "grey256"], "--binarisation goes with --dataset; with --spec"),
        (["--spec", "{}", "--seed", "1"], "--seed goes with --dataset; with --spec, write it as a key of that."),
        (["--dataset", "mnist-small"], "--dataset needs --binarisation: static, threshold, grey256 or given."),
    ],
)  # fmt: skip
def test_flags_that_contradict_each_other_are_refused(
    given: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(ROOT)
    output = tmp_path / "data.safetensors"
    folder = ["--folder", "data/embedded/mnist-small", "--output", str(output)]
    assert main(["prepare-data", *given, *folder]) == 1
    assert said in capsys.readouterr().err
    assert not output.exists()


@pytest.mark.parametrize("name", ["README.md", "results/laptop/ro-crate-metadata.json"])
def test_what_no_job_makes_is_not_explained(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    assert main(["explain", name]) == 1
    assert f"It is not known what made {name}: no record in" in capsys.readouterr().err


def test_flags_stand_for_the_keys_of_a_study() -> None:
    parser = argparse.ArgumentParser()
    add_study_flags(parser)
    keys = {"preset": "quick", "data_folder": "../my data", "copies": {"cifar10": "photo-patches"}}
    settings = load_configuration(ROOT, keys).settings
    assert given_keys(parser.parse_args(flags_for(settings))) == keys
    assert given_keys(parser.parse_args([])) == {}
