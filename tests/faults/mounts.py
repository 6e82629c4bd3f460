"""Small and read-only file systems, which fail as a full or foreign disk does, also for the superuser."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

__all__ = ["file_system"]


@contextlib.contextmanager
def file_system(folder: Path, *options: str) -> Iterator[Path]:
    """Mount a file system of memory at ``folder``; skip the test where that is not allowed.

    Args:
        folder: is made.
        options: such as ``size=64k``, or ``ro`` after it is filled (see :func:`mount`).
    """
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only the superuser can mount a small file system")
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", ",".join(["mode=0755", *options]), "tmpfs", str(folder)],
        capture_output=True,
        text=True,
    )
    if made.returncode != 0:
        pytest.skip(f"a file system cannot be mounted here: {made.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
