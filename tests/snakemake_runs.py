"""Running Snakemake from tests, and reading what it says."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.small_project import ROOT

__all__ = ["NOTHING", "make", "planned", "snakemake"]

NOTHING = "Nothing to be done (all requested files are present and up to date)."


def snakemake(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Snakemake in a folder, without the environment being activated; ``src/`` in the folder comes first."""
    return _run(folder, str(Path(sys.executable).parent / "snakemake"), *arguments, **variables)


def make(folder: Path, *targets: str) -> subprocess.CompletedProcess[str]:
    """Run Snakemake in a folder as ``make`` does: a server forks its jobs, which need not wait for PyTorch."""
    program = str(ROOT / "scripts/run_snakemake.py")
    return _run(folder, sys.executable, "-P", program, "--cores", "2", *targets)


def _run(folder: Path, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    sources = f"{folder / 'src'}:{ROOT / 'src'}"
    environment = {**os.environ, "PATH": "/usr/bin:/bin", "PYTHONPATH": sources} | variables
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600)


def planned(output: str) -> dict[str, int]:
    """Return how many jobs of each rule a dry run lists."""
    table = output.split("Job stats:")[1].split("total")[0] if "Job stats:" in output else ""
    return {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE)}
