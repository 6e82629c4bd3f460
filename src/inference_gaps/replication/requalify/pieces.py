"""The code in pieces, which are executed as a whole or not at all.

A piece is a statement, or what is evaluated within one only at times: either side of ``a if x else b``, all but the
first operand of ``and``, ``or`` and a chain of comparisons, the body of a ``lambda``, what a comprehension makes.
Pieces belong to units: functions, methods, the rest of a class, statements of a module.

The text of a piece is without its annotations and without nested pieces, and names have their meaning in it: what
is imported goes by its name where it comes from, and a constant of a module by its value. So where a name comes to
mean something else, the pieces that use it are other ones.
"""

import ast
import copy
import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from inference_gaps.replication.artifacts.source_tree import PACKAGE, SourceTree
from inference_gaps.replication.artifacts.syntax import canonical_syntax

__all__ = ["Code", "Piece", "Unit", "arms", "is_text", "mark"]

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_DEFINITIONS = (*_FUNCTIONS, ast.ClassDef)
_IMPORTS = (ast.Import, ast.ImportFrom)
_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")
_ANNOTATIONS = ("annotation", "returns", "type_params")
_ORDER = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE)
# They end a job without a result, whatever they say.
_ENDS = ("UserError", "NotImplementedError")

Names = Callable[[str], str]


@dataclass(frozen=True)
class Piece:
    """A piece of a module.

    Attributes:
        module: its full name.
        line: where it begins.
        place: the blocks that it is in.
        text: what it does; see the module.
        trace: the mark of what is executed if it is; None if that does not matter.
        values: numbers other than 0 and 1, and comparisons; of what is set once for all uses, every constant.
    """

    module: str
    line: int
    place: str
    text: str
    trace: int | None
    values: Counter[str]


def arms(node: ast.AST) -> list[ast.expr]:
    """Return the children of a node that are evaluated at times, or at other times than the node."""
    if isinstance(node, ast.IfExp):
        return [node.body, node.orelse]
    if isinstance(node, ast.BoolOp):
        return node.values[1:]
    if isinstance(node, ast.Compare):
        return node.comparators[1:]
    if isinstance(node, ast.Lambda):
        return [node.body]
    if isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp):
        return [node.elt]
    if isinstance(node, ast.DictComp):
        return [node.key, *([node.value] if node.value else [])]
    if isinstance(node, ast.comprehension):
        return node.ifs
    if isinstance(node, ast.match_case) and node.guard:
        return [node.guard]
    return [node.msg] if isinstance(node, ast.Assert) and node.msg else []


def mark(tree: ast.Module) -> ast.Module:
    """Number the statements and arms of a module, in an attribute ``mark`` of each, and return it."""
    waiting: list[ast.AST] = [tree]
    count = 0
    while waiting:
        node = waiting.pop()
        inner = {id(arm) for arm in arms(node)}
        for child in ast.iter_child_nodes(node):
            waiting.append(child)
            if isinstance(child, ast.stmt) or id(child) in inner:
                child.mark = count  # type: ignore[attr-defined]
                count += 1
    return tree


def is_text(node: ast.AST) -> bool:
    """Return whether a statement is a text that stands alone, such as a docstring."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _ends(node: ast.AST) -> bool:
    """Whether a statement ends the job without a result."""
    raised = node.exc if isinstance(node, ast.Raise) else None
    raised = raised.func if isinstance(raised, ast.Call) else raised
    return isinstance(raised, ast.Name) and raised.id in _ENDS


def _is_check(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and not node.orelse and all(map(_ends, node.body))


def _cut(node: Any, names: Names, root: bool = True) -> Any:
    """Return a copy without what belongs to other pieces, and with names by their meaning."""
    if not isinstance(node, ast.AST):
        return node
    if not root and hasattr(node, "mark"):
        return ast.Name("...")
    if isinstance(node, ast.Name):
        return ast.Name(names(node.id), node.ctx)
    found = copy.copy(node)
    for name, value in ast.iter_fields(node):
        if name in _ANNOTATIONS or (name in _BLOCKS and isinstance(value, list)):
            setattr(found, name, None if name == "annotation" else [])
        elif isinstance(value, list):
            setattr(found, name, [_cut(item, names, False) for item in value])
        else:
            setattr(found, name, _cut(value, names, False))
    return found


def _values(cut: ast.AST, every: bool) -> Counter[str]:
    defaults: set[int] = set()
    for node in ast.walk(cut):
        if isinstance(node, ast.arguments):
            given = [value for value in (*node.defaults, *node.kw_defaults) if value]
            defaults |= {id(inner) for value in given for inner in ast.walk(value)}
    found: Counter[str] = Counter()
    for node in ast.walk(cut):
        if isinstance(node, ast.Compare):
            found.update(type(operator).__name__ for operator in node.ops if isinstance(operator, _ORDER))
        elif isinstance(node, ast.Constant):
            number = type(node.value) in (int, float, complex) and node.value not in (0, 1)
            if number or ((every or id(node) in defaults) and node.value is not None):
                found[repr(node.value)] += 1
    return found


@dataclass(frozen=True)
class Unit:
    """A function or method with all that is in it, the rest of a class, or a statement of a module."""

    module: str
    name: str
    statements: list[ast.stmt]
    names: Names

    @cached_property
    def pieces(self) -> list[Piece]:
        """Its pieces, in their order."""
        return self._with(self.names)

    @cached_property
    def digest(self) -> str:
        """Of the texts of its pieces."""
        return _digest(self.pieces)

    @cached_property
    def digest_renamed(self) -> str:
        """The same with its local variables numbered."""
        local = {name: f"local {index}" for index, name in enumerate(self._local_variables())}
        return _digest(self._with(lambda name: local.get(name) or self.names(name)))

    def _local_variables(self) -> list[str]:
        """Return names that are set in the function itself, and nowhere in it bound by other means."""
        if not isinstance(self.statements[0], _FUNCTIONS):
            return []
        bound: set[str] = set()
        for node in ast.walk(self.statements[0]):
            names = getattr(node, "names", []) if isinstance(node, ast.Global | ast.Nonlocal) else []
            given = [getattr(node, each, None) for each in ("arg", "name", "asname", "rest")]
            bound |= {*names, *(name for name in given if isinstance(name, str))}
        found: list[str] = []
        waiting: list[ast.AST] = list(self.statements[0].body)
        while waiting:
            node = waiting.pop(0)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id not in bound:
                found.append(node.id)
            own_scope = (*_DEFINITIONS, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
            waiting[:0] = [] if isinstance(node, own_scope) else ast.iter_child_nodes(node)
        return list(dict.fromkeys(found))

    def _with(self, names: Names) -> list[Piece]:
        return [
            piece for statement in self.statements for piece in self._of(statement, "", names, check=False)
        ]

    def _of(self, node: ast.AST, place: str, names: Names, check: bool) -> Iterator[Piece]:
        """Yield a statement, a handler, a case or an arm, and what is in it."""
        check = check or _is_check(node)
        cut = _cut(node, names)
        every = not isinstance(self.statements[0], _FUNCTIONS)
        text = "raise" if _ends(node) else canonical_syntax(cut)
        values = Counter() if check or _ends(node) else _values(cut, every)
        line = node.pattern.lineno if isinstance(node, ast.match_case) else node.lineno  # type: ignore[attr-defined]
        yield Piece(self.module, line, place, text, _trace(node), values)
        for arm in _arms_in(node):
            yield from self._of(arm, f"{place}/arm", names, check)
        # Methods are units of their own.
        blocks = () if isinstance(node, ast.ClassDef) and not place else _BLOCKS
        for block in blocks:
            inner = getattr(node, block, [])
            for child in inner if isinstance(inner, list) else []:
                if not is_text(child) and not isinstance(child, _IMPORTS):
                    yield from self._of(child, f"{place}/{block}", names, check=False)


def _trace(node: ast.AST) -> int | None:
    if isinstance(node, (*_FUNCTIONS, ast.ExceptHandler, ast.match_case)):
        # Whether it was entered.
        node = next((child for child in node.body if not is_text(child)), ast.Pass())
    return None if _ends(node) else getattr(node, "mark", None)


def _arms_in(node: ast.AST) -> Iterator[ast.expr]:
    """Yield the outermost arms below a node that belong to its own piece."""
    inner = {id(arm) for arm in arms(node)}
    for child in ast.iter_child_nodes(node):
        if id(child) in inner:
            yield child  # type: ignore[misc]
        elif not isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case):
            yield from _arms_in(child)


def _digest(pieces: list[Piece]) -> str:
    text = "\n".join(f"{piece.place} {piece.text}" for piece in pieces)
    return hashlib.sha256(text.encode()).hexdigest()


class Code:
    """All code of the package as it lies in a folder.

    Args:
        root: the folder of the package.
    """

    def __init__(self, root: Path) -> None:
        self.sources = SourceTree(root)
        files = (path.relative_to(root.parent).with_suffix("") for path in sorted(root.rglob("*.py")))
        self.modules = [".".join(file.parts).removesuffix(".__init__") for file in files]
        self._meaning = cache(self._meaning_of)

    @cached_property
    def units(self) -> list[Unit]:
        """All units, module by module."""
        return [unit for module in self.modules for unit in self._units_of(module)]

    def _units_of(self, module: str) -> Iterator[Unit]:
        def names(name: str) -> str:
            return self._meaning(module, name)

        def within(statements: list[ast.stmt], owner: str) -> Iterator[Unit]:
            for statement in statements:
                if isinstance(statement, _FUNCTIONS):
                    yield Unit(module, f"{owner}{statement.name}", [statement], names)
                elif isinstance(statement, ast.ClassDef):
                    rest = [
                        each
                        for each in statement.body
                        if not isinstance(each, _DEFINITIONS) and not is_text(each)
                    ]
                    yield Unit(module, f"{owner}{statement.name}", [statement, *rest], names)
                    yield from within(statement.body, f"{owner}{statement.name}.")
                elif not owner and not is_text(statement) and not isinstance(statement, _IMPORTS):
                    name = ", ".join(_assigned(statement)) or type(statement).__name__
                    if name != "__all__" and not _is_for_type_checkers(statement):
                        yield Unit(module, name, [statement], names)

        yield from within(mark(self.sources.tree(module)).body, "")

    @cached_property
    def _definitions(self) -> dict[str, dict[str, ast.AST]]:
        """What each module defines, by name: a function, a class, or the value of a constant."""
        found: dict[str, dict[str, ast.AST]] = {}
        for module in self.modules:
            of_module = found.setdefault(module, {})
            for node in self.sources.tree(module).body:
                if isinstance(node, _DEFINITIONS):
                    of_module[node.name] = node
                elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
                    of_module |= dict.fromkeys(_assigned(node), node.value)
        return found

    @cached_property
    def _origins(self) -> dict[str, dict[str, str]]:
        """What the names that each module imports stand for."""
        found: dict[str, dict[str, str]] = {}
        for module in self.modules:
            of_module = found.setdefault(module, {})
            for node in ast.walk(self.sources.tree(module)):
                if isinstance(node, ast.Import):
                    for alias in node.names:
                        whole = alias.name if alias.asname else alias.name.partition(".")[0]
                        of_module[alias.asname or whole] = whole
                elif isinstance(node, ast.ImportFrom):
                    of_module |= {
                        each.asname or each.name: f"{node.module}.{each.name}" for each in node.names
                    }
        return found

    @cached_property
    def _same_name(self) -> Mapping[str, set[str]]:
        """The digests of all functions and classes of a name."""
        found: dict[str, set[str]] = {}
        for definitions in self._definitions.values():
            for name, node in definitions.items():
                if isinstance(node, _DEFINITIONS):
                    found.setdefault(name, set()).add(canonical_syntax(node))
        return found

    def _meaning_of(self, module: str, name: str) -> str:
        """Return what a name stands for in a module: see the module ``pieces``."""
        origin = self._origins[module].get(name)
        if origin is None:
            return self._definition(module, name)
        home, _, own = origin.rpartition(".")
        if origin.partition(".")[0] != PACKAGE:
            return origin
        return (
            self._definition(home, own) if home in self._definitions and origin not in self.modules else own
        )

    def _definition(self, module: str, name: str) -> str:
        node = self._definitions[module].get(name)
        if node is None:
            again = self._origins[module].get(name)
            return self._meaning(module, name) if again else name
        if isinstance(node, _DEFINITIONS) and len(self._same_name[name]) == 1:
            return name
        return f"{name} {hashlib.sha256(canonical_syntax(node).encode()).hexdigest()[:16]}"


def _assigned(node: ast.AST) -> list[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [
        each.id for target in targets if target for each in ast.walk(target) if isinstance(each, ast.Name)
    ]


def _is_for_type_checkers(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
