"""What runs again after what, on the real workflow: every row is a dry run of a finished study that was edited."""

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from inference_gaps.replication.artifacts.files import check_content, read_values, write_values
from tests.small_project import edit_yaml
from tests.snakemake_runs import planned, snakemake

PACKAGE = "src/inference_gaps"
WEIGHTS = "results/tiny/models/digits-ffg/seed-0/model.safetensors"
PRESET = "config/presets/tiny.yaml"
NOTHING: dict[str, int] = {}
# Every run ends in the report and the manifest.
PDF = {"write_report": 1, "write_manifest": 1}
# The claim of this project is one on the other model, digits-af.
CLAIMS = {"judge_claims": 1}
# One of the project's notebooks reads a table.
NOTEBOOK = {"run_notebook": 1, "write_manifest": 1}
SUMMARY = {"make_table": 2, "plot_schematic": 1, "plot_gaps": 2, **NOTEBOOK, **PDF}
# One model: its images; its q* of two families on two sets of points, of one family on simulated ones; its bounds.
ONE_MODEL = {
    "train": 1,
    "simulate_data": 1,
    "evaluate_samples": 1,
    "optimise_local": 3,
    "evaluate_iwae": 3,
    "evaluate_ais": 2,
    "evaluate_bdmc": 2,
}
FFG = {
    **ONE_MODEL,
    "evaluate_convergence": 1,
    **SUMMARY,
    "plot_training": 1,
    "plot_samples": 1,
    "plot_convergence": 1,
}
BOTH = {**FFG, **CLAIMS, **{rule: 2 * count for rule, count in ONE_MODEL.items()}}


def append(top: Path, name: str, text: str) -> None:
    path = top / name
    path.write_text(path.read_text() + text)


def replace(top: Path, name: str, old: str, new: str) -> None:
    path = top / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))


def comments(top: Path) -> None:
    for path in [*(top / PACKAGE).rglob("*.py"), *(top / "workflow/rules").iterdir()]:
        path.write_text(path.read_text() + "\n# A comment.\n")


def formatting(top: Path) -> None:
    replace(top, f"{PACKAGE}/bounds/ais.py", "import torch\n", "import torch\n\n\n")
    replace(top, f"{PACKAGE}/training/loop.py", '"""', '"""In other words: ')
    replace(top, f"{PACKAGE}/bounds/hmc.py", "_DIVERGENCE = 1000.0", "_DIVERGENCE    =    1000.0")


def touched(top: Path) -> None:
    """Give every file a time of its own, in no order, as a clone of a repository does."""
    rng = random.Random(0)
    for path in top.rglob("*"):
        if path.is_file() and ".snakemake" not in path.parts:
            os.utime(path, (1.6e9 + rng.randrange(10**8),) * 2)


def cloned(top: Path) -> None:
    shutil.rmtree(top / ".snakemake")
    touched(top)


def backwards(content: object) -> object:
    if isinstance(content, dict):
        return {key: backwards(value) for key, value in reversed(content.items())}
    return content


def reordered(top: Path) -> None:
    """Reverse the keys of every section; the order of experiments is that of the report, and stays."""
    for path in (top / "config").rglob("*.yaml"):
        content = backwards(yaml.safe_load(path.read_text()))
        if "experiments" in content and path.stem == "experiments":
            content["experiments"] = dict(reversed(content["experiments"].items()))
        path.write_text(yaml.safe_dump(content, sort_keys=False))


def edited_and_back(top: Path) -> None:
    edit_yaml(top / PRESET, ("training.learning_rate", 0.5))
    assert planned(snakemake(top, "--dry-run").stdout)["train"] == 2
    edit_yaml(top / PRESET, ("training.learning_rate", ...))


def other_plot(top: Path) -> None:
    append(top, f"{PACKAGE}/replication/figures/training.py", "\nDPI = 300\n")


def other_caption(top: Path) -> None:
    replace(top, "paper/report.typ", "caption: [", "caption: [Now: ")


def other_notebook(top: Path) -> None:
    append(top, "notebooks/numbers.py", "# A remark, which the page shows.\n")


def code_of_a_notebook(top: Path) -> None:
    append(top, f"{PACKAGE}/exact/quadrature.py", "\nUNUSED = 1\n")


def other_rate(top: Path) -> None:
    edit_yaml(top / "config/experiments.yaml", ("models.digits-ffg.training.learning_rate", 0.5))


def swapped(top: Path) -> None:
    edit_yaml(top / PRESET, ("training.learning_rate", 0.0001), ("training.adam_epsilon", 0.001))


def helper_of_ais(top: Path) -> None:
    replace(top, f"{PACKAGE}/bounds/hmc.py", "_DIVERGENCE = 1000.0", "_DIVERGENCE = 999.0")


def without_records(top: Path) -> None:
    shutil.rmtree(top / ".snakemake")
    other_rate(top)


def cloned_and_edited(top: Path) -> None:
    cloned(top)
    other_rate(top)


def touched_by_snakemake(top: Path) -> None:
    """--touch notes the new parameters for the old files."""
    other_rate(top)
    assert snakemake(top, "--touch", "--cores", "1").returncode == 0


def other_torch(top: Path, version: str) -> None:
    release = top / f"src/torch-{version}.dist-info"
    release.mkdir()
    (release / "METADATA").write_text(f"Metadata-Version: 2.1\nName: torch\nVersion: {version}\n")


def newer_torch(top: Path) -> None:
    other_torch(top, "2.99.0")


def what_changes_no_number(top: Path) -> None:
    """In a clone: comments, formatting, the order of keys, another build of the same release of PyTorch."""
    for edit in (comments, formatting, reordered, cloned):
        edit(top)
    other_torch(top, "2.13.0+cu130")


def copied(top: Path) -> None:
    """The weights of one model in the place of another's."""
    shutil.copy2(top / WEIGHTS.replace("ffg", "af"), top / WEIGHTS)


def other_values(top: Path) -> None:
    """The same job on another machine, with other results."""
    path = top / "results/tiny/models/digits-af/seed-0/train/ais-prior.csv"
    frame, made_by = read_values(path)
    write_values(path, frame + 1, made_by)


def damaged(top: Path) -> None:
    (top / WEIGHTS).write_bytes(b"nothing")


def lost_record(top: Path) -> None:
    (top / WEIGHTS).with_name("records").rename(top / "elsewhere")


def other_image(top: Path) -> None:
    (top / "data/embedded/digits/digits.gz").write_bytes(b"other")


ROWS: list[tuple[Callable[[Path], object], dict[str, int]]] = [
    (what_changes_no_number, NOTHING),
    (edited_and_back, NOTHING),
    (other_plot, {"plot_training": 1, **PDF}),
    (other_caption, PDF),
    (other_notebook, NOTEBOOK),
    (code_of_a_notebook, NOTEBOOK),
    (other_rate, FFG),
    (swapped, BOTH),
    (
        helper_of_ais,
        {
            "evaluate_ais": 4,
            "evaluate_bdmc": 4,
            "evaluate_convergence": 1,
            "plot_convergence": 1,
            **CLAIMS,
            **SUMMARY,
        },
    ),
    (without_records, FFG),
    (cloned_and_edited, FFG),
    (touched_by_snakemake, FFG),
    # Nobody reads the weights any more: the values that were made from the right ones are there.
    (copied, {"write_manifest": 1}),
    (damaged, {"write_manifest": 1}),
    (lost_record, {"write_manifest": 1}),
    (other_values, {"make_table": 1, "plot_schematic": 1, "plot_gaps": 1, **CLAIMS, **NOTEBOOK, **PDF}),
    (other_image, {"prepare_data": 1, **BOTH}),
    (newer_torch, {"prepare_data": 1, **BOTH}),
]


@pytest.mark.parametrize(("edit", "expected"), ROWS, ids=[edit.__name__ for edit, _ in ROWS])
def test_exactly_what_must_runs_again(
    finished: Path, edit: Callable[[Path], object], expected: dict[str, int]
) -> None:
    edit(finished)
    done = snakemake(finished, "--dry-run")
    assert done.returncode == 0, done.stderr
    found = planned(done.stdout)
    found.pop("all", None)
    assert found == expected


def test_after_it_has_run_nothing_is_left(finished: Path) -> None:
    other_rate(finished)
    (finished / "ran.txt").unlink()
    assert snakemake(finished, "--cores", "2").returncode == 0
    assert sorted((finished / "ran.txt").read_text().split()) == sorted(
        rule.replace("_", "-") for rule, count in FFG.items() for _ in range(count)
    )
    assert planned(snakemake(finished, "--dry-run").stdout) == {}


def test_the_cache_restores_a_training_after_everything_was_deleted(
    project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    cache = {"SNAKEMAKE_OUTPUT_CACHE": str(tmp_path_factory.mktemp("cache"))}

    def make_weights() -> int:
        done = snakemake(project, "--cache", "--cores", "1", WEIGHTS, **cache)
        assert done.returncode == 0, done.stderr
        return (project / "ran.txt").read_text().split().count("train")

    assert make_weights() == 1
    first = check_content(project / WEIGHTS)
    for folder in ("results", ".snakemake"):
        shutil.rmtree(project / folder)
    assert make_weights() == 1
    assert check_content(project / WEIGHTS) == first
    # Other code of the training is another training.
    append(project, f"{PACKAGE}/training/schedules.py", "\nUNUSED = 1\n")
    shutil.rmtree(project / "results")
    assert make_weights() == 2
