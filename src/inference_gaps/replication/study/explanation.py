"""Where an artifact comes from, as text."""

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
from inference_gaps.replication.artifacts.files import Provenance, read_provenance
from inference_gaps.replication.artifacts.layout import Layout, preset_of
from inference_gaps.replication.artifacts.run_records import read_record
from inference_gaps.replication.stages import STAGES
from inference_gaps.replication.study.command_line import command_line
from inference_gaps.replication.study.freshness import Artifacts
from inference_gaps.replication.study.plan import Study, study_of

__all__ = ["explain"]

_WIDTH = 100


def explain(file: Path, overrides: Mapping[str, Any] | None = None) -> str:
    """Return what made ``file``, from what, when, on what, and the command that makes it again.

    Args:
        file: artifact of any kind.
        overrides: keys of ``config/config.yaml`` that its study was run with.

    Raises:
        UserError: the file is missing, is no artifact, or does not say what made it.
    """
    preset = preset_of(os.path.relpath(file))
    try:
        made_by = read_provenance(file)
    except UserError as error:
        if file.is_file() and (preset is None or file.name == Layout(preset).manifest.name):
            raise UserError(
                f"{file} does not say what made it: it is no artifact of one job, or it is damaged. Name a file "
                f"below results/PRESET or figures/PRESET, or the report."
            ) from error
        raise
    # Roles of inputs are paths below the top of the project, and so are those of the plan.
    path = Path(os.path.relpath(file))
    study = study_of([path], overrides)
    lines = [str(path), _state(path, study), "", f"made by       {made_by['command']}"]
    lines += [f"fingerprint   {made_by['fingerprint']}", f"with          {_listed(made_by['packages'])}"]
    record = read_record(preset, made_by["fingerprint"]) if preset else None
    lines += _run(record)
    lines += ["", "specification", *_specification(made_by)]
    lines += ["", "made from", *(_tree(made_by, study, set()) or ["  nothing but its specification"])]
    return "\n".join([*lines, "", *_again(path, record, study)])


def _state(path: Path, study: Study | None) -> str:
    if study is None or path not in study.jobs:
        return "It belongs to no study of this folder's configuration."
    reason = Artifacts(study.jobs).why_stale(path)
    return f"It {reason}." if reason else f"It is what the study makes (preset {study.layout.preset})."


def _listed(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _run(record: dict[str, Any] | None) -> list[str]:
    if record is None:
        return ["when          unknown: there is no record of the run"]
    return [
        f"when          {record['started']}",
        f"took          {record['seconds']:.1f} s, at most {record['peak_memory_mb']} MB",
        f"on            {_listed(record['machine'])}; threads {record['threads']}; Python {record['python']}",
        f"installed     {_listed(record['packages'])}",
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


def _again(path: Path, record: dict[str, Any] | None, study: Study | None) -> list[str]:
    fresh = study is not None and path in study.jobs and Artifacts(study.jobs).why_stale(path) is None
    words = list(record["arguments"]) if record else None
    if words is None and fresh and study is not None:
        words = command_line(study.jobs[path], study)
    if words is None:
        return [
            "How to make it again is not known: there is no record of the run, and the study asks for another."
        ]
    heading = "make it again with"
    if not fresh:
        heading = "make it again, as far as what it is made from is still the same, with"
        at = words.index("--fingerprint") if "--fingerprint" in words else len(words)
        words = words[:at] + words[at + 2 :]
    return [heading, f"  {_program()} {shlex.join(words)}"]


def _program() -> str:
    if shutil.which("inference-gaps"):
        return "inference-gaps"
    return os.path.relpath(Path(sys.executable).parent / "inference-gaps")
