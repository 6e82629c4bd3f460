"""The environment of a folder: made once, made anew where it is another's, and never another folder's code."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.packaging.small_clone import REAL_VERSION, make, make_clone, make_python
from tests.snakemake_runs import snakemake

VERSION = REAL_VERSION.replace(" ", ".")


@pytest.fixture(scope="module")
def _first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = make_clone(tmp_path_factory.mktemp("first") / "a project")
    (top / "paper").mkdir()
    (top / "paper/replication-quick.pdf").touch()
    return top


@pytest.fixture
def python(tmp_path: Path) -> str:
    """A Python that installs nothing."""
    return str(make_python(tmp_path / "python-for-tests"))


@pytest.fixture
def project(_first: Path, python: str, tmp_path: Path) -> Path:
    """A project whose environment was made by make."""
    top = tmp_path / "a project"
    shutil.copytree(_first, top)
    done = make(top, "environment", f"PYTHON={python}")
    assert done.returncode == 0, done.stderr
    return top


def installed(top: Path) -> list[str]:
    """Return what pip was to install since this was asked."""
    said = top / "pip.txt"
    lines = said.read_text().splitlines() if said.exists() else []
    said.unlink(missing_ok=True)
    return [line.split(" install ")[1] for line in lines]


def say(top: Path, words: str) -> None:
    """Have the code of a folder say something."""
    path = top / "src/inference_gaps/replication/commands/where.py"
    path.write_text(path.read_text() + f"\nprint({words!r})\n")


def test_it_is_made_once(project: Path, python: str) -> None:
    torch = next(
        line for line in (project / "requirements.lock").read_text().splitlines() if "torch==" in line
    )
    assert installed(project) == [torch, "--requirement requirements.lock", "--no-deps --editable ."]
    before = os.stat(project / ".venv/pyvenv.cfg")
    for arguments in ([], [f"PYTHON={python}"], [f"PYTHON={sys.executable}"]):
        done = make(project, "environment", *arguments)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert os.stat(project / ".venv/pyvenv.cfg") == before


@pytest.mark.parametrize("file", ["requirements.lock", "pyproject.toml"])
def test_other_packages_are_installed_into_it(file: str, project: Path) -> None:
    installed(project)
    os.utime(project / file)
    make(project, "environment")
    assert installed(project) == []
    before = os.stat(project / ".venv/pyvenv.cfg")
    (project / file).write_text((project / file).read_text() + "\n")
    make(project, "environment")
    assert len(installed(project)) == 3
    assert os.stat(project / ".venv/pyvenv.cfg") == before


@pytest.mark.parametrize("moved", [False, True], ids=["cp -r", "mv"])
def test_another_folder_gets_an_environment_of_its_own(moved: bool, project: Path) -> None:
    other = project.with_name("another")
    if moved:
        project.rename(other)
    else:
        shutil.copytree(project, other, symlinks=True)
    installed(other)
    say(other, "code of the other")
    done = make(other)
    assert done.returncode == 0, done.stderr
    assert f".venv is made anew: it was made for {project}.\n" in done.stdout
    assert "[--cores][all]code of the other\nThe report is paper/replication-quick.pdf" in done.stdout
    assert len(installed(other)) == 3
    assert make(other).stdout.startswith("[--cores][all]code of the other\n")
    if not moved:
        assert make(project).stdout.startswith("[--cores][all]The report is")


def gone(top: Path) -> None:
    (top / ".venv/bin/python").unlink()
    (top / ".venv/bin/python").symlink_to("/nowhere/python3.12")


def another_version(top: Path) -> None:
    (packages,) = (top / ".venv/lib").iterdir()
    packages.rename(packages.with_name("python3.1"))


def of_an_earlier_makefile(top: Path) -> None:
    (top / ".venv/.ready").write_text("")


def interrupted(top: Path) -> None:
    shutil.rmtree(top / ".venv/bin")


@pytest.mark.parametrize(
    ("happens", "reason"),
    [
        (gone, "the Python that it was made with is gone"),
        (another_version, "the Python that it was made with is gone"),
        (interrupted, "the Python that it was made with is gone"),
        (of_an_earlier_makefile, "it does not say which folder it was made for"),
    ],
)
def test_one_that_does_not_work_is_made_anew(
    happens: object, reason: str, project: Path, python: str, tmp_path: Path
) -> None:
    happens(project)  # type: ignore[operator]
    make_python(tmp_path / "python3")
    done = make(
        project,
        PATH=f"{tmp_path}:{os.environ['PATH']}",
        PYTHON="" if happens is not of_an_earlier_makefile else python,
    )
    assert done.returncode == 0, done.stderr
    assert f".venv is made anew: {reason}.\n" in done.stdout
    assert "The report is" in done.stdout


def test_another_python_makes_it_anew(project: Path, tmp_path: Path) -> None:
    newer = make_python(tmp_path / "newer", "3 99 0")
    done = make(project, "environment", f"PYTHON={newer}")
    assert f".venv is made anew: it was made with Python {VERSION}.\n" in done.stdout
    assert json.loads((project / ".venv/.ready").read_text())["python"] == str(newer)


def test_a_link_is_taken_away_and_what_it_names_stays(project: Path, python: str) -> None:
    elsewhere = project.with_name("elsewhere")
    (project / ".venv").rename(elsewhere)
    other = shutil.copytree(project, project.with_name("other"))
    (other / ".venv").symlink_to(elsewhere)
    done = make(other, "environment")
    assert done.returncode == 0, done.stderr
    assert not (other / ".venv").is_symlink()
    assert (elsewhere / ".ready").exists()


def test_what_something_else_made_is_left_alone(project: Path) -> None:
    (project / ".venv/.ready").unlink()
    done = make(project, "environment")
    assert done.returncode != 0
    assert (
        "make: .venv was made by something else; move it away, then run the same command again."
        in done.stderr
    )
    assert (project / ".venv/bin/python").exists()


_HOLD = """
import sys
from inference_gaps.replication.jobs.run_lock import hold_run
hold_run()
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def going_on(project: Path) -> Iterator[int]:
    with subprocess.Popen(
        [project / ".venv/bin/python", "-c", _HOLD],
        cwd=project, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as run:  # fmt: skip
        assert run.stdout is not None
        assert run.stdout.readline() == "held\n"
        yield run.pid
        run.kill()


def test_it_stays_while_a_run_goes_on(going_on: int, project: Path, tmp_path: Path) -> None:
    assert make(project, "environment").returncode == 0
    done = make(project, "environment", f"PYTHON={make_python(tmp_path / 'newer', '3 99 0')}")
    assert done.returncode != 0
    assert f"a run is going on in this folder (process {going_on})" in done.stderr
    assert make(project, "environment").stdout == ""


def test_an_environment_that_cannot_be_made_is_a_sentence(project: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text(f'#!/bin/sh\ncase "$*" in *venv*) exit 1;; esac\nexec "{sys.executable}" "$@"\n')
    broken.chmod(0o755)
    shutil.rmtree(project / ".venv")
    done = make(project, "environment", f"PYTHON={broken}")
    assert f"{broken} cannot make an environment; install its venv module" in done.stderr
    assert done.returncode != 0
    assert not (project / ".venv").exists()


def test_packages_that_cannot_be_installed_are_a_sentence(project: Path) -> None:
    (pip,) = (project / ".venv").glob("lib/python*/site-packages/pip/__main__.py")
    pip.write_text("raise SystemExit(1)\n")
    (project / "requirements.lock").write_text("torch==2.0\n")
    for _ in range(2):
        done = make(project)
        assert "make: the packages could not be installed, see above" in done.stderr
        assert done.returncode != 0


def test_pythonpath_does_not_lead_to_another_folder(project: Path) -> None:
    other = shutil.copytree(project, project.with_name("other"), symlinks=True)
    say(other, "code of the other")
    done = make(project, PYTHONPATH=str(other / "src"), PYTHONHOME="/nowhere")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("[--cores][all]The report is")


def test_a_program_of_another_folder_refuses(project: Path) -> None:
    """As ``.venv/bin/snakemake`` and ``.venv/bin/inference-gaps`` of a copy are."""
    other = shutil.copytree(project, project.with_name("other"), symlinks=True)
    sentence = f"the code that runs is that of {project}, not that of this folder; run 'make'"
    done = snakemake(other, "--dry-run", PYTHONPATH=str(project / "src"))
    assert f"snakemake: {sentence}" in done.stderr
    assert done.returncode != 0
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [str(other / ".venv/bin/inference-gaps"), "where"]
    said = subprocess.run(command, cwd=other, env=clean, capture_output=True, text=True)
    assert said.stderr.startswith(f"inference-gaps: {sentence}")
    assert said.returncode == 1
    assert (
        "The report is"
        in subprocess.run(command, cwd=project, env=clean, capture_output=True, text=True).stdout
    )
