"""What a notebook says of itself: which artifacts it reads, and which code of this package it imports.

The artifacts stand in the header of the file, below ``results/PRESET``::

    # ---
    # jupyter:
    #   inference_gaps:
    #     reads:
    #       - table2.csv
    # ---
"""

import ast
import hashlib
from pathlib import Path
from typing import Any

import yaml

from inference_gaps.errors import UserError
from inference_gaps.replication.artifacts.code import code_digest, standing
from inference_gaps.replication.artifacts.source_tree import PACKAGE, imported

__all__ = ["imported_code", "reads", "text_of"]

_FENCE = "# ---"
_EXAMPLE = "write it as the notebooks that come with the project do (docs/workflow.md)"


def text_of(notebook: Path) -> str:
    """Return the text of a notebook.

    Raises:
        UserError: it cannot be read.
    """
    try:
        return notebook.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"{notebook} cannot be read ({error.strerror}); restore it.") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{notebook} is not text in UTF-8; save it as such.") from error


def _header(notebook: Path) -> dict[str, Any]:
    lines = text_of(notebook).splitlines()
    if _FENCE not in lines[:1] or _FENCE not in lines[1:]:
        raise UserError(f"{notebook} does not begin with a header between two lines '{_FENCE}'; {_EXAMPLE}.")
    inside = lines[1 : lines.index(_FENCE, 1)]
    try:
        header = yaml.safe_load("\n".join(line.removeprefix("#").removeprefix(" ") for line in inside))
    except yaml.YAMLError as error:
        raise UserError(f"The header of {notebook} is not YAML; {_EXAMPLE}.") from error
    return header if isinstance(header, dict) else {}


def reads(notebook: Path) -> list[str]:
    """Return the artifacts that a notebook reads, as its header has them: paths below ``results/PRESET``.

    Raises:
        UserError: the notebook cannot be read, or its header does not say.
    """
    found: Any = _header(notebook)
    for key in ("jupyter", "inference_gaps", "reads"):
        found = found.get(key) if isinstance(found, dict) else None
    if not isinstance(found, list) or not found or not all(isinstance(path, str) for path in found):
        raise UserError(
            f"{notebook} does not list what it reads below jupyter: inference_gaps: reads: of its header; "
            f"{_EXAMPLE}."
        )
    return found


def imported_code(notebook: Path) -> str:
    """Return a digest of the code of this package that a notebook imports, at any depth; 16 hexadecimal digits.

    It is what that of the code stands for, by the ledger.

    Raises:
        UserError: the notebook cannot be read, or is not Python.
    """
    try:
        tree = ast.parse(text_of(notebook))
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        where = f"line {line} of {notebook}" if line else str(notebook)
        raise UserError(f"{where} is not Python ({getattr(error, 'msg', error)}); correct it.") from error
    ours = sorted({name for name in imported(tree) if name.partition(".")[0] == PACKAGE})
    lines = "\n".join(f"{name} {code_digest(name)}" for name in ours)
    digest = hashlib.sha256(lines.encode()).hexdigest()[:16]
    return standing({"imports": digest})["imports"]
