"""Whether the code that runs is the code of this folder.

After ``cp -r project copy``, the programs in ``copy/.venv/bin`` are those of the original and import its code; so
does any program where ``PYTHONPATH`` names another checkout. Results of the copy would not change with its code.
"""

from pathlib import Path

__all__ = ["code_of_another_folder"]

_RUNS = Path(__file__).resolve().parents[1]


def code_of_another_folder(top: Path) -> str | None:
    """Return a sentence if ``top`` has code of its own and the code that runs is not it; else ``None``."""
    own = top / "src" / "inference_gaps"
    if not own.is_dir() or own.samefile(_RUNS):
        return None
    return (
        f"the code that runs is that of {_RUNS.parents[1]}, not that of this folder; run 'make', which sets up "
        f".venv for this folder, and leave PYTHONPATH unset."
    )
