"""A canonical text of Python code, the same under every version of Python that can read it.

It is made of the names of nodes and fields of the syntax tree. Comments, docstrings, formatting and positions do
not appear in it, nor does what is absent, empty or zero: a newer Python knows fields that an older one does not.

Only the standard library is imported here, so that any Python can be asked for its texts.
"""

import ast
from typing import Any

__all__ = ["canonical_syntax"]

# How a literal was written, and what only type checkers read.
_WITHOUT_MEANING = frozenset({"kind", "type_comment", "type_ignores"})


def canonical_syntax(code: str | ast.AST) -> str:
    """Return the canonical text of source code, or of a syntax tree.

    Raises:
        SyntaxError: the code is not Python.
    """
    parts: list[str] = []
    _write(ast.parse(code) if isinstance(code, str) else code, parts)
    return "".join(parts)


def _write(value: Any, parts: list[str]) -> None:
    if isinstance(value, ast.Constant):
        parts.append(f"Constant({_literal(value.value)})")
    elif isinstance(value, ast.AST):
        parts.append(f"{type(value).__name__}(")
        for name, content in ast.iter_fields(value):
            if name not in _WITHOUT_MEANING and not _is_absent(content):
                parts.append(f"{name}=")
                _write(_joined(content) if isinstance(value, ast.JoinedStr) else content, parts)
        parts.append(")")
    elif isinstance(value, list):
        parts.append("[")
        for item in value:
            if not _is_docstring(item):
                _write(item, parts)
                parts.append(",")
        parts.append("]")
    else:
        parts.append(_literal(value))


def _is_absent(content: Any) -> bool:
    return content is None or content == [] or (type(content) is int and content == 0)


def _is_docstring(item: Any) -> bool:
    """Whether this is a text that stands alone: the docstring of a function, or of the assignment before it."""
    return isinstance(item, ast.Expr) and _is_text(item.value)


def _is_text(item: Any) -> bool:
    return isinstance(item, ast.Constant) and isinstance(item.value, str)


def _joined(parts: list[ast.expr]) -> list[ast.expr]:
    """Return the parts of an f-string without empty texts, which Python 3.12.1 adds."""
    return [part for part in parts if not (isinstance(part, ast.Constant) and part.value == "")]


def _literal(value: Any) -> str:
    """Return a constant as text that no version's tables of characters or limits of digits decide."""
    kind = type(value)
    if kind is str:
        return ascii(value)
    if kind is int:
        return hex(value)
    if kind is float:
        return value.hex()
    if kind is complex:
        return f"complex({value.real.hex()},{value.imag.hex()})"
    return repr(value)
