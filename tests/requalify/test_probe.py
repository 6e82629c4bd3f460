"""The probe has every value of every option of what computes."""

import types
import typing
from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args, get_origin

import annotated_types
import pytest
from pydantic import BaseModel

from inference_gaps.replication.requalify.probe import probe
from inference_gaps.replication.stages import STAGES
from inference_gaps.replication.study.jobs import Jobs
from inference_gaps.specs.base import Spec

JOBS = probe(Jobs())
# No number depends on them: they are names, or say where files come from before a job begins.
_WITHOUT_A_PROBE = {
    ("DatasetSpec", "embedded"),
    ("DatasetSpec", "sources"),
    # Its density at given places is not known, which is a sentence.
    ("PosteriorsSpec", "local", "hamiltonian"),
    # Where the sequence of parts says nothing: a single file may hold it.
    ("FileSpec", "part", "validation"),
    ("SplitSpec", "part", "validation"),
}


def computing() -> list[str]:
    """Return the stages that compute: all but those that show what others have computed."""
    shows = ("make-", "judge-", "plot-", "run-", "write-")
    return [name for name in STAGES if not name.startswith(shows)]


def used(spec: Any) -> Iterator[tuple[str, str, Any]]:
    """Yield class, field and value of each field of a specification, at any depth."""
    if isinstance(spec, BaseModel):
        for name in type(spec).model_fields:
            value = getattr(spec, name)
            yield type(spec).__name__, name, value
            yield from used(value)
    elif isinstance(spec, list | dict):
        for value in spec.values() if isinstance(spec, dict) else spec:
            yield from used(value)


def classes(spec: type[Spec]) -> Iterator[type[Spec]]:
    """Yield a class of specifications and those of its fields, at any depth."""
    yield spec
    for field in spec.model_fields.values():
        for each in parts_of(field.annotation):
            if isinstance(each, type) and issubclass(each, Spec):
                yield from classes(each)


def parts_of(annotation: Any) -> Iterator[Any]:
    """Yield the types that an annotation is made of, itself last."""
    if get_origin(annotation) is not Literal:
        for part in get_args(annotation):
            yield from parts_of(part)
    yield annotation


def missing(annotation: Any, metadata: list[Any], values: list[Any]) -> list[Any]:
    """Return what of the values that a field may have none of these is."""
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *more = get_args(annotation)
        return missing(inner, [*metadata, *more], values)
    if origin is Literal:
        return [value for value in get_args(annotation) if value not in values]
    if origin in (types.UnionType, typing.Union):
        members = get_args(annotation)
        found = [None] if type(None) in members and None not in values else []
        others = [value for value in values if value is not None]
        if others or type(None) not in members:
            return found + [
                each
                for member in members
                if member is not type(None)
                for each in missing(member, metadata, others)
            ]
        return [*found, "a value"]
    if origin in (list, dict):
        inner = [each for value in values for each in (value.values() if isinstance(value, dict) else value)]
        least = [each.min_length for each in flat(metadata) if isinstance(each, annotated_types.MinLen)]
        empty = [] if least or origin is dict or [] in values else ["an empty list"]
        return empty + missing(get_args(annotation)[-1], [], inner)
    if annotation is bool:
        return [value for value in (False, True) if value not in values]
    if annotation in (int, float):
        off = [each.ge for each in flat(metadata) if isinstance(each, annotated_types.Ge) and each.ge == 0]
        return [value for value in off if value not in values] + (
            ["a second number"] if len(set(values)) < 2 else []
        )
    if isinstance(annotation, type) and issubclass(annotation, Spec):
        return [] if any(isinstance(value, annotation) for value in values) else [annotation.__name__]
    assert annotation is str, annotation
    return []


def flat(metadata: list[Any]) -> Iterator[Any]:
    """Yield constraints, those of a Field one by one."""
    for each in metadata:
        yield from getattr(each, "metadata", None) or [each]


OPTIONS = sorted(
    {
        (each.__name__, name): (each, name)
        for stage in computing()
        for each in classes(STAGES[stage].spec)
        for name in each.model_fields
    }.items()
)


def test_every_stage_that_computes_is_probed() -> None:
    assert {job.stage for job in JOBS} == set(computing())


@pytest.mark.parametrize(("option", "field"), OPTIONS, ids=[".".join(option) for option, _ in OPTIONS])
def test_every_value_of_an_option_is_probed(option: tuple[str, str], field: tuple[type[Spec], str]) -> None:
    if option in _WITHOUT_A_PROBE:
        return
    values = [value for job in JOBS for owner, name, value in used(job.spec) if (owner, name) == option]
    of_field = field[0].model_fields[field[1]]
    found = missing(of_field.annotation, of_field.metadata, values)
    assert [value for value in found if (*option, value) not in _WITHOUT_A_PROBE] == []


def test_an_option_without_a_probe_is_found() -> None:
    class Option(Spec):
        kind: Literal["old", "new"] = "old"
        count: Annotated[int, annotated_types.Ge(0)] = 1
        flag: bool = False
        names: list[Literal["a", "b"]] = []
        limit: int | None = None

    default = list(used(Option()))
    found = {
        name: missing(field.annotation, field.metadata, [value for _, each, value in default if each == name])
        for name, field in Option.model_fields.items()
    }
    assert found == {
        "kind": ["new"],
        "count": [0, "a second number"],
        "flag": [True],
        "names": ["a", "b"],
        "limit": ["a value"],
    }
