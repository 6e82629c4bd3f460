"""The command line of a job, for its rule and for whoever runs it by hand; made from the table of stages."""

import hashlib
from pathlib import Path

from inference_gaps.replication.artifacts.atomic import write_bytes
from inference_gaps.replication.stages import STAGES
from inference_gaps.replication.study.jobs import Job
from inference_gaps.replication.study.plan import Study

__all__ = ["LONGEST_SPEC", "command_line", "file_flags", "rule_flags"]

LONGEST_SPEC = 16_384
"""Bytes of a specification on the command line of a rule. Linux takes 131,072 in one argument, and to a shell the
whole command is one."""


def command_line(job: Job, study: Study) -> list[str]:
    """Return the arguments of ``inference-gaps`` that make the outputs of a job."""
    settings = study.configuration.settings
    device = ["--threads", str(settings.threads), "--device", settings.device]
    asked = ["--spec", job.spec.as_json(), "--fingerprint", job.fingerprint]
    words = [job.stage, *asked, *file_flags(job, study)]
    return words + device if STAGES[job.stage].device else words


def rule_flags(job: Job, fingerprint: str, folder: Path) -> list[str]:
    """Return the flags that say what is asked for, as a rule gives them.

    Args:
        job: the job.
        fingerprint: of what it is to make.
        folder: for specifications that are too long for a command line.
    """
    return ["--spec", _kept(job, folder), "--fingerprint", fingerprint]


def _kept(job: Job, folder: Path) -> str:
    text = job.spec.as_json()
    if len(text) <= LONGEST_SPEC:
        return text
    path = folder / f"{job.stage}-{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"
    if not path.exists():
        write_bytes(path, text.encode())
    return str(path)


def file_flags(job: Job, study: Study) -> list[str]:
    """Return the flags that say what is read and what is made."""
    stage, places = STAGES[job.stage], {**_places(job, study), **job.inputs}
    flags = {given.flag: str(places[given.role]) for given in stage.inputs if given.role in places}
    for output in stage.outputs:
        flags[output.flag] = str(job.outputs[output.role]).removesuffix(output.added)
    return [word for flag in flags.items() for word in flag]


def _places(job: Job, study: Study) -> dict[str, Path]:
    """Return what the job is given beside its single inputs: where many of them lie, and the one that it draws."""
    found = {"results": study.layout.results, "figures": study.layout.figures}
    if job.stage == "prepare-data":
        found["folder"] = study.source_of(job.outputs["output"]).folder
    if "published" in job.inputs:
        found["paper"] = job.inputs["published"].parent
    # Inputs that are found by their places have these as their roles.
    tables = [path for role, path in job.inputs.items() if role == path.as_posix()]
    return found | ({"table": tables[0]} if tables else {})
