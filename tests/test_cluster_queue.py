"""The queue of Slurm, as a program that stands in for squeue lists it."""

from pathlib import Path

import pytest

from inference_gaps.errors import UserError
from inference_gaps.replication.jobs.cluster_queue import QueuedJob, queued_jobs, wait_for_queue


@pytest.fixture
def squeue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a squeue that prints the first of its lists, and each time one more is gone."""
    programs = tmp_path / "bin"
    programs.mkdir()
    program = programs / "squeue"
    lists = "for list in list-*; do test -f $list && cat $list && rm $list && exit 0; done"
    program.write_text(f"#!/bin/sh\ncd {tmp_path}\n{lists}\ntrue\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    return tmp_path


def test_jobs_of_this_folder_are_told_from_others(squeue: Path) -> None:
    lines = [
        f"12|RUNNING|rule_train_wildcards_digits_0|{squeue}",
        f"13|PENDING|group_evaluate_iwae|{squeue}/../{squeue.name}",
        "14|RUNNING|rule_train_wildcards_digits_0|/somewhere/else",
        f"15|RUNNING|(null)|{squeue}",
    ]
    (squeue / "list-1").write_text("\n".join(lines) + "\n")
    assert queued_jobs(squeue) == [
        QueuedJob("12", "RUNNING", "train_wildcards_digits_0"),
        QueuedJob("13", "PENDING", "evaluate_iwae"),
    ]


def test_a_run_waits_until_the_jobs_of_the_last_one_have_ended(
    squeue: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for count in (1, 2, 3):
        (squeue / f"list-{count}").write_text(f"12|RUNNING|rule_train|{squeue}\n")
    wait_for_queue(squeue, seconds=0.01)
    assert not list(squeue.glob("list-*"))
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "12 (train, running)" in said
    assert said.endswith("scancel 12\n")


def test_where_nothing_is_queued_nothing_is_said(squeue: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wait_for_queue(squeue)
    assert capsys.readouterr().err == ""


def test_without_slurm_there_is_no_queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert queued_jobs(tmp_path) == []


def test_a_queue_that_does_not_answer_is_a_sentence(squeue: Path) -> None:
    (squeue / "bin/squeue").write_text("#!/bin/sh\necho Unable to contact slurm controller >&2\nexit 1\n")
    with pytest.raises(
        UserError, match=r"which jobs stand in its queue \(Unable to contact slurm controller\)"
    ):
        queued_jobs(squeue)
