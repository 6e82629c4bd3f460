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

from inference_gaps.errors import UserError
from inference_gaps.replication.artifacts.syntax import canonical_syntax

__all__ = [
    "WITHOUT_INFLUENCE",
    "NotPlanned",
    "code_digest",
    "code_of",
    "fingerprint",
    "fingerprint_of",
    "identity",
    "make_provenance",
    "package_versions",
    "without_contents",
]

_PACKAGE = "inference_gaps"
_ROOT = Path(__file__).parents[2]
_COMPUTING_PACKAGES = ("numpy", "torch")
# What no result depends on, as tests prove: when and where a job stops and goes on (tests/resuming and tests/faults
# compare the bits), what it says meanwhile, what is noted of it afterwards, which process it runs in (tests/warm
# compares the bits). An edit there would otherwise make every training anew.
WITHOUT_INFLUENCE = (
    "numerics.checkpoint",
    "replication.artifacts.run_records",
    "replication.jobs",
    "replication.warm",
)


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


@functools.cache
def _parsed(module: str) -> tuple[str, frozenset[str]]:
    file = _module_file(module)
    if file is None:
        return "", frozenset()
    tree = ast.parse(file.read_text(encoding="utf-8"))
    ours = frozenset(
        name for name in _imports(tree) if name.startswith(f"{_PACKAGE}.") and _module_file(name) is not None
    )
    return canonical_syntax(tree), ours


@functools.cache
def code_digest(module: str, without: tuple[str, ...] = WITHOUT_INFLUENCE) -> str:
    """Hash the syntax of ``module`` and of every module of this package that it imports, at any depth.

    Comments, docstrings and formatting do not count, nor do the modules and folders ``without``.
    """
    closure: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in closure:
            closure.add(name)
            waiting.extend(
                other
                for other in _parsed(name)[1]
                if not f"{other}.".startswith(tuple(f"{_PACKAGE}.{name}." for name in without))
            )
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


class NotPlanned(UserError):
    """A job is about to make something else than the study asks for.

    Attributes:
        provenance: of what it would make.
        planned: the fingerprint that the study asks for.
    """

    def __init__(self, provenance: dict[str, Any], planned: str) -> None:
        super().__init__(
            f"what it reads, its specification or its code is not what the fingerprint {planned} stands for; leave "
            f"--fingerprint out to make this all the same."
        )
        self.provenance, self.planned = provenance, planned


def code_of(command: str) -> str:
    """Return the digest of the code that a subcommand can reach, as 16 hexadecimal digits."""
    return code_digest(f"{_PACKAGE}.replication.commands.{command.replace('-', '_')}")[:16]


def identity(provenance: Mapping[str, Any]) -> str:
    """Return how what is made from an artifact refers to it: its fingerprint, and the start of its digest.

    The fingerprint says which job made it. The digest tells two runs of that job apart.
    """
    return f"{provenance['fingerprint']}:{provenance['sha256'][:16]}"


def without_contents(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """Return a provenance that names what was read by fingerprint alone.

    What is drawn or typeset does not show how long a training took; neither do then its bytes.
    """
    inputs = {role: made_by.partition(":")[0] for role, made_by in provenance["inputs"].items()}
    return {**provenance, "inputs": inputs}


def fingerprint(command: str, spec: Mapping[str, Any], inputs: Mapping[str, str]) -> str:
    """Return the fingerprint of a job as 16 hexadecimal digits.

    Args:
        command: the subcommand, such as ``evaluate-iwae``.
        spec: the resolved specification of the job, JSON-serialisable.
        inputs: the fingerprint or the identity of each artifact that the job reads, by role; only the
            fingerprint of it counts.
    """
    return fingerprint_of(
        {
            "code": code_of(command),
            "command": command,
            "inputs": inputs,
            "packages": package_versions(),
            "spec": spec,
        }
    )


def fingerprint_of(provenance: Mapping[str, Any]) -> str:
    """Return the fingerprint of a job by what a provenance says of it.

    Raises:
        KeyError: it does not say enough.
    """
    by_name = without_contents(provenance)
    content = {name: by_name[name] for name in ("code", "command", "inputs", "packages", "spec")}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def make_provenance(
    command: str, spec: Mapping[str, Any], inputs: Mapping[str, str], planned: str | None = None
) -> dict[str, Any]:
    """Return what an artifact says of itself: command, specification, code, inputs, packages, fingerprint.

    Args:
        command: the subcommand.
        spec: the resolved specification of the job.
        inputs: the identity of each artifact that the job reads, and the digest of each other file, by role.
        planned: the fingerprint that the study asks for, if the job is part of one.

    Raises:
        NotPlanned: the fingerprint is another than the one ``planned``.
    """
    provenance = {
        "code": code_of(command),
        "command": command,
        "inputs": dict(inputs),
        "packages": package_versions(),
        "spec": dict(spec),
    }
    provenance["fingerprint"] = fingerprint_of(provenance)
    if planned is not None and provenance["fingerprint"] != planned:
        raise NotPlanned(provenance, planned)
    return provenance
