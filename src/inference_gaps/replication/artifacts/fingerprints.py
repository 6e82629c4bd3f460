"""Fingerprints: one hash of everything that decides what a job makes.

A job's fingerprint covers its command, its specification with the names of its keys, the code that decides what
it makes (:mod:`~inference_gaps.replication.artifacts.code`), the fingerprints of what it reads, and the versions of
the packages that it computes with.
The workflow passes it to Snakemake as a parameter, so that a job runs again exactly when it has to; the
command writes it into what it makes.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from inference_gaps.errors import UserError
from inference_gaps.replication.artifacts.code import code_of, families_named, package_versions, standing

__all__ = [
    "NotPlanned",
    "fingerprint",
    "fingerprint_of",
    "identity",
    "make_provenance",
    "without_contents",
]


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


def fingerprint(
    command: str, spec: Mapping[str, Any], inputs: Mapping[str, str], code: Mapping[str, str]
) -> str:
    """Return the fingerprint of a job as 16 hexadecimal digits.

    Args:
        command: the subcommand, such as ``evaluate-iwae``.
        spec: the resolved specification of the job, JSON-serialisable.
        inputs: the fingerprint or the identity of each artifact that the job reads, by role; only the
            fingerprint of it counts.
        code: the digest of each part of its code.
    """
    return fingerprint_of(
        {
            "code": standing(code),
            "command": command,
            "inputs": inputs,
            "packages": package_versions(command),
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
    command: str,
    spec: Mapping[str, Any],
    inputs: Mapping[str, str | Mapping[str, Any]],
    planned: str | None = None,
) -> dict[str, Any]:
    """Return what an artifact says of itself: command, specification, code, inputs, packages, fingerprint.

    The code is what that of the job stands for, by the ledger; beside it, in ``exact_code``, is its own.

    Args:
        command: the subcommand.
        spec: the resolved specification of the job.
        inputs: the provenance of each artifact that the job reads, and the digest of each other file, by role.
        planned: the fingerprint that the study asks for, if the job is part of one.

    Raises:
        NotPlanned: the fingerprint is another than the one ``planned``.
    """
    read = {role: made_by for role, made_by in inputs.items() if not isinstance(made_by, str)}
    exact = code_of(command, families_named(spec, [made_by.get("code", {}) for made_by in read.values()]))
    provenance = {
        "code": standing(exact),
        "command": command,
        "exact_code": exact,
        "inputs": {**inputs, **{role: identity(made_by) for role, made_by in read.items()}},
        "packages": package_versions(command),
        "spec": dict(spec),
    }
    provenance["fingerprint"] = fingerprint_of(provenance)
    if planned is not None and provenance["fingerprint"] != planned:
        raise NotPlanned(provenance, planned)
    return provenance
