"""The command line of a job, for its rule and for whoever runs it by hand; made from the table of stages."""

from pathlib import Path

from inference_gaps.replication.stages import STAGES
from inference_gaps.replication.study.jobs import Job
from inference_gaps.replication.study.plan import Study

__all__ = ["command_line", "file_flags", "job_flags"]


def command_line(job: Job, study: Study) -> list[str]:
    """Return the arguments of ``inference-gaps`` that make the outputs of a job."""
    settings = study.configuration.settings
    device = ["--threads", str(settings.threads), "--device", settings.device]
    words = [job.stage, *job_flags(job), *file_flags(job, study)]
    return words + device if STAGES[job.stage].device else words


def job_flags(job: Job) -> list[str]:
    """Return the flags that say what is asked for."""
    return ["--spec", job.spec.as_json(), "--fingerprint", job.fingerprint]


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
