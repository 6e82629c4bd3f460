"""The code of a job, as digests of its parts.

The parts are the stage, which is all that its command reaches by imports, and the posterior families that the
specification of the job or what it reads names. A stage imports a family once it is asked for it; so an edit of one
family concerns those jobs alone that name it.

A digest in the ledger, ``equivalent_code.csv``, stands for another one, of code whose results were shown to be the
same to the bit.
"""

import csv
import functools
import hashlib
import importlib.metadata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from inference_gaps.replication.artifacts.source_tree import PACKAGE, SourceTree
from inference_gaps.specs.families import FAMILIES

__all__ = [
    "LEDGER",
    "SOURCES",
    "code_digest",
    "code_of",
    "families_named",
    "module_of",
    "package_versions",
    "standing",
]

SOURCES = SourceTree(Path(__file__).parents[2])
LEDGER = Path(__file__).with_name("equivalent_code.csv")

_LOADS_FAMILIES = f"{PACKAGE}.posteriors.registry"
_NAMES_FAMILIES = f"{PACKAGE}.specs.families"
# Packages that compute or draw, by the name that they are imported by.
_COMPUTING = {
    name: name for name in ("matplotlib", "numpy", "pandas", "scipy", "seaborn", "torch", "typst")
} | {"PIL": "pillow"}
_ALWAYS = ("numpy", "torch")


def module_of(command: str) -> str:
    """Return the module of a subcommand."""
    return f"{PACKAGE}.replication.commands.{command.replace('-', '_')}"


def code_digest(module: str) -> str:
    """Return a digest of the code that counts in the modules that a module reaches."""
    return SOURCES.digest(module)


def families_named(spec: Any, read: Iterable[Mapping[str, str]] = ()) -> tuple[str, ...]:
    """Return the posterior families that a job is asked for: those of its specification and of what it reads.

    Args:
        spec: the resolved specification, as JSON has it.
        read: the code of each artifact that is read, as :func:`code_of` returns it.
    """
    found = set(_named(spec))
    for code in read:
        for part in code:
            kind, _, names = part.partition(" ")
            found |= set(names.split()) if kind in ("family", "labels") else set()
    return tuple(name for name in FAMILIES if name in found)


def _named(spec: Any) -> Iterator[str]:
    if isinstance(spec, Mapping):
        for key, value in spec.items():
            if key in ("family", "trained_with"):
                yield value
            elif key == "local":
                yield from value
            else:
                yield from _named(value)
    elif isinstance(spec, list):
        for value in spec:
            yield from _named(value)


def code_of(command: str, families: Sequence[str]) -> dict[str, str]:
    """Return the digest of each part of the code of a job, as 16 hexadecimal digits.

    Args:
        command: the subcommand.
        families: those that :func:`families_named` returns.
    """
    module = module_of(command)
    parts = {command: code_digest(module)[:16]}
    reached = SOURCES.modules(module)
    if _LOADS_FAMILIES in reached:
        parts |= {f"family {name}": _family_digest(name) for name in families}
    elif families and any(_NAMES_FAMILIES in SOURCES.imports(name) for name in reached):
        # What is shown has the labels of families, in their order.
        labels = "".join(f"{name}\0{FAMILIES[name].label}\0" for name in families)
        parts[f"labels {' '.join(families)}"] = _shortened(labels)
    return parts


def _family_digest(name: str) -> str:
    entry = FAMILIES[name]
    return _shortened(f"{entry.place}\0{code_digest(entry.module)}")


def _shortened(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@functools.cache
def _ledger() -> dict[tuple[str, str], str]:
    with LEDGER.open(newline="", encoding="utf-8") as file:
        return {(line["part"], line["digest"]): line["stands_for"] for line in csv.DictReader(file)}


def standing(code: Mapping[str, str]) -> dict[str, str]:
    """Return what the digest of each part of some code stands for: itself, where the ledger lacks it."""
    return {part: _ledger().get((part, digest), digest) for part, digest in code.items()}


def package_versions(command: str) -> dict[str, str]:
    """Return the versions of the packages that what counts for a subcommand computes with, without build labels.

    ``2.13.0+cpu`` and ``2.13.0+cu130`` are the same release on two kinds of machine.
    """
    used = SOURCES.packages(module_of(command)) & set(_COMPUTING)
    names = sorted({*_ALWAYS, *(_COMPUTING[name] for name in used)})
    return {name: _release(name) for name in names}


@functools.cache
def _release(package: str) -> str:
    return importlib.metadata.version(package).split("+")[0]
