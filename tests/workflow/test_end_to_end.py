"""A tiny study of real digits through the real workflow, from raw files to the report."""

import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml

from inference_gaps.replication.artifacts.files import read_provenance, read_values
from inference_gaps.replication.artifacts.layout import is_published
from inference_gaps.replication.artifacts.records import RECORDS, find_record
from inference_gaps.replication.cli import main
from inference_gaps.replication.study.plan import load_study
from tests.notebooks.small_notebooks import write_notebook
from tests.small_project import ROOT, claims_of, copy_paper, copy_workflow, edit_yaml
from tests.snakemake_runs import NOTHING, make, planned, snakemake

_MLP = {"kind": "mlp", "latent_dim": 4, "encoder_hidden": [30], "decoder_hidden": [30], "activation": "elu"}
_MODEL = {"dataset": "mnist", "binarisation": "static", "architecture": _MLP}
_EXPERIMENTS = {
    "models": {
        "digits-ffg": {**_MODEL, "posterior": {"family": "ffg"}},
        "digits-af": {**_MODEL, "posterior": {"family": "af", "flow_steps": 1, "flow_hidden": 10}},
    },
    "experiments": {
        "tiny": {"title": "Tiny", "models": ["digits-ffg", "digits-af"], "splits": ["train"],
                 "local": ["ffg", "af"], "published": 2},
    },
}  # fmt: skip
_PRESET = {
    "description": "a test",
    "seeds": [0],
    "points": 12,
    "datasets": {"mnist": {"copy": "mnist-small"}},
    "training": {"epochs": 15, "warm_up_epochs": 2, "learning_rate": 0.01, "schedule": "geometric"},
    "iwae": {"samples": 500},
    "ais": {"prior": {"chains": 8, "distributions": 50}, "local-ffg": {"chains": 8, "distributions": 20}},
    "local": {
        "ffg": {"samples": 8, "steps": 150, "learning_rate": 0.05, "max_cycles": 3},
        "af": {"samples": 8, "steps": 50, "learning_rate": 0.005, "max_cycles": 2, "start": "local-ffg",
               "flow_hidden": 10},
    },
}  # fmt: skip
_NOTEBOOK = """\
import os
from inference_gaps.replication.artifacts.files import read_values
from inference_gaps.replication.artifacts.finished_run import finished_run
table, _ = read_values(finished_run(os.environ["INFERENCE_GAPS_PRESET"]).table("tiny", "csv"))
table.set_index("quantity")[["value"]].round(3)"""


def tiny_project(top: Path) -> Path:
    """Write a project whose study takes a minute below ``top``."""
    for name in ("config", "data/embedded"):
        shutil.copytree(ROOT / name, top / name)
    copy_paper(copy_workflow(top))
    write_notebook(top / "notebooks/numbers.py", _NOTEBOOK, reads="tiny.csv")
    for preset in (top / "config/presets").iterdir():
        preset.unlink()
    (top / "config/presets/tiny.yaml").write_text(yaml.safe_dump(_PRESET))
    (top / "config/experiments.yaml").write_text(yaml.safe_dump(_EXPERIMENTS))
    (top / "config/claims.yaml").write_text(yaml.safe_dump(claims_of("tiny")))
    edit_yaml(top / "config/config.yaml", ("preset", "tiny"), ("device", "cpu"))
    return top


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tiny_project(tmp_path_factory.mktemp("study"))
    done = make(top)
    assert done.returncode == 0, done.stdout + done.stderr
    return top


def test_the_table_has_the_gaps_of_both_models(study: Path) -> None:
    table, _ = read_values(study / "results/tiny/tiny.csv")
    table = table.set_index(["trained_with", "quantity"])["value"]
    for family in ("ffg", "af"):
        gaps = table[family]
        assert gaps["inference_gap"] == pytest.approx(gaps["approximation_gap"] + gaps["amortization_gap"])
        assert gaps["log_p_best"] == pytest.approx(gaps["elbo_amortized"] + gaps["inference_gap"])
        assert gaps["inference_gap"] > 0
    assert table["ffg"]["elbo_local_ffg"] > table["ffg"]["elbo_amortized"]
    assert (study / "results/tiny/tiny.md").read_text().count("|") > 20
    assert "\\begin{tabular}" in (study / "results/tiny/tiny.tex").read_text()


def test_the_claims_are_judged(study: Path) -> None:
    table, _ = read_values(study / "results/tiny/claims.csv")
    judged = table[table["level"] == "statistic"].set_index("claim")
    gaps, _ = read_values(study / "results/tiny/tiny.csv")
    gaps = gaps[gaps["model"] == "digits-af"].set_index("quantity")
    assert judged.loc["C1", "value"] == pytest.approx(gaps.loc["amortization_minus_approximation", "value"])
    assert judged.loc["C1", "ci_low"] == pytest.approx(gaps.loc["amortization_minus_approximation", "ci_low"])
    assert judged.loc["C4", "verdict"] == "not run"
    assert judged.loc["C4", "reason"] == "experiment later does not exist yet"
    assert "**On small embedded data (MNIST (5,000 digits))" in (study / "results/tiny/claims.md").read_text()


def test_figures_and_report_are_there(study: Path) -> None:
    for name in ("gaps-tiny", "training", "samples"):
        assert (study / f"figures/tiny/{name}.png").read_bytes().startswith(b"\x89PNG")
        assert (study / f"figures/tiny/{name}.pdf").read_bytes().startswith(b"%PDF")
    assert (study / "paper/replication-tiny.pdf").read_bytes().startswith(b"%PDF")


def test_the_page_of_the_notebook_shows_the_table(study: Path) -> None:
    table, _ = read_values(study / "results/tiny/tiny.csv")
    value = table.set_index(["trained_with", "quantity"]).loc[("ffg", "inference_gap"), "value"]
    assert f"<td>{value:.3f}</td>" in (study / "results/tiny/notebooks/numbers.html").read_text()


def test_snakemakes_own_report_shows_all_that_was_made(study: Path, tmp_path: Path) -> None:
    page = tmp_path / "workflow.html"
    done = snakemake(study, "--report", str(page))
    assert done.returncode == 0, done.stderr
    assert "WARNING/" not in done.stderr
    text = page.read_text()
    for label in ("What the gaps are", "Tiny", "Training curves", "Numbers", "Replication report"):
        assert f'"what": "{label}"' in text
    for name in (
        "schematic.png",
        "gaps-tiny.png",
        "tiny.md",
        "claims.md",
        "numbers.html",
        "replication-tiny.pdf",
    ):
        assert f'"name": "{name}"' in text
    # The page holds all that it shows.
    assert re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=[\"'](?!data:|#)", text) == []


def test_every_artifact_has_the_fingerprint_of_the_plan(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(study)
    outputs = [(path, job.fingerprint) for job in load_study().jobs for path in job.outputs.values()]
    assert {path.suffix for path, _ in outputs} == {
        ".safetensors",
        ".csv",
        ".html",
        ".md",
        ".tex",
        ".pdf",
        ".png",
        ".json",
    }
    assert [path for path, planned in outputs if read_provenance(path)["fingerprint"] != planned] == []


def test_there_is_nothing_left_to_do(study: Path) -> None:
    assert NOTHING in snakemake(study, "--cores", "2").stderr


def test_all_that_was_made_is_fresh(
    study: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(study)
    assert main(["check"]) == 0
    assert " 0 stale, 0 foreign, 0 unreadable, 0 missing." in capsys.readouterr().out


def _copied(study: Path, target: Path, results: Iterable[Path]) -> Path:
    """Return a clone of the project, with times in no order, and some of its results."""
    for name in ("config", "notebooks", "paper", "workflow", "data", "src", "Snakefile"):
        source = study / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__", "*.pdf"))
        else:
            shutil.copy(source, target)
    (target / "profiles").symlink_to("workflow/profiles")
    for path in results:
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(study / path, target / path)
        if (study / path).with_name(RECORDS).is_dir():
            shutil.copytree(
                (study / path).with_name(RECORDS), (target / path).with_name(RECORDS), dirs_exist_ok=True
            )
    rng = random.Random(0)
    for path in target.rglob("*"):
        if path.is_file():
            os.utime(path, (1.6e9 + rng.randrange(10**8),) * 2)
    return target


def test_a_clone_makes_tables_figures_and_report_without_training(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(study)
    jobs = list(load_study().jobs)
    published = [path for job in jobs for path in job.outputs.values() if is_published(path)]
    clone = _copied(study, tmp_path, [*published, Path("results/tiny/ro-crate-metadata.json")])
    assert sum((clone / path).stat().st_size for path in published) < 2_000_000
    assert NOTHING in snakemake(clone, "--dry-run").stdout

    summary = [job for job in jobs if job.stage.startswith(("make-", "judge-", "plot-", "write-"))]
    drawn = [path for job in summary for path in job.outputs.values()]
    for path in drawn:
        (clone / path).unlink()
    targets = ("tables", "figures", "paper")
    plan = planned(snakemake(clone, "--dry-run", *targets).stdout)
    assert plan == {rule.stage.replace("-", "_"): 1 for rule in summary} | dict.fromkeys(targets, 1)
    # Neither is the data needed: the folder that held them when the values were made may be gone.
    shutil.rmtree(clone / "data")
    done = make(clone, *targets)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [path for path in drawn if (clone / path).read_bytes() != (study / path).read_bytes()] == []
    assert not list(clone.rglob("model.safetensors"))


MODEL = "results/tiny/models/digits-ffg/seed-0"


@pytest.mark.parametrize(
    "name",
    [f"{MODEL}/train/local-ffg.safetensors", f"{MODEL}/train/ais-prior.csv", "results/tiny/tiny.md",
     "figures/tiny/samples.png", "results/tiny/notebooks/numbers.html", "paper/replication-tiny.pdf"],
)  # fmt: skip
def test_the_command_of_explain_makes_the_same_bytes(
    study: Path, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(study)
    path = Path(name)
    before, record = path.read_bytes(), find_record(path)
    assert record is not None
    assert record.run is not None
    assert main(["explain", name]) == 0
    said = capsys.readouterr().out
    assert "It is what the study makes (preset tiny)." in said
    assert f"when          {record.run['started']}" in said
    assert "  results/tiny/models/digits-ffg/seed-0" in said or "samples" in name
    command = said.partition("make it again with\n")[2]
    path.unlink()
    environment = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "PYTHONPATH": str(study / "src")}
    done = subprocess.run(["bash", "-c", command], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert path.read_bytes() == before


@pytest.mark.slow
@pytest.mark.parametrize("cores", ["1", "2"])
def test_a_second_run_gives_the_same_bytes(study: Path, tmp_path: Path, cores: str) -> None:
    again = tiny_project(tmp_path / "another folder")
    done = snakemake(again, "--cores", cores)
    assert done.returncode == 0, done.stdout + done.stderr
    found = [path for path in (study / "results/tiny").glob("*") if path.suffix in {".csv", ".md", ".tex"}]
    found += [path for path in (study / "figures/tiny").glob("*") if path.suffix in {".png", ".pdf"}]
    found += (study / "results/tiny/models").rglob("*.safetensors")
    found += [path for path in (study / "results/tiny/models").rglob("*.csv") if path.name != "metrics.csv"]
    found.append(study / "paper/replication-tiny.pdf")
    found += (study / "results/tiny/notebooks").glob("*.html")
    assert len(found) > 25
    other = [path for path in found if path.read_bytes() != (again / path.relative_to(study)).read_bytes()]
    assert other == []
