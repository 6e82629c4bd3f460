"""The workflow on a small study with commands that only make files: what runs, and what runs again."""

from pathlib import Path

from tests.small_project import edit_yaml
from tests.snakemake_runs import NOTHING, planned, snakemake


def test_what_runs_and_what_runs_again(project: Path) -> None:
    edit_yaml(project / "config/config.yaml", ("experiments", ["again"]))
    done = snakemake(project, "--cores", "2")
    assert done.returncode == 0, done.stderr
    assert (project / "results/tiny/again.tex").is_file()
    assert (project / "paper/replication-tiny.pdf").is_file()
    assert (project / "results/tiny/logs/train/digits-ffg/seed-0.log").is_file()
    assert (project / "results/tiny/benchmarks/evaluate_iwae/digits-ffg/seed-0/train-amortised.tsv").is_file()
    assert NOTHING in snakemake(project, "--cores", "2").stderr

    raw = project / "data/embedded/digits/digits.gz"
    raw.touch()
    code = project / "src/inference_gaps/commands/plot_training.py"
    code.write_text(code.read_text() + "\n# A comment.\n")
    rules = project / "workflow/rules/models.smk"
    rules.write_text(rules.read_text() + "\n# A comment.\n")
    assert NOTHING in snakemake(project, "--dry-run").stdout

    code.write_text(code.read_text() + "\nDPI = 300\n")
    assert planned(snakemake(project, "--dry-run").stdout) == {
        "plot_training": 1,
        "write_report": 1,
        "all": 1,
    }

    edit_yaml(project / "config/presets/tiny.yaml", ("iwae.samples", 77))
    again = planned(snakemake(project, "--dry-run", "tables").stdout)
    assert again == {"evaluate_iwae": 2, "make_table": 1, "tables": 1}

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
        "  --config: thread is not a key; the nearest is threads.\n"
    )
    assert "Traceback" not in failed.stderr
    assert not (project / "results").exists()
