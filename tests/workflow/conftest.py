"""A copy of the workflow and of the package in a folder of its own, whose commands only make files."""

import shutil
from pathlib import Path

import pytest

from tests.small_project import ROOT, make_project


@pytest.fixture
def project(tmp_path: Path) -> Path:
    make_project(tmp_path)
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copy(ROOT / "Snakefile", tmp_path)
    shutil.copytree(ROOT / "workflow", tmp_path / "workflow")
    (tmp_path / "profiles").symlink_to("workflow/profiles")
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=ignored)
    shutil.copy(ROOT / "tests/workflow/stub_cli.py", tmp_path / "src/inference_gaps/cli.py")
    return tmp_path
