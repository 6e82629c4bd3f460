"""The workflow on a small study with commands that only make files."""

from pathlib import Path

from tests.small_project import edit_yaml
from tests.snakemake_runs import NOTHING, snakemake


def test_everything_is_made_once(project: Path) -> None:
    edit_yaml(project / "config/config.yaml", ("experiments", ["again"]))
    done = snakemake(project, "--cores", "2")
    assert done.returncode == 0, done.stderr
    assert (project / "results/tiny/again.tex").is_file()
    assert (project / "paper/replication-tiny.pdf").is_file()
    assert (project / "results/tiny/logs/train/digits-ffg/seed-0.log").is_file()
    assert NOTHING in snakemake(project, "--cores", "2").stderr
    assert NOTHING in snakemake(project, "--dry-run", "data", "--config", "device=cuda", "threads=2").stdout


def test_a_failing_job_shows_its_sentence(project: Path) -> None:
    (project / "broken").touch()
    failed = snakemake(project, "--cores", "2", "results/tiny/models/digits-ffg/seed-0/model.safetensors")
    assert failed.returncode != 0
    assert "\ninference-gaps train: the disk is full; free some space.\n" in failed.stderr


def test_a_wrong_configuration_starts_nothing(project: Path) -> None:
    failed = snakemake(project, "--cores", "2", "--config", "preset=tinny", "thread=2")
    assert failed.returncode == 1
    assert failed.stderr.endswith(
        "snakemake: the configuration has 1 problem; nothing was started.\n"
        "  the command line: thread is not a key; the nearest is threads.\n"
    )
    assert "Traceback" not in failed.stderr
    assert not (project / "results").exists()
