"""What lies in a folder, to make sure that a failure leaves it as it was."""

import os
from pathlib import Path

__all__ = ["contents"]


def contents(folder: Path) -> dict[str, bytes | str]:
    """Return the content of every file below ``folder`` by its path, and the kind of everything else."""
    found: dict[str, bytes | str] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = f"link to {os.readlink(path)}"
        elif path.is_file():
            found[name] = path.read_bytes()
        else:
            found[name] = "folder" if path.is_dir() else "special"
    return found
