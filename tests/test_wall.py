"""The wall of the fingerprint: what decides results imports what counts, and what is named here."""

import ast
import sys

import pytest

from inference_gaps.replication.artifacts.code import SOURCES
from inference_gaps.replication.artifacts.source_tree import PACKAGE, imported, is_counted
from tests.small_project import ROOT

_SOURCE = ROOT / "src" / PACKAGE
MODULES = sorted(
    ".".join(path.relative_to(_SOURCE.parent).with_suffix("").parts).removesuffix(".__init__")
    for path in _SOURCE.rglob("*.py")
)
COUNTED = [name for name in MODULES if is_counted(name)]

# What specifications are made of is hashed as such; what stops and resumes, tests show, changes no bit.
_LIBRARY_MAY = ("errors", "specs", "numerics.checkpoint")
# Files come and go as they are, to the bit.
_REPLICATION_MAY = (
    *_LIBRARY_MAY,
    "replication.artifacts",
    "replication.specs",
    "replication.jobs.progress_bar",
)
# Third-party packages by what imports them.
_PACKAGES = {
    "": ("numpy", "torch"),
    "summary": ("pandas", "scipy"),
    # What no stage of the pipeline asks for.
    "foreign": ("matplotlib", "pandas", "PIL", "safetensors", "tqdm"),
    "replication.analysis": ("pandas",),
    "replication.data": ("PIL",),
    "replication.figures": ("matplotlib", "pandas", "seaborn"),
    "replication.notebooks": (
        "jupyter_client",
        "jupytext",
        "nbclient",
        "nbconvert",
        "nbformat",
        "pygments",
        "traitlets",
        "yaml",
    ),
    "replication.report": ("pandas", "typst"),
}


def _is_below(name: str, places: tuple[str, ...]) -> bool:
    return any(f"{name}.".startswith(f"{PACKAGE}.{place}.") for place in places)


@pytest.mark.parametrize("module", COUNTED)
def test_what_counts_imports_what_counts(module: str) -> None:
    may = _REPLICATION_MAY if _is_below(module, ("replication",)) else _LIBRARY_MAY
    ours = [name for name in SOURCES.imports(module) if name.startswith(f"{PACKAGE}.")]
    modules = {name if name in MODULES else name.rpartition(".")[0] for name in ours}
    assert [name for name in sorted(modules) if not is_counted(name) and not _is_below(name, may)] == []


@pytest.mark.parametrize("module", COUNTED)
def test_what_counts_computes_with_packages_that_are_named(module: str) -> None:
    used = {name.partition(".")[0] for name in SOURCES.imports(module)} - {PACKAGE, *sys.stdlib_module_names}
    allowed = {
        name
        for place, names in _PACKAGES.items()
        if not place or _is_below(module, (place,))
        for name in names
    }
    assert used <= allowed


@pytest.mark.parametrize("module", COUNTED)
def test_imports_can_be_read_off_what_counts(module: str) -> None:
    """All are absolute and by name, but for families, which the registry imports when they are asked for."""
    for node in ast.walk(SOURCES.tree(module)):
        assert not (isinstance(node, ast.ImportFrom) and node.level), module
    dynamic = {"importlib", "pkgutil", "runpy"} & {name.partition(".")[0] for name in SOURCES.imports(module)}
    if module == f"{PACKAGE}.replication.report.numbers":
        dynamic -= {"importlib"}  # The versions of packages.
    assert dynamic == ({"importlib"} if module == f"{PACKAGE}.posteriors.registry" else set())


def test_a_wall_has_two_sides() -> None:
    """Imports for type checkers alone do not count; a folder that is not named does not either."""
    text = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import torch\nelse:\n    import numpy"
    assert set(imported(ast.parse(text))) == {"typing", "typing.TYPE_CHECKING", "numpy"}
    counted = {
        name.removeprefix(f"{PACKAGE}.").removeprefix("replication.").partition(".")[0] for name in COUNTED
    }
    assert {"bounds", "data", "exact", "figures", "models", "posteriors", "training"} <= counted
    assert not counted & {"artifacts", "config", "errors", "jobs", "specs", "study", "warm", "replication"}
