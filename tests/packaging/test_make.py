"""What make says and does, short of installing anything."""

from pathlib import Path

import pytest

from tests.packaging.small_clone import make, make_clone, make_environment
from tests.small_project import ROOT


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    return make_clone(tmp_path)


@pytest.fixture
def ready(clone: Path) -> Path:
    """A clone whose environment is there; its Snakemake prints its arguments."""
    make_environment(clone)
    return clone


def made(clone: Path, preset: str = "quick") -> Path:
    """Put a report where a run would."""
    report = clone / f"paper/replication-{preset}.pdf"
    report.parent.mkdir(exist_ok=True)
    report.touch()
    return report


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
            '[--cores][3][--config][preset="laptop"][data_folder="../my data"]',
        ),
        (
            ["PRESET=laptop", "COPIES={cifar10: cifar10}"],
            '[--cores][all][--config][preset="laptop"][copies={"cifar10": "cifar10"}]',
        ),
        (["notebooks", "CORES=2"], "[--cores][2][notebooks]"),
        (["paper", "PRESET=full"], '[--cores][all][paper][--config][preset="full"]'),
    ],
)
def test_make_calls_snakemake(ready: Path, arguments: list[str], snakemake: str) -> None:
    preset = next((word.removeprefix("PRESET=") for word in arguments if word.startswith("PRESET=")), "quick")
    made(ready, preset)
    called, _, closing = make(ready, *arguments).stdout.partition("The report is ")
    assert called == snakemake
    named = f"paper/replication-{preset}.pdf; tables are in results/{preset}, figures in figures/{preset}."
    whole = not {"figures", "notebooks", "paper"} & set(arguments)
    assert closing == (f"{named}\n" if whole else "")


@pytest.mark.parametrize("line", ['preset: "laptop"  # not quick', "preset: &chosen laptop"])
def test_the_report_is_that_of_the_configuration(ready: Path, line: str) -> None:
    config = ready / "config/config.yaml"
    config.write_text(config.read_text().replace("\npreset: quick", f"\n{line}"))
    made(ready, "quick")
    done = make(ready)
    assert "there is no paper/replication-laptop.pdf" in done.stderr
    assert done.returncode != 0
    made(ready, "laptop")
    assert "The report is paper/replication-laptop.pdf; tables are in results/laptop" in make(ready).stdout


def test_the_page_to_browse_is_made_of_a_whole_run(ready: Path) -> None:
    made(ready, "laptop")
    (ready / "paper/workflow-laptop.html").touch()
    run, page = "[--cores][all]", "paper/workflow-laptop.html"
    configured = '[--config][preset="laptop"]'
    report = (
        "The report is paper/replication-laptop.pdf; tables are in results/laptop, figures in figures/laptop."
    )
    assert make(ready, "html", "PRESET=laptop").stdout == (
        f"{run}{configured}{run}[--report][{page}]{configured}{report}\n"
        f"Figures, tables, notebooks and run times are in {page}.\n"
    )


def test_help_names_every_target(clone: Path) -> None:
    said = make(clone, "help").stdout
    targets = (ROOT / "Makefile").read_text().split(".PHONY: ")[1].split("\n")[0].split()
    assert [
        name for name in targets if name not in ("replicate", "help") and f"make {name} " not in said
    ] == []
