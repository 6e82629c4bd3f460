"""The source code of this package: which modules decide results, and what of them a module reaches.

What counts is a matter of folders: the library without ``specs`` (a resolved specification has every default
written out, and is hashed itself), and of the replication what reads images and what makes tables, pictures and
text of values. All else plans, parses, writes, stops and resumes.
"""

import ast
import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from inference_gaps.replication.artifacts.syntax import canonical_syntax

__all__ = ["PACKAGE", "SourceTree", "imported", "is_counted"]

PACKAGE = "inference_gaps"

_LIBRARY_APART = ("__main__", "errors", "numerics.checkpoint", "replication", "specs")
_REPLICATION = ("analysis", "data", "figures", "notebooks", "report")
# They only parse, load, call and write; what they call counts.
_PASSED_THROUGH = ("commands", "storage")


def _is_below(name: str, places: Iterable[str]) -> bool:
    return any(f"{name}.".startswith(f"{place}.") for place in places)


def is_counted(module: str) -> bool:
    """Return whether the code of a module, by its full name, decides results."""
    package, _, name = module.partition(".")
    above = name.removeprefix("replication.")
    if package != PACKAGE or not name:
        return False
    return _is_below(above, _REPLICATION) if above != name else not _is_below(name, _LIBRARY_APART)


def _is_passed_through(module: str) -> bool:
    above = module.removeprefix(f"{PACKAGE}.replication.")
    return above != module and _is_below(above, _PASSED_THROUGH)


def imported(node: ast.AST) -> Iterator[str]:
    """Yield the names that are imported below a node, at any depth, but for type checkers alone."""
    below: Iterable[ast.AST] = ast.iter_child_nodes(node)
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        below = node.orelse
    elif isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield node.module
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
    for child in below:
        yield from imported(child)


class SourceTree:
    """The modules of this package as they lie in a folder; each is read once.

    Args:
        root: the folder of the package.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.tree = cache(self._tree)
        self.imports = cache(self._imports)
        self.text = cache(self._text)
        self.modules = cache(self._modules)
        self.digest = cache(self._digest)
        self.packages = cache(self._packages)

    def file(self, module: str) -> Path | None:
        """Return the file of a module, by its full name; ``None`` if there is no such module."""
        package, *names = module.split(".")
        place = self.root.joinpath(*names)
        files = (place.with_suffix(".py"), place / "__init__.py")
        return next((file for file in files if file.is_file()), None) if package == PACKAGE else None

    def _tree(self, module: str) -> ast.Module:
        """Return the syntax tree of a module."""
        file = self.file(module)
        return ast.parse(file.read_text(encoding="utf-8") if file else "")

    def _imports(self, module: str) -> frozenset[str]:
        """Return what a module imports, of this package and of others."""
        return frozenset(imported(self.tree(module)))

    def _text(self, module: str) -> str:
        """Return the canonical text of a module."""
        return canonical_syntax(self.tree(module))

    def _modules(self, module: str) -> tuple[str, ...]:
        """Return a module and the modules of this package that it reaches by imports, where their code counts."""
        found: set[str] = set()
        waiting = [module]
        while waiting:
            name = waiting.pop()
            if name in found or not (name == module or is_counted(name) or _is_passed_through(name)):
                continue
            if self.file(name):
                found.add(name)
                # Python runs the folder of a module before the module.
                waiting += [name.rpartition(".")[0], *self.imports(name)]
        return tuple(sorted(found))

    def _digest(self, module: str) -> str:
        """Hash the code that counts in the modules that a module reaches."""
        digest = hashlib.sha256()
        for name in self.modules(module):
            if is_counted(name):
                digest.update(f"{name}\0{self.text(name)}\0".encode())
        return digest.hexdigest()

    def _packages(self, module: str) -> frozenset[str]:
        """Return the packages that the code that counts imports, in the modules that a module reaches."""
        counted = filter(is_counted, self.modules(module))
        return frozenset(name.partition(".")[0] for each in counted for name in self.imports(each))
