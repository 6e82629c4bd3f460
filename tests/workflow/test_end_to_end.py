"""A tiny study of real digits through the real workflow, from raw files to the report."""

import shutil
from pathlib import Path

import pytest
import yaml

from inference_gaps.artifacts import read_provenance, read_values
from inference_gaps.study.plan import load_study
from tests.small_project import ROOT, claims_of, edit_yaml
from tests.snakemake_runs import NOTHING, snakemake

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


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("study")
    for name in ("config", "paper", "workflow", "data/embedded"):
        shutil.copytree(ROOT / name, top / name)
    shutil.copy(ROOT / "Snakefile", top)
    shutil.copytree(ROOT / "src", top / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    (top / "profiles").symlink_to("workflow/profiles")
    for preset in (top / "config/presets").iterdir():
        preset.unlink()
    (top / "config/presets/tiny.yaml").write_text(yaml.safe_dump(_PRESET))
    (top / "config/experiments.yaml").write_text(yaml.safe_dump(_EXPERIMENTS))
    (top / "config/claims.yaml").write_text(yaml.safe_dump(claims_of("tiny")))
    edit_yaml(top / "config/config.yaml", ("preset", "tiny"), ("device", "cpu"))
    done = snakemake(top, "--cores", "2")
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


def test_every_artifact_has_the_fingerprint_of_the_plan(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(study)
    jobs = list(load_study().jobs)
    compared = 0
    for job in jobs:
        for path in job.outputs.values():
            if path.suffix in {".csv", ".safetensors", ".json"}:
                assert read_provenance(path)["fingerprint"] == job.fingerprint, path
                compared += 1
    assert compared > len(jobs)


def test_there_is_nothing_left_to_do(study: Path) -> None:
    assert NOTHING in snakemake(study, "--cores", "2").stderr
