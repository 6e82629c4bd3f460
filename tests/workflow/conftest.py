"""A copy of the workflow and of the package in a folder of its own, whose commands only make files."""

import shutil
from pathlib import Path

import pytest

from tests.small_project import ROOT, make_project

_STUB = '''"""Makes the files that a command was asked for, and computes nothing."""

import sys
from pathlib import Path


def main():
    command, *options = sys.argv[1:]
    values = dict(zip(options[::2], options[1::2]))
    if command == "train" and Path("broken").exists():
        sys.exit("inference-gaps train: the disk is full; free some space.")
    paths = [values[flag] for flag in ("--output", "--metrics", "--csv", "--markdown", "--latex") if flag in values]
    if "--output-prefix" in values:
        paths += [f"{values['--output-prefix']}.{suffix}" for suffix in ("pdf", "png", "csv")]
    if command == "write-report":
        paths.append(f"{values['--results']}/report.json")
    for path in paths:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(path)
'''


@pytest.fixture
def project(tmp_path: Path) -> Path:
    make_project(tmp_path)
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copy(ROOT / "Snakefile", tmp_path)
    shutil.copytree(ROOT / "workflow", tmp_path / "workflow")
    (tmp_path / "profiles").symlink_to("workflow/profiles")
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=ignored)
    (tmp_path / "src/inference_gaps/cli.py").write_text(_STUB)
    return tmp_path
