"""Whether the artifacts on disk are what the study asks for, and in which field they differ if not."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference_gaps.errors import UserError
from inference_gaps.replication.artifacts.code import package_versions, standing
from inference_gaps.replication.artifacts.fingerprints import fingerprint_of
from inference_gaps.replication.artifacts.records import Provenance, read_provenance
from inference_gaps.replication.stages import STAGES
from inference_gaps.replication.study.jobs import Job, Jobs

__all__ = ["Artifacts", "joined", "made_from_others"]

_OTHER_VERSION = "was made by another version of this program"
_FROM = "was made from "
_MOST_NAMED = 3
_MOST_CHARACTERS = 40
_MOST_IN_ALL = 300
_ABSENT = object()


class Artifacts:
    """The artifacts of a study as they lie on disk; each is looked at once."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._seen: dict[Path, Provenance | None] = {}

    def provenance(self, path: Path) -> Provenance | None:
        """Return what made an artifact; ``None`` if it is missing, or no record fits it."""
        if path not in self._seen:
            try:
                self._seen[path] = read_provenance(path)
            except UserError:
                self._seen[path] = None
        return self._seen[path]

    def why_stale(self, path: Path) -> str | None:
        """Say why the readable artifact at ``path`` is not what its job makes; ``None`` if it is.

        Returns:
            The end of a sentence that begins with the artifact, such as "was trained with learning_rate 0.001, this
            study asks 0.0005".
        """
        made_by, job = self.provenance(path), self._jobs[path]
        if made_by is None:
            return "has no record that fits it"
        try:
            if fingerprint_of(made_by) != made_by["fingerprint"]:
                return "does not have the fingerprint of what its record says: that was altered"
            found = _differences(made_by, job) or list(dict.fromkeys(self._of_inputs(made_by, job)))
        except (KeyError, TypeError, AttributeError):
            return _OTHER_VERSION
        if found:
            return joined(found)
        return None if made_by["fingerprint"] == job.fingerprint else _OTHER_VERSION

    def refusal(self, made_by: Provenance, planned: str, paths: Iterable[str]) -> str | None:
        """Say why a job that is about to run is not the one of the study; ``None`` if the study has no such job.

        Args:
            made_by: what the record of its outputs would say.
            planned: the fingerprint that it should have.
            paths: files that the job was given, its outputs among them.
        """
        by_path = (self._jobs[path] for path in map(Path, paths) if path in self._jobs)
        same = (job for job in by_path if job.stage == made_by["command"])
        job = next((job for job in self._jobs if job.fingerprint == planned), None) or next(same, None)
        if job is None:
            return None
        for role, source in job.inputs.items():
            if made_by["inputs"].get(role, "").partition(":")[0] != job.read[role]:
                reason = self.why_stale(source) if source in self._jobs else None
                return f"{source} {reason or 'is not the one that this study asks for'}"
        return "the configuration or the code has changed since this run was planned"

    def _of_inputs(self, made_by: Provenance, job: Job) -> Iterator[str]:
        """Say which inputs of an artifact are not those that the study asks for."""
        if set(made_by["inputs"]) != {*job.inputs, *job.digests}:
            yield "was made from other inputs than this study asks for"
            return
        for role, digest in job.digests.items():
            if made_by["inputs"][role] != digest:
                yield f"was made from other data: {role} has changed"
        for role, source in job.inputs.items():
            read = made_by["inputs"][role].partition(":")[0]
            if read == job.read[role]:
                continue
            if source not in self._jobs:
                yield f"was made from another {source}: that file has changed"
                continue
            on_disk = self.provenance(source)
            reason = self.why_stale(source) if on_disk and on_disk["fingerprint"] == read else None
            if reason is None:
                yield f"was made from another {source} than this study makes"
            else:
                # Where the source itself is well but for what it was made from, only that is named.
                yield reason if reason.startswith(_FROM) else f"{_FROM}{source}, which {reason}"
        for source in self._changed_inputs(job):
            yield f"{_FROM}other values of {source} than those that are there now"

    def _changed_inputs(self, job: Job) -> list[Path]:
        """Return the inputs that were made again, by the same job but with other content, after they were read."""
        made_by = filter(None, map(self.provenance, job.outputs.values()))
        return list(
            dict.fromkeys(path for each in made_by for path in made_from_others(each, job, self.made))
        )

    def made(self, path: Path) -> Provenance | None:
        """Return what made an artifact that a job of the study makes; ``None`` of any other file."""
        return self.provenance(path) if path in self._jobs else None


def made_from_others(
    made_by: Provenance, job: Job, provenance: Callable[[Path], Provenance | None]
) -> list[Path]:
    """Return the inputs of a job that have the fingerprint that an output of it was made from, but other content.

    Pictures do not say which content they show; the numbers beside them do.

    Args:
        made_by: what made the output.
        job: the job.
        provenance: what made an input that is there.
    """
    found = []
    for role, source in job.inputs.items():
        there = provenance(source)
        read, _, content = made_by.get("inputs", {}).get(role, "").partition(":")
        if there and there["fingerprint"] == read and not there["sha256"].startswith(content):
            found.append(source)
    return found


@dataclass(frozen=True)
class _Difference:
    """A field by its dotted name, its value in one specification and in the other."""

    field: str
    found: str
    asked: str


def _text(value: Any) -> str:
    if value is _ABSENT:
        return "absent"
    text = value if isinstance(value, str) and value else json.dumps(value)
    return text if len(text) <= _MOST_CHARACTERS else f"{text[: _MOST_CHARACTERS - 1]}…"


def _spec_differences(found: Any, asked: Any, place: str = "") -> Iterator[_Difference]:
    """Yield the fields in which two specifications differ."""
    if isinstance(found, Mapping) and isinstance(asked, Mapping):
        pairs = [(key, found.get(key, _ABSENT), asked.get(key, _ABSENT)) for key in sorted({*found, *asked})]
    elif isinstance(found, list) and isinstance(asked, list) and len(found) == len(asked):
        pairs = [(str(index), *both) for index, both in enumerate(zip(found, asked, strict=True))]
    else:
        if found != asked:
            yield _Difference(place, _text(found), _text(asked))
        return
    for key, one, other in pairs:
        yield from _spec_differences(one, other, f"{place}.{key}" if place else key)


def joined(parts: list[str]) -> str:
    """Return a list as a phrase; of a long one, the first parts and how many more there are."""
    fits = [len(", ".join(parts[: number + 1])) <= _MOST_IN_ALL for number in range(_MOST_NAMED)]
    shown = parts[: max(1, sum(fits))]
    if len(parts) > len(shown):
        shown.append(f"{len(parts) - len(shown)} more")
    return ", ".join(shown[:-1]) + " and " + shown[-1] if len(shown) > 1 else shown[0]


def _differences(made_by: Provenance, job: Job) -> list[str]:
    """Say in which fields an artifact differs from the one that ``job`` makes, its inputs left aside.

    Each is the end of a sentence that begins with the artifact. The list is empty if there is no difference.
    """
    if made_by["command"] != job.stage:
        return [f"was made by {made_by['command']}, this study asks for {job.stage}"]
    verb = STAGES[job.stage].made
    found = []
    fields = list(_spec_differences(made_by["spec"], job.spec.as_dict()))
    if fields:
        theirs = joined([f"{each.field} {each.found}" for each in fields])
        ours = joined([each.asked for each in fields])
        found.append(f"was {verb} with {theirs}, this study asks {ours}")
    packages = list(_spec_differences(made_by["packages"], package_versions(job.stage)))
    if packages:
        theirs = joined([f"{each.field} {each.found}" for each in packages])
        ours = joined([each.asked for each in packages])
        found.append(f"was {verb} with {theirs}, here is {ours}")
    parts = [each.field for each in _spec_differences(made_by["code"], standing(job.code))]
    if parts:
        found.append(f"was {verb} by other code of {joined(parts)}")
    return found
