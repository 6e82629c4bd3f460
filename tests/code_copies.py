"""A copy of the package that a test may edit, as the code that fingerprints are of."""

import shutil
from pathlib import Path

import pytest

from inference_gaps.replication.artifacts import code
from inference_gaps.replication.artifacts.source_tree import SourceTree
from tests.small_project import ROOT

__all__ = ["CodeCopy"]


class CodeCopy:
    """A copy in a folder, in place of the package for as long as a test runs."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = folder / "inference_gaps"
        self._monkeypatch = monkeypatch
        shutil.copytree(ROOT / "src/inference_gaps", self.root, ignore=shutil.ignore_patterns("__pycache__"))
        self._read_again()

    def _read_again(self) -> None:
        self._monkeypatch.setattr(code, "SOURCES", SourceTree(self.root))

    def replace(self, file: str, old: str, new: str) -> None:
        """Edit a file, which has to have ``old``."""
        path = self.root / file
        text = path.read_text()
        assert old in text, file
        path.write_text(text.replace(old, new, 1))
        self._read_again()

    def append(self, file: str, line: str) -> None:
        """Add a line to a file, which need not be there yet."""
        with (self.root / file).open("a") as content:
            content.write(f"\n{line}\n")
        self._read_again()
