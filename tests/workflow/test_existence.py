"""What users do to a run, on the real workflow: what is asked for is there at the end, and nothing is lost."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from inference_gaps.replication.artifacts.layout import Layout
from inference_gaps.replication.artifacts.store import Store
from inference_gaps.replication.study.plan import load_study
from tests.notebooks.small_notebooks import write_notebook
from tests.small_project import edit_yaml
from tests.snakemake_runs import NOTHING, snakemake

WEIGHTS = "results/tiny/models/digits-ffg/seed-0/model.safetensors"
PRESET = "config/presets/tiny.yaml"


def ran(top: Path) -> list[str]:
    """Return the stages that ran since this was last asked."""
    log = top / "ran.txt"
    found = log.read_text().split() if log.exists() else []
    log.unlink(missing_ok=True)
    return found


def run(top: Path, *arguments: str, **variables: str) -> str:
    done = snakemake(top, "--cores", "2", *arguments, **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stderr


def files(top: Path) -> set[Path]:
    found = [path for place in ("results/tiny", "figures", "paper") for path in (top / place).rglob("*")]
    return {path.relative_to(top) for path in found if path.is_file() and "logs" not in path.parts}


def test_a_kill_with_orphans_costs_nothing(project: Path) -> None:
    killed = subprocess.Popen(
        [str(Path(sys.executable).parent / "snakemake"), "--cores", "2"],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(project / "src"), "STUB_SECONDS": "0.5"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    log = project / "ran.txt"
    while not (log.exists() and len(log.read_text().split()) > 12):
        assert killed.poll() is None
        time.sleep(0.1)
    killed.kill()  # Not its jobs, which go on.
    killed.wait()
    time.sleep(2)
    before = len(ran(project))
    assert "The last run was killed" in run(project)
    # And the manifest.
    assert before + len(ran(project)) == len(list(load_study(None, project).jobs)) + 1
    assert NOTHING in run(project)


def test_a_file_of_ones_own_in_place_of_the_manifest_is_kept(finished: Path) -> None:
    place = load_study(None, finished).layout.manifest
    ours = (finished / place).read_bytes()
    (finished / place).write_text("mine")
    run(finished)
    assert (finished / place).read_bytes() == ours
    kept = [path for path in finished.rglob(place.name) if path != finished / place]
    assert "mine" in [path.read_text() for path in kept]


def test_settings_tried_and_taken_back_cost_nothing(finished: Path) -> None:
    ran(finished)
    before, weights = files(finished), (finished / WEIGHTS).read_bytes()
    edit_yaml(finished / PRESET, ("training.warm_up_epochs", 0))
    run(finished, WEIGHTS)
    assert ran(finished).count("train") == 1
    other = (finished / WEIGHTS).read_bytes()
    edit_yaml(finished / PRESET, ("training.warm_up_epochs", 1))
    run(finished)
    assert set(ran(finished)) <= {"write-manifest"}
    assert files(finished) == before
    assert (finished / WEIGHTS).read_bytes() == weights
    edit_yaml(finished / PRESET, ("training.warm_up_epochs", 0))
    run(finished, WEIGHTS)
    assert "train" not in ran(finished)
    assert (finished / WEIGHTS).read_bytes() == other


def test_a_copy_of_the_data_tried_and_taken_back_costs_nothing(finished: Path) -> None:
    ran(finished)
    shutil.copytree(finished / "data/embedded/digits", finished / "mine/digits")
    edit_yaml(finished / "config/config.yaml", ("data_folder", str(finished / "mine")))
    before, weights = files(finished), (finished / WEIGHTS).read_bytes()
    edit_yaml(finished / "config/config.yaml", ("copies", {"mnist": "digits-online"}))
    run(finished)
    assert ran(finished).count("train") == len(load_study(None, finished).jobs.of("train"))
    other = (finished / WEIGHTS).read_bytes()
    edit_yaml(finished / "config/config.yaml", ("copies", {}))
    run(finished)
    assert set(ran(finished)) <= {"write-manifest"}
    # The images of the other copy stay; all else is as it was.
    assert {path for path in files(finished) if "digits-online" not in path.name} == before
    assert (finished / WEIGHTS).read_bytes() == weights
    edit_yaml(finished / "config/config.yaml", ("copies", {"mnist": "digits-online"}))
    run(finished)
    assert set(ran(finished)) <= {"write-manifest"}
    assert (finished / WEIGHTS).read_bytes() == other


def test_times_do_not_matter(finished: Path) -> None:
    ran(finished)
    ahead = time.time() + 7200
    for path in (WEIGHTS, "data/embedded/digits/digits.gz", "paper/published.csv", "results/tiny/gaps.csv"):
        os.utime(finished / path, (ahead, ahead))
    assert NOTHING in run(finished)
    edit_yaml(finished / "config/experiments.yaml", ("models.digits-af.training.batch_size", 8))
    run(finished)
    assert ran(finished).count("train") == 1
    assert NOTHING in run(finished)


def test_the_same_data_by_another_name_are_the_same(project: Path) -> None:
    edit_yaml(project / PRESET, ("datasets.mnist.copy", "digits-online"))
    edit_yaml(project / "config/config.yaml", ("experiments", ["again"]))
    shutil.copytree(project / "data/embedded/digits", project / "one/digits")
    (project / "other").symlink_to("one")
    edit_yaml(project / "config/config.yaml", ("data_folder", "one"))
    run(project, "data")
    edit_yaml(project / "config/config.yaml", ("data_folder", "other"))
    run(project)
    assert ran(project).count("prepare-data") == 1
    assert (project / "results/tiny/again.csv").exists()


def test_anew_with_one_word(finished: Path) -> None:
    jobs = sorted(ran(finished))
    run(finished, "--config", "fresh=yes")
    assert sorted(ran(finished)) == jobs
    # As make does.
    subprocess.run(
        [sys.executable, "scripts/run_snakemake.py", "--preset=tiny", "--fresh=yes", "--cores=2"],
        cwd=finished,
        env={**os.environ, "PYTHONPATH": "src", "INFERENCE_GAPS_WARM": "no"},
        check=True,
    )
    assert sorted(ran(finished)) == jobs
    refused = snakemake(finished, "--cores", "1", "--config", "fresh=perhaps")
    assert "fresh is perhaps; write --config fresh=yes to make all anew" in refused.stderr
    assert NOTHING in run(finished)
    edit_yaml(finished / "config/config.yaml", ("threads", 2))
    assert NOTHING in run(finished)


@pytest.mark.parametrize("asked", ["write_report", "write_manifest", "paper"])
def test_a_rule_is_asked_for_by_name(finished: Path, asked: str) -> None:
    layout = load_study(None, finished).layout
    ran(finished)
    (finished / layout.report).unlink()
    run(finished, asked)
    assert (finished / layout.report).exists()
    assert set(ran(finished)) == {"write-report"} | (
        {"write-manifest"} if asked == "write_manifest" else set()
    )


def test_one_stage_again(finished: Path) -> None:
    ran(finished)
    run(finished, "--forcerun", "evaluate_ais")
    again = ran(finished)
    assert again.count("evaluate-ais") == 4
    assert "make-table" in again
    assert "train" not in again
    run(finished, "--force", "figures/tiny/training.pdf")
    assert ran(finished) == ["plot-training"]


def test_a_run_that_is_not_complete_is_no_success(finished: Path) -> None:
    """A job that makes something else than it was asked for."""
    (finished / "results/tiny/gaps.md").unlink()
    failed = snakemake(finished, "--cores", "2", "tables", STUB_OTHERWISE="make-table")
    assert failed.returncode == 1
    assert "snakemake: the run is not complete: results/tiny/gaps" in failed.stderr
    assert "Traceback" not in failed.stderr
    run(finished)


@pytest.mark.parametrize(
    ("file", "how"),
    [
        (WEIGHTS.replace("seed-0", "seed-7"), "--nolock"),
        (WEIGHTS.replace("digits-ffg", "no-such-model"), "--dry-run"),
        ("figures/tiny/gaps-no-such-experiment.csv", "--force"),
    ],
)
def test_a_file_that_the_preset_does_not_make(finished: Path, file: str, how: str) -> None:
    before = files(finished)
    failed = snakemake(finished, "--cores", "2", how, file)
    assert failed.returncode == 1
    assert f"snakemake: preset tiny does not make {file}; nothing was started." in failed.stderr
    assert "Traceback" not in failed.stderr
    assert files(finished) == before


def test_each_output_of_the_report_comes_back(finished: Path) -> None:
    """No rule reads its numbers, so they have to be asked for."""
    (finished / "results/tiny/report.json").unlink()
    ran(finished)
    run(finished)
    assert "write-report" in ran(finished)
    assert (finished / "results/tiny/report.json").exists()
    assert NOTHING in run(finished)


def test_the_name_of_a_notebook_may_have_a_space(project: Path) -> None:
    write_notebook(project / "notebooks/my numbers (1).py", "1", reads="gaps.csv")
    run(project, "notebooks")
    assert (project / "results/tiny/notebooks/my numbers (1).html").exists()
    assert "run-notebook" in ran(project)
    assert NOTHING in run(project, "notebooks")


def test_an_interruption_at_any_moment(project: Path) -> None:
    """While Python starts, while the plan is made, while jobs run: no traceback, nothing that is in the way."""
    edit_yaml(project / "config/config.yaml", ("experiments", ["again"]))
    program = [sys.executable, "scripts/run_snakemake.py", "--cores", "2"]
    environment = {**os.environ, "PYTHONPATH": "src", "INFERENCE_GAPS_WARM": "no"}
    for seconds in (0.1, 0.5, 1, 2, 3, 5):
        interrupted = subprocess.Popen(
            program, cwd=project, env=environment, start_new_session=True, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        time.sleep(seconds)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(interrupted.pid, signal.SIGINT)
        said = interrupted.communicate()[0]
        assert "Traceback" not in said, said
        assert "KeyboardInterrupt" not in said, said
    run(project)


def test_an_interruption_before_a_job_can_hear_it(project: Path) -> None:
    """Its Python ends with a traceback, which stays in its log."""
    program = project / "src/inference_gaps/__main__.py"
    program.write_text("import time\ntime.sleep(60)\n" + program.read_text())
    interrupted = subprocess.Popen(
        [sys.executable, "scripts/run_snakemake.py", "--cores", "1"],
        cwd=project, env={**os.environ, "PYTHONPATH": "src", "INFERENCE_GAPS_WARM": "no"},
        start_new_session=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    logs = project / "results/tiny/logs"
    while not list(logs.rglob("*.log")):
        assert interrupted.poll() is None
        time.sleep(0.1)
    time.sleep(1)
    os.killpg(interrupted.pid, signal.SIGINT)
    said = interrupted.communicate()[0]
    assert any("KeyboardInterrupt" in log.read_text() for log in logs.rglob("*.log"))
    assert "Error in rule" in said
    assert "Traceback" not in said, said


def test_the_store_is_bounded_by_the_configuration(finished: Path) -> None:
    """What one run sets aside stays for the next, at least."""
    edit_yaml(finished / "config/config.yaml", ("store_gigabytes", 0))
    store = Store(Layout("tiny", finished))
    for value, dropped in ((0.1, False), (0.2, True), (0.3, True)):
        edit_yaml(finished / PRESET, ("training.learning_rate", value))
        said = run(finished, WEIGHTS)
        assert ("larger than store_gigabytes allows: removed" in said) == dropped
        assert f"such as {WEIGHTS}" in said
    assert "train" in ran(finished)
    assert len([entry for entry in store.entries() if Path(WEIGHTS) in entry.files]) == 1


def test_what_was_made_by_hand_is_set_aside(finished: Path) -> None:
    (finished / WEIGHTS).write_bytes(b"my own")
    said = run(finished, WEIGHTS)
    (kept,) = (finished / "results/.store/tiny").glob("unknown-*")
    assert (kept / WEIGHTS).read_bytes() == b"my own"
    assert "results/.store" in said
