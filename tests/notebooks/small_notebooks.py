"""Notebooks of a few lines, for tests."""

from pathlib import Path

__all__ = ["HEADER", "write_notebook"]

HEADER = """\
# ---
# jupyter:
#   inference_gaps:
#     reads:
#       - {reads}
# ---
"""


def write_notebook(path: Path, *cells: str, reads: str = "gaps.csv") -> Path:
    """Write a notebook with these cells of code, which reads one artifact."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n# %%\n".join([HEADER.format(reads=reads), *cells]) + "\n")
    return path
