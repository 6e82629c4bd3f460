"""The command line of a job, as its rule has it."""

from pathlib import Path

from inference_gaps.errors import UserError
from inference_gaps.replication.artifacts.layout import Layout
from inference_gaps.replication.study.jobs import Job
from inference_gaps.replication.study.plan import Study

__all__ = ["command_line"]

_COMPUTES = ("train", "simulate-", "optimise-", "evaluate-", "compare-")
_READS_BY_ROLE = (*_COMPUTES, "take-")


def command_line(job: Job, study: Study) -> list[str]:
    """Return the arguments of ``inference-gaps`` that make the outputs of a job.

    Raises:
        UserError: the raw data of the job cannot be found.
    """
    layout = study.layout
    flags: dict[str, str | Path | int] = {}
    if job.command.startswith("plot-"):
        flags["output-prefix"] = job.outputs["csv"].with_suffix("")
    else:
        flags |= {flag: path for flag, path in job.outputs.items() if flag != "numbers"}
    flags |= job.inputs if job.command.startswith(_READS_BY_ROLE) else _folders(job, study, layout)
    if job.command.startswith(_COMPUTES):
        settings = study.configuration.settings
        flags |= {"threads": settings.threads, "device": settings.device}
    words = [job.command, "--fingerprint", job.fingerprint, "--spec", job.spec.as_json()]
    for flag, value in flags.items():
        words += [f"--{flag.replace('_', '-')}", str(value)]
    return words


def _folders(job: Job, study: Study, layout: Layout) -> dict[str, str | Path | int]:
    if job.command == "prepare-data":
        return {"folder": _raw_folder(job, study)}
    if job.command in {"plot-gaps", "plot-schematic"}:
        table = next(path for role, path in job.inputs.items() if role != "published")
        published = job.inputs.get("published")
        return {"table": table, **({"published": published} if published else {})}
    found: dict[str, str | Path | int] = {"results": layout.results}
    found |= {role: job.inputs[role] for role in ("published", "selfcheck") if role in job.inputs}
    if job.command == "run-notebook":
        return {"results": layout.results, "notebook": job.inputs["notebook"]}
    if job.command == "write-report":
        paper = job.inputs["published"].parent
        return {"results": layout.results, "figures": layout.figure("any", "pdf").parent, "paper": paper}
    return found


def _raw_folder(job: Job, study: Study) -> Path:
    name = job.outputs["output"].stem.rpartition("-")[0]
    if name not in study.sources:
        raise UserError(
            f"nobody knows where the raw data of {name} are; name their folder with --data-folder."
        )
    return study.sources[name].folder
