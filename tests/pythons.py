"""The other versions of Python on this machine that the project can be used with."""

import shutil
import subprocess
import sys
from pathlib import Path

__all__ = ["pythons"]


def _candidates() -> list[str]:
    found = [shutil.which(f"python3.{minor}") for minor in range(11, 30)]
    if shutil.which("pyenv"):
        root = subprocess.run(["pyenv", "root"], capture_output=True, text=True, check=True).stdout.strip()
        found += [str(path) for path in sorted(Path(root).glob("versions/*/bin/python"))]
    return [path for path in found if path]


def pythons() -> dict[str, str]:
    """Return a Python of each version since 3.11 that is on the path or below ``pyenv root``, by its version."""
    program = "import sys; print('%d.%d' % sys.version_info[:2])"
    found = {}
    for path in [sys.executable, *_candidates()]:
        asked = subprocess.run([path, "-I", "-c", program], capture_output=True, text=True)
        major, _, minor = asked.stdout.strip().partition(".")
        # What pyenv puts on the path fails where its version is not chosen.
        if asked.returncode == 0 and (int(major), int(minor)) >= (3, 11):
            found.setdefault(f"{major}.{minor}", path)
    return found
