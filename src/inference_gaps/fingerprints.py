"""Fingerprints: one hash of everything that decides what a job makes.

A job's fingerprint covers its command, its specification with the names of its keys, the code that the
command can reach, the fingerprints of what it reads, and the versions of the packages that compute.
The workflow passes it to Snakemake as a parameter, so that a job runs again exactly when it has to; the
command writes it into what it makes.
"""

import ast
import functools
import hashlib
import importlib.metadata
import importlib.util
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

__all__ = ["code_digest", "fingerprint", "make_provenance", "package_versions"]

_PACKAGE = "inference_gaps"
_ROOT = Path(__file__).parent
_COMPUTING_PACKAGES = ("numpy", "torch")


def _module_file(module: str) -> Path | None:
    relative = Path(*module.split(".")[1:])
    for candidate in (_ROOT / relative.with_suffix(".py"), _ROOT / relative / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


def _imports(tree: ast.AST) -> Iterable[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body = node.body[1:] or [ast.Pass()]
    return tree


@functools.cache
def _parsed(module: str) -> tuple[str, frozenset[str]]:
    file = _module_file(module)
    if file is None:
        return "", frozenset()
    tree = ast.parse(file.read_text(encoding="utf-8"))
    ours = frozenset(
        name for name in _imports(tree) if name.startswith(f"{_PACKAGE}.") and _module_file(name) is not None
    )
    return ast.unparse(_without_docstrings(tree)), ours


@functools.cache
def code_digest(module: str) -> str:
    """Hash the syntax of ``module`` and of every module of this package that it imports, at any depth.

    Comments, docstrings and formatting do not count.
    """
    closure: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in closure:
            closure.add(name)
            waiting.extend(_parsed(name)[1])
    digest = hashlib.sha256()
    for name in sorted(closure):
        digest.update(f"{name}\0{_parsed(name)[0]}\0".encode())
    return digest.hexdigest()


@functools.cache
def package_versions() -> dict[str, str]:
    """Return the versions of the packages whose numerics decide a result, without build labels.

    ``2.13.0+cpu`` and ``2.13.0+cu130`` are the same release on two kinds of machine.
    """
    return {name: importlib.metadata.version(name).split("+")[0] for name in _COMPUTING_PACKAGES}


def fingerprint(command: str, spec: Mapping[str, Any], inputs: Mapping[str, str]) -> str:
    """Return the fingerprint of a job as 16 hexadecimal digits.

    Args:
        command: the subcommand, such as ``evaluate-iwae``.
        spec: the resolved specification of the job, JSON-serialisable.
        inputs: the fingerprint of each artifact that the job reads, by role.
    """
    module = f"{_PACKAGE}.commands.{command.replace('-', '_')}"
    content = {
        "code": code_digest(module),
        "command": command,
        "inputs": dict(inputs),
        "packages": package_versions(),
        "spec": spec,
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def make_provenance(command: str, spec: Mapping[str, Any], inputs: Mapping[str, str]) -> dict[str, Any]:
    """Return what an artifact says of itself: command, specification, inputs, packages, fingerprint."""
    return {
        "command": command,
        "fingerprint": fingerprint(command, spec, inputs),
        "inputs": dict(inputs),
        "packages": package_versions(),
        "spec": dict(spec),
    }
