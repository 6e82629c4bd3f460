"""The house: the library knows nothing of the replication, and the imports have no circle."""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import inference_gaps

_ROOT = Path(inference_gaps.__file__).parent
_UPPER = "inference_gaps.replication"
_DOORS = ("inference_gaps.__main__", "inference_gaps.replication.__main__")
# What a library must not know: a command line, a person before a terminal, the workflow.
_NOT_OF_A_LIBRARY = {"argparse", "tqdm", "snakemake", "subprocess", "multiprocessing", "signal"}
# A measurement takes a minute of somebody's time, who may ask for a bar.
_WITH_A_BAR = "inference_gaps.foreign.bar"

Graph = dict[str, set[str]]


def _name(file: Path) -> str:
    parts = ["inference_gaps", *file.relative_to(_ROOT).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {_name(file): file for file in _ROOT.rglob("*.py")}


def _imported(tree: ast.AST) -> Iterator[str]:
    """Name what is imported anywhere in a module, in functions and for types alone, too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in FILES else node.module


IMPORTS: Graph = {name: set(_imported(ast.parse(file.read_text()))) - {name} for name, file in FILES.items()}
LIBRARY = {name: IMPORTS[name] for name in FILES if not name.startswith(_UPPER) and name not in _DOORS}


def _chapter(name: str) -> str:
    """Return the folder that a module lies in; one that lies in no chapter stands for itself."""
    folder = _name(FILES[name].parent / "__init__.py")
    return name if folder in ("inference_gaps", _UPPER) else folder


def _circles(graph: Mapping[str, set[str]]) -> list[str]:
    """Return what is left when both ends, what imports nothing and what nothing imports, are cut off repeatedly."""
    left = {name: {other for other in targets if other in graph} for name, targets in graph.items()}
    while ends := set(left) - {name for name in left if left[name]} | set(left) - set().union(*left.values()):
        left = {name: targets - ends for name, targets in left.items() if name not in ends}
    return sorted(left)


def test_the_library_does_not_import_the_replication() -> None:
    upwards = {
        name: [other for other in imported if f"{other}.".startswith(f"{_UPPER}.")]
        for name, imported in LIBRARY.items()
    }
    assert {name: others for name, others in upwards.items() if others} == {}


def test_the_library_knows_no_command_line() -> None:
    met = {
        name: {other.split(".")[0] for other in imported} & _NOT_OF_A_LIBRARY
        for name, imported in LIBRARY.items()
    }
    assert {name: others for name, others in met.items() if others} == {_WITH_A_BAR: {"tqdm"}}


def test_no_modules_import_each_other() -> None:
    assert _circles(IMPORTS) == []


def test_no_chapters_import_each_other() -> None:
    chapters: Graph = defaultdict(set)
    for name, imported in IMPORTS.items():
        chapters[_chapter(name)] |= {_chapter(other) for other in imported if other in FILES}
        chapters[_chapter(name)].discard(_chapter(name))
    assert _circles(chapters) == []
