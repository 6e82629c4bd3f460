"""Copies of the code that note which of its pieces were executed, by the marks of :mod:`.pieces`."""

import ast
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Any

from inference_gaps.replication.requalify.pieces import arms, is_text, mark

__all__ = ["NOTED", "copy_traced"]

NOTED = "executed_pieces"
"""The module, beside the copied package, whose ``noted`` has the marks of all that was executed, by module."""

_NOTE = "_note_piece"


def copy_traced(package: Path, folder: Path, modules: Collection[str]) -> None:
    """Copy a package into a folder; some of its modules note what is executed of them.

    Args:
        package: its folder.
        folder: where the copy goes.
        modules: full names of the modules that note it.
    """
    copied = folder / package.name
    shutil.copytree(package, copied, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / f"{NOTED}.py").write_text("noted = {}\n")
    for path in copied.rglob("*.py"):
        parts = path.relative_to(folder).with_suffix("").parts
        module = ".".join(parts).removesuffix(".__init__")
        if module in modules:
            path.write_text(_traced(path.read_text(encoding="utf-8"), module), encoding="utf-8")


def _traced(text: str, module: str) -> str:
    tree = mark(ast.parse(text))
    found = _Tracer().visit(tree)
    first = next((index for index, each in enumerate(found.body) if not _comes_first(each)), len(found.body))
    found.body[first:first] = ast.parse(
        f"from {NOTED} import noted\n{_NOTE} = noted.setdefault({module!r}, set()).add"
    ).body
    return ast.unparse(ast.fix_missing_locations(found))


def _comes_first(statement: ast.stmt) -> bool:
    """Whether a statement is a docstring or an import from the future."""
    return is_text(statement) or (isinstance(statement, ast.ImportFrom) and statement.module == "__future__")


class _Tracer(ast.NodeTransformer):
    def _note(self, node: Any) -> ast.expr:
        return ast.Call(ast.Name(_NOTE, ast.Load()), [ast.Constant(node.mark)], [])

    def generic_visit(self, node: ast.AST) -> ast.AST:
        """Note each statement before it is executed, and each arm before it is evaluated."""
        inner = {id(arm) for arm in arms(node)}
        for name, value in ast.iter_fields(node):
            if isinstance(value, list):
                setattr(node, name, [new for item in value for new in self._followed(item, inner)])
            elif isinstance(value, ast.AST):
                setattr(node, name, self._followed(value, inner)[-1])
        return node

    def _followed(self, item: Any, inner: Collection[int]) -> list[Any]:
        if not isinstance(item, ast.AST):
            return [item]
        new: Any = self.generic_visit(item)
        if id(item) in inner:
            both = ast.Tuple([self._note(item), new], ast.Load())
            return [ast.Subscript(both, ast.Constant(1), ast.Load())]
        if isinstance(item, ast.stmt) and not _comes_first(item):
            return [ast.Expr(self._note(item)), new]
        return [new]
