"""What a run tells the machines that its jobs run on: which fingerprint each file is to have.

A job on a cluster reads configuration and code when it starts, which may be days after it was submitted. It is held
against the fingerprint that it was submitted with, and refuses to make anything else.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from inference_gaps.errors import UserError
from inference_gaps.replication.artifacts.atomic import write_bytes
from inference_gaps.replication.study.jobs import Job, Jobs
from inference_gaps.replication.study.manifest import study_identifier

__all__ = ["PLAN", "not_submitted", "read_plan", "submitted_fingerprint", "write_plan"]

PLAN = "INFERENCE_GAPS_PLAN"
"""The environment variable with the path of the plan that a job was submitted with."""


def write_plan(jobs: Jobs, folder: Path) -> Path:
    """Write the fingerprint of each file that ``jobs`` make below ``folder``, and return the absolute path.

    What earlier runs wrote there is removed: none of their jobs is left when a run submits the first of its own.
    """
    path = folder / f"{study_identifier(jobs)}.json"
    for old in folder.glob("*.json"):
        if old != path:
            old.unlink(missing_ok=True)
    plan = {str(made): job.fingerprint for job in jobs for made in job.outputs.values()}
    write_bytes(path, json.dumps(plan).encode())
    return path.absolute()


def read_plan(path: str | None) -> Mapping[str, str] | None:
    """Return the fingerprint of each file, as it was when the job was submitted; ``None`` where nobody wrote it.

    Raises:
        UserError: the file is missing or damaged.
    """
    if path is None:
        return None
    try:
        return dict(json.loads(Path(path).read_bytes()))
    except (OSError, ValueError, TypeError) as error:
        raise UserError(
            f"{path}, the plan that this job was submitted with, cannot be read; run the same command again."
        ) from error


def submitted_fingerprint(job: Job, plan: Mapping[str, str] | None) -> str:
    """Return the fingerprint that a job was submitted with; without a plan, its own.

    Raises:
        UserError: the plan has no such job.
    """
    path = next(iter(job.outputs.values()))
    if plan is None:
        return job.fingerprint
    if str(path) not in plan:
        raise not_submitted(path)
    return plan[str(path)]


def not_submitted(path: Path) -> UserError:
    """Return what is to be said where the study makes a file that it did not make, or the other way round."""
    return UserError(
        f"the configuration has changed since this job was submitted: only one of the study of then and that of "
        f"now makes {path}. Nothing was made; run the same command again."
    )
