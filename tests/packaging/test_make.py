"""What make says and does, short of installing anything."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.small_project import ROOT


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    unset = {
        key: value
        for key, value in clean.items()
        if key not in ("PRESET", "DATA", "COPIES", "CORES", "PYTHON")
    }
    return subprocess.run(
        ["make", *arguments], cwd=folder, env=unset, capture_output=True, text=True, timeout=60
    )


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "config", tmp_path / "config")
    return tmp_path


@pytest.fixture
def ready(clone: Path) -> Path:
    """A clone whose environment is there; its Python prints its arguments."""
    (clone / ".venv/bin").mkdir(parents=True)
    program = clone / ".venv/bin/python"
    program.write_text('#!/bin/sh\nprintf "[%s]" "$@"\n')
    program.chmod(0o755)
    (clone / ".venv/.ready").touch()
    return clone


def test_an_old_python_is_a_sentence(clone: Path) -> None:
    old = clone / "old-python"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    done = make(clone, "PYTHON=./old-python")
    assert done.returncode != 0
    assert (
        "Python 3.11 or newer is needed, and ./old-python is not; name one: make PYTHON=python3.12"
        in done.stderr
    )
    assert not (clone / ".venv").exists()


@pytest.mark.parametrize(
    ("arguments", "snakemake"),
    [
        ([], "[--cores][all]"),
        (["figures"], "[--cores][all][figures]"),
        (
            ["PRESET=laptop", "DATA=../my data", "CORES=3"],
            "[--cores][3][--config][preset=laptop][data_folder=../my data]",
        ),
        (
            ["PRESET=laptop", "COPIES={cifar10: cifar10}"],
            "[--cores][all][--config][preset=laptop][copies={cifar10: cifar10}]",
        ),
        (["notebooks", "CORES=2"], "[--cores][2][notebooks]"),
        (["paper", "PRESET=full"], "[--cores][all][paper][--config][preset=full]"),
    ],
)
def test_make_calls_snakemake(ready: Path, arguments: list[str], snakemake: str) -> None:
    called, _, closing = make(ready, *arguments).stdout.partition("The report is ")
    assert called == f"[scripts/run_snakemake.py]{snakemake}"
    preset = "laptop" if "PRESET=laptop" in arguments else "quick"
    named = f"paper/replication-{preset}.pdf; tables are in results/{preset}, figures in figures/{preset}."
    whole = not {"figures", "notebooks", "paper"} & set(arguments)
    assert closing == (f"{named}\n" if whole else "")


def test_the_page_to_browse_is_made_of_a_whole_run(ready: Path) -> None:
    said = make(ready, "html", "PRESET=laptop").stdout
    first, _, rest = said.partition("\n")
    assert first.startswith("[scripts/run_snakemake.py][--cores][all][--config][preset=laptop]")
    page = "paper/workflow-laptop.html"
    assert rest.startswith(
        f"[scripts/run_snakemake.py][--cores][all][--report][{page}][--config][preset=laptop]"
    )
    assert rest.endswith(f"notebooks and run times are in {page}.\n")


def test_clean_removes_one_preset_and_no_downloads(ready: Path) -> None:
    kept = [
        "results/laptop/a",
        "data/downloads/mnist/a",
        "paper/replication-laptop.pdf",
        "paper/published.csv",
    ]
    removed = [
        "results/quick/a",
        "figures/quick/a",
        "paper/replication-quick.pdf",
        "paper/workflow-quick.html",
    ]
    for name in kept + removed:
        (ready / name).parent.mkdir(parents=True, exist_ok=True)
        (ready / name).touch()
    assert make(ready, "clean").returncode == 0
    assert [name for name in kept + removed if (ready / name).exists()] == kept


def test_help_names_every_target(clone: Path) -> None:
    said = make(clone, "help").stdout
    targets = (ROOT / "Makefile").read_text().split(".PHONY: ")[1].split("\n")[0].split()
    assert [
        name for name in targets if name not in ("replicate", "help") and f"make {name} " not in said
    ] == []
