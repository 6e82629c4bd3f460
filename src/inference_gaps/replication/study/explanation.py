"""Where an artifact comes from, as text."""

import contextlib
import json
import os
import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from inference_gaps.errors import UserError
from inference_gaps.replication.artifacts.layout import PLACES
from inference_gaps.replication.artifacts.records import (
    Provenance,
    canonical,
    check_content,
    file_sha256,
    find_record,
    places_by_content,
    read_provenance,
)
from inference_gaps.replication.artifacts.run_records import spent
from inference_gaps.replication.stages import STAGES
from inference_gaps.replication.study.command_line import command_line
from inference_gaps.replication.study.freshness import Artifacts
from inference_gaps.replication.study.plan import Study, study_of

__all__ = ["explain"]

_WIDTH = 100


def explain(file: Path, overrides: Mapping[str, Any] | None = None) -> str:
    """Return what made ``file``, from what, when, on what, and the command that makes it again.

    Args:
        file: artifact of any kind. One that was moved or copied away from its record is known by its content.
        overrides: keys of ``config/config.yaml`` that its study was run with.

    Raises:
        UserError: the file is missing or altered, or no record lists it.
    """
    # Roles of inputs are paths below the top of the project, and so are those of the plan.
    path = Path(os.path.relpath(file))
    lines = [str(path)]
    try:
        check_content(path)
    except UserError:
        home = places_by_content(PLACES).get(file_sha256(path)) if path.is_file() else None
        if home is None:
            raise
        lines += [f"It is a copy of {home}, as that was made.", "", str(home)]
        path = home
    record = find_record(path)
    assert record is not None
    made_by, run = record.provenance, record.run
    study = study_of([path], overrides)
    lines += [_state(path, study), "", f"made by       {made_by['command']}"]
    lines += [f"fingerprint   {made_by['fingerprint']}", f"with          {_listed(made_by['packages'])}"]
    lines += _run(run)
    lines += ["", "specification", *_specification(made_by)]
    lines += ["", "made from", *(_tree(made_by, study, set()) or ["  nothing but its specification"])]
    return "\n".join([*lines, "", *_again(path, made_by, run, study)])


def _state(path: Path, study: Study | None) -> str:
    if study is None or path not in study.jobs:
        return "It belongs to no study of this folder's configuration."
    reason = Artifacts(study.jobs).why_stale(path)
    return f"It {reason}." if reason else f"It is what the study makes (preset {study.layout.preset})."


def _listed(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _run(run: Mapping[str, Any] | None) -> list[str]:
    if run is None:
        return ["when          unknown: its record does not say so"]
    return [
        f"when          {run['started']}",
        f"took          {spent(run):.1f} s, at most {run['peak_memory_mb']} MB",
        f"on            {_listed(run['machine'])}; threads {run['threads']}; Python {run['python']}",
        f"installed     {_listed(run['packages'])}",
        *(
            f"begun by      a process from {each['started']} to {each['ended']}, on {_listed(each['machine'])}"
            for each in run.get("earlier", ())
        ),
    ]


def _flat(values: Any, place: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(values, Mapping):
        for name, value in values.items():
            yield from _flat(value, f"{place}.{name}" if place else name)
    else:
        text = json.dumps(values, ensure_ascii=False)
        yield place, text if len(text) <= _WIDTH else f"{text[: _WIDTH - 1]}…"


def _specification(made_by: Provenance) -> list[str]:
    fields = dict(_flat(made_by["spec"]))
    try:
        spec = STAGES[made_by["command"]].spec.model_validate_json(json.dumps(made_by["spec"]))
        chosen = dict(_flat(spec.model_dump(mode="json", exclude_defaults=True)))
    except (KeyError, ValidationError):
        chosen = fields
    rest = {name: value for name, value in fields.items() if name not in chosen}
    lines = [f"  {name} = {value}" for name, value in chosen.items()]
    return lines + [f"  {name} = {value}  (default)" for name, value in rest.items()]


def _tree(made_by: Provenance, study: Study | None, shown: set[Path], depth: int = 1) -> list[str]:
    """One line per input, those of each input below it; what was shown already is not unfolded again."""
    job = (
        next((job for job in study.jobs if job.fingerprint == made_by["fingerprint"]), None)
        if study
        else None
    )
    lines = []
    for role, identity in made_by["inputs"].items():
        path = job.inputs.get(role, Path(role)) if job else Path(role)
        if study and job and job.stage == "prepare-data":
            path = study.source_of(job.outputs["output"]).place(role)
        fingerprint = identity.partition(":")[0]
        line = f"{'  ' * depth}{path}  {fingerprint}"
        try:
            below = read_provenance(path)
        except UserError:
            lines.append(line)
            continue
        if below["fingerprint"] != fingerprint:
            lines.append(f"{line} (another lies there now)")
        elif path in shown and below["inputs"]:
            lines.append(f"{line} (see above)")
        else:
            shown.add(path)
            lines += [line, *_tree(below, study, shown, depth + 1)]
    return lines


def _again(path: Path, made_by: Provenance, run: Mapping[str, Any] | None, study: Study | None) -> list[str]:
    fresh = study is not None and path in study.jobs and Artifacts(study.jobs).why_stale(path) is None
    words = list(run["arguments"]) if run else None
    if fresh and study is not None:
        # Where it lies now, which may be another folder than it was made in.
        with contextlib.suppress(UserError):
            words = command_line(study.jobs[path], study)
    if words is None:
        return [
            "How to make it again is not known: its record does not say so, and the study asks for another."
        ]
    heading = "make it again with"
    if not fresh:
        heading = "make it again, as far as what it is made from is still the same, with"
        at = words.index("--fingerprint") if "--fingerprint" in words else len(words)
        words = words[:at] + words[at + 2 :]
        if "--spec" in words and not words[words.index("--spec") + 1].startswith("{"):
            # A long one was in a file, which may be gone.
            words[words.index("--spec") + 1] = canonical(made_by["spec"])
    return [heading, f"  {_program()} {shlex.join(words)}"]


def _program() -> str:
    if shutil.which("inference-gaps"):
        return "inference-gaps"
    return shlex.quote(os.path.relpath(Path(sys.executable).parent / "inference-gaps"))
