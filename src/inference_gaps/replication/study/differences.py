"""In which fields an artifact differs from the one that a job of the study makes, as parts of sentences."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from inference_gaps.replication.artifacts.files import Provenance
from inference_gaps.replication.artifacts.fingerprints import code_of, package_versions
from inference_gaps.replication.stages import STAGES
from inference_gaps.replication.study.jobs import Job

__all__ = ["Difference", "differences", "joined", "spec_differences"]

_MOST_NAMED = 3
_MOST_CHARACTERS = 60
_ABSENT = object()


@dataclass(frozen=True)
class Difference:
    """A field by its dotted name, its value in one specification and in the other."""

    field: str
    found: str
    asked: str


def _text(value: Any) -> str:
    if value is _ABSENT:
        return "absent"
    text = value if isinstance(value, str) and value else json.dumps(value)
    return text if len(text) <= _MOST_CHARACTERS else f"{text[: _MOST_CHARACTERS - 1]}…"


def spec_differences(found: Any, asked: Any, place: str = "") -> Iterator[Difference]:
    """Yield the fields in which two specifications differ."""
    if isinstance(found, Mapping) and isinstance(asked, Mapping):
        pairs = [(key, found.get(key, _ABSENT), asked.get(key, _ABSENT)) for key in sorted({*found, *asked})]
    elif isinstance(found, list) and isinstance(asked, list) and len(found) == len(asked):
        pairs = [(str(index), *both) for index, both in enumerate(zip(found, asked, strict=True))]
    else:
        if found != asked:
            yield Difference(place, _text(found), _text(asked))
        return
    for key, one, other in pairs:
        yield from spec_differences(one, other, f"{place}.{key}" if place else key)


def joined(parts: list[str]) -> str:
    """Return a list as a phrase; of a long one, the first parts and how many more there are."""
    shown = parts[:_MOST_NAMED]
    if len(parts) > _MOST_NAMED:
        shown.append(f"{len(parts) - _MOST_NAMED} more")
    return ", ".join(shown[:-1]) + " and " + shown[-1] if len(shown) > 1 else shown[0]


def differences(made_by: Provenance, job: Job) -> list[str]:
    """Say in which fields an artifact differs from the one that ``job`` makes, its inputs left aside.

    Each is the end of a sentence that begins with the artifact. The list is empty if there is no difference.
    """
    if made_by["command"] != job.command:
        return [f"was made by {made_by['command']}, this study asks for {job.command}"]
    verb = STAGES[job.command].made
    found = []
    fields = list(spec_differences(made_by["spec"], job.spec.as_dict()))
    if fields:
        theirs = joined([f"{each.field} {each.found}" for each in fields])
        ours = joined([each.asked for each in fields])
        found.append(f"was {verb} with {theirs}, this study asks {ours}")
    packages = list(spec_differences(made_by["packages"], package_versions()))
    if packages:
        theirs = joined([f"{each.field} {each.found}" for each in packages])
        ours = joined([each.asked for each in packages])
        found.append(f"was {verb} with {theirs}, here is {ours}")
    if made_by["code"] != code_of(job.command):
        found.append(f"was {verb} by other code of {job.command}")
    return found
