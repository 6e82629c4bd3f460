"""Dry runs of the project's own workflow and configuration."""

from pathlib import Path

import pytest
import yaml

from inference_gaps.replication.cli import main
from inference_gaps.replication.config.schemas import schema_files
from tests.small_project import ROOT
from tests.snakemake_runs import planned, snakemake


@pytest.mark.parametrize(("preset", "seeds"), [("quick", 1), ("full", 3)])
def test_the_whole_plan_is_listed_without_a_warning(tmp_path: Path, preset: str, seeds: int) -> None:
    snakefile, configuration = (
        str(ROOT / "Snakefile"),
        ["--config", f"preset={preset}", "data_folder="],
    )
    done = snakemake(tmp_path, "--snakefile", snakefile, "--dry-run", *configuration)
    assert done.returncode == 0, done.stderr
    assert "warning" not in (done.stdout + done.stderr).lower()
    jobs = planned(done.stdout)
    settings = yaml.safe_load((ROOT / "config" / "experiments.yaml").read_text())
    checked = set(settings["selfcheck"]["models"])
    drawn = {settings["posteriors"]["model"]}
    of_paper = set(settings["models"]) - checked - drawn
    # However many experiments a model stands in, it is trained once for each seed.
    # What is only drawn takes one seed.
    assert jobs["train"] == len(of_paper) * seeds + len(checked) + len(drawn)
    assert jobs["make_table"] == jobs["plot_gaps"] == len(settings["experiments"])
    # Both starts of the models of Table 2 and of the self-check, and others from q*.
    assert jobs["evaluate_bdmc"] > 2 * (6 * seeds + len(checked))
    assert jobs["evaluate_exact"] == 2 * 6
    assert jobs["make_selfcheck"] == 1
    assert jobs.get("fetch_data", 0) == (3 if preset == "full" else 0)
    assert jobs["write_report"] == 1


def test_plain_snakemake_finds_the_profile() -> None:
    done = snakemake(ROOT, "--dry-run", "--quiet=all", "paper")
    assert "Using workflow specific profile profiles/default" in done.stderr


def test_the_configuration_is_valid(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    assert main(["check-config", "--preset", "quick"]) == 0, capsys.readouterr().err


@pytest.mark.parametrize("name", sorted(schema_files()))
def test_schemas_are_up_to_date(name: str) -> None:
    assert (ROOT / "workflow/schemas" / name).read_text() == schema_files()[name], "run make schemas"


@pytest.mark.parametrize("path", sorted((ROOT / "config").rglob("*.yaml")), ids=lambda path: path.stem)
def test_editors_find_the_schema_of_each_file(path: Path) -> None:
    first = path.read_text().splitlines()[0]
    assert first.startswith("# yaml-language-server: $schema=")
    assert (path.parent / first.split("=", 1)[1]).resolve().parent == ROOT / "workflow/schemas"
    assert (path.parent / first.split("=", 1)[1]).is_file()
