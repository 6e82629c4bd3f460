"""What make says and does, short of installing anything."""

import os
from pathlib import Path

import pytest
from snakemake.cli import parse_config

from inference_gaps.errors import UserError
from scripts.run_snakemake import give_a_home, snakemake_arguments
from tests.packaging.small_clone import make, make_clone, make_python
from tests.small_project import ROOT


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    return make_clone(tmp_path)


@pytest.fixture
def ready(clone: Path) -> Path:
    """A clone whose environment is there; its Snakemake prints its arguments."""
    make(clone, "environment", f"PYTHON={make_python(clone / 'python-for-tests')}")
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
            '[--cores][3][--config][preset= "laptop" ][data_folder= "../my data" ]',
        ),
        (
            ["PRESET=laptop", "COPIES={cifar10: cifar10}"],
            '[--cores][all][--config][preset= "laptop" ][copies= {"cifar10": "cifar10"} ]',
        ),
        (["notebooks", "CORES=2"], "[--cores][2][notebooks]"),
        (["paper", "PRESET=full"], '[--cores][all][paper][--config][preset= "full" ]'),
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


@pytest.mark.parametrize(
    "value",
    [
        *(
            "2024_11",
            "1e3",
            "1:30",
            "null",
            "true",
            "0x10",
            "-x",
            "--cores=1",
            "a=b",
            "trailing ",
            "~",
            "[y]",
        ),
        *("#1 {x} *", 'it\'s "quoted"', "back\\slash\\", "é ü 漢", "&a *a !!x | > %", "a\nb", "'", '"'),
    ],
)
def test_a_value_reaches_snakemake_as_text(value: str) -> None:
    """It reads each value as YAML, unless what is left without quotes at the ends is a number or a truth value."""
    *before, given = snakemake_arguments([f"--data-folder={value}"])
    assert before == ["--cores", "all", "--config"]
    assert parse_config([given]) == {"data_folder": value}


@pytest.mark.parametrize("exported", [False, True])
def test_neither_make_nor_the_shell_reads_a_value(ready: Path, exported: bool) -> None:
    value = "a$b $(HOME) ${HOME} $$ `id` $(id) #1, {x}) it's * \\ ; é"
    done = make(ready, "figures", DATA=value) if exported else make(ready, "figures", f"DATA={value}")
    assert done.returncode == 0, done.stderr
    said = f"DATA={value} is taken from the environment.\n" if exported else ""
    before, _, given = done.stdout.partition("data_folder=")
    assert before == f"{said}[--cores][all][figures][--config]["
    assert parse_config([f"data_folder={given.removesuffix(']')}"]) == {"data_folder": value}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["preset=laptop"],
            "There is no preset to give; there are PRESET DATA COPIES FRESH CORES PROFILE PYTHON.",
        ),
        (["PRESETS=laptop", "PRESET=quick"], "There is no PRESETS to give"),
        (["CORES=0"], "CORES is '0'; write how many jobs may run at once, or all."),
        (["CORES=-1"], "CORES is '-1'; write"),
        (["CORES=abc"], "CORES is 'abc'; write"),
        (["CORES=1.5"], "CORES is '1.5'; write"),
        (["COPIES={cifar10"], "'{cifar10', which is not YAML; write which copy for which data set"),
        (["DATA=a\x7fb"], "a value holds bytes that are not text in UTF-8, or control characters"),
        ([b"DATA=\xff"], "a value holds bytes that are not text in UTF-8, or control characters"),
    ],
)
def test_what_cannot_be_given_starts_nothing(ready: Path, arguments: list[str], sentence: str) -> None:
    done = make(ready, *arguments)
    assert done.returncode != 0
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert "[" not in done.stdout


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine with the plugin for Slurm and the programs of Slurm, which do nothing; return their folder."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name: name == "snakemake_executor_plugin_slurm" or None
    )
    for name in ("sbatch", "squeue"):
        (tmp_path / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_on_a_cluster_jobs_run_as_the_profile_says(cluster: Path) -> None:
    of_profile = ["--workflow-profile", "workflow/profiles/slurm", "--cores", "1"]
    assert snakemake_arguments(["--cluster=slurm", "--cores=all"]) == of_profile
    assert snakemake_arguments(["--cluster=slurm", "--cores=7", "tables"]) == [
        *of_profile,
        "--jobs",
        "7",
        "tables",
    ]


def test_a_profile_may_lie_anywhere(cluster: Path) -> None:
    (cluster / "profile.yaml").write_text("executor: slurm\n")
    assert snakemake_arguments([f"--cluster={cluster}"])[:2] == ["--workflow-profile", str(cluster)]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, r"PROFILE is '.*'; write a folder of workflow/profiles \(slurm\), or the path of one"),
        ("jobs: 5", "profile.yaml does not say on what jobs run; write `executor: slurm` in it"),
        ("[", "profile.yaml does not say on what jobs run"),
        (
            "executor: slrum",
            "Snakemake has no plugin for executor slrum of .*; install snakemake-executor-plugin-slrum",
        ),
    ],
)
def test_a_profile_that_will_not_do_is_a_sentence(content: str | None, sentence: str, cluster: Path) -> None:
    folder = cluster / "own"
    folder.mkdir()
    if content is not None:
        (folder / "profile.yaml").write_text(content)
    with pytest.raises(UserError, match=sentence):
        snakemake_arguments([f"--cluster={folder}"])


def test_what_a_cluster_needs_is_said(cluster: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (cluster / "sbatch").unlink()
    with pytest.raises(
        UserError, match="sbatch and squeue are not here; log in where jobs are submitted from"
    ):
        snakemake_arguments(["--cluster=slurm"])
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"run .venv/bin/pip install --editable '\.\[slurm\]'"):
        snakemake_arguments(["--cluster=slurm"])


@pytest.mark.parametrize(
    ("home", "given"),
    [("{here}", "{here}"), ("/proc/1", "{here}/.snakemake/home"), ("~", "{here}/.snakemake/home")],
)
def test_there_is_a_folder_for_caches_where_the_user_has_none(
    home: str, given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", home.format(here=tmp_path))
    Path(".snakemake").mkdir()
    give_a_home()
    assert os.environ["HOME"] == given.format(here=tmp_path)
    assert os.access(os.environ["HOME"], os.W_OK)


def test_what_is_given_wins_over_the_environment(ready: Path) -> None:
    made(ready)
    done = make(ready, "PRESET=quick", "CORES=", PRESET="laptop", COPIES="{mnist: mnist}", preset="full")
    assert done.stdout == (
        "COPIES={mnist: mnist} is taken from the environment.\n"
        '[--cores][all][--config][preset= "quick" ][copies= {"mnist": "mnist"} ]'
        "The report is paper/replication-quick.pdf; tables are in results/quick, figures in figures/quick.\n"
    )


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
    configured = '[--config][preset= "laptop" ]'
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
