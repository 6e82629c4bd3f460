"""A clone of the project whose environment is there, without anything being installed."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from tests.small_project import ROOT

__all__ = ["make", "make_clone", "make_environment"]

_OF_THE_USER = ("PRESET", "DATA", "COPIES", "CORES", "PYTHON", "PYTHONPATH", "VIRTUAL_ENV")
_COMMAND = "import sys; from inference_gaps.replication.warm.client import main; sys.exit(main())"


def make_clone(top: Path) -> Path:
    """Copy what make needs, the sources included, below ``top``; return ``top``."""
    for name in ("Makefile", "Snakefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, top)
    for name in ("config", "scripts", "workflow", "src"):
        ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
        shutil.copytree(ROOT / name, top / name, ignore=ignored)
    return top


def make_environment(top: Path) -> None:
    """Give a clone an environment that runs its own code on the packages of this one.

    Its ``snakemake`` only prints what it was given.
    """
    programs = top / ".venv/bin"
    packages = top / f".venv/lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
    for folder in (programs, packages):
        folder.mkdir(parents=True)
    base = Path(os.path.realpath(sys.executable))
    (top / ".venv/pyvenv.cfg").write_text(f"home = {base.parent}\n")
    (programs / "python").symlink_to(base)
    (packages / "all.pth").write_text(f"{top / 'src'}\n{sysconfig.get_paths()['purelib']}\n")
    _program(programs / "inference-gaps", f'exec "{programs}/python" -c "{_COMMAND}" "$@"')
    _program(programs / "snakemake", 'printf "[%s]" "$@"')
    (top / ".venv/.ready").touch()


def _program(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)


def make(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run make in a folder, in an environment that says nothing of this run of the tests."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in _OF_THE_USER and not name.startswith(("MAKE", "PYTEST"))
    }
    return subprocess.run(
        ["make", *arguments],
        cwd=folder,
        env=inherited | variables,
        capture_output=True,
        text=True,
        timeout=60,
    )
