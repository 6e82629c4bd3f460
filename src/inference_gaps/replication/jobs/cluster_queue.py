"""The jobs of a folder that still stand in the queue of Slurm, because the run that submitted them was killed.

They go on without it. To submit them once more would do the work twice.
"""

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from inference_gaps.errors import UserError

__all__ = ["QueuedJob", "queued_jobs", "wait_for_queue"]

_POLL_SECONDS = 10.0
_TIMEOUT_SECONDS = 60
_MOST_NAMED = 5
# What Snakemake writes into the comment of a job.
_OF_SNAKEMAKE = ("rule_", "group_")


@dataclass(frozen=True)
class QueuedJob:
    """A job in the queue: its number there, its state, and what it makes."""

    number: str
    state: str
    what: str


def queued_jobs(folder: Path) -> list[QueuedJob]:
    """Return the jobs in the queue that a Snakemake of ``folder`` submitted; none where there is no Slurm.

    Raises:
        UserError: Slurm does not answer.
    """
    if shutil.which("squeue") is None:
        return []
    command = ["squeue", "--me", "--noheader", "--format=%i|%T|%k|%Z"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=_TIMEOUT_SECONDS)
    except (OSError, subprocess.SubprocessError) as error:
        reason = (getattr(error, "stderr", None) or str(error)).strip()
        raise UserError(
            f"Slurm does not say which jobs stand in its queue ({reason}); try again later."
        ) from error
    found = []
    for line in said.stdout.splitlines():
        number, state, comment, place = line.split("|", 3)
        if comment.startswith(_OF_SNAKEMAKE) and os.path.realpath(place) == os.path.realpath(folder):
            found.append(QueuedJob(number, state, comment.partition("_")[2]))
    return found


def wait_for_queue(folder: Path, seconds: float = _POLL_SECONDS) -> None:
    """Wait until no job of ``folder`` stands in the queue any more; say so where there are any.

    Raises:
        UserError: Slurm does not answer.
    """
    jobs = queued_jobs(folder)
    if not jobs:
        return
    numbers = [job.number for job in jobs]
    shown = ", ".join(f"{job.number} ({job.what}, {job.state.lower()})" for job in jobs[:_MOST_NAMED])
    rest = f" and {len(jobs) - _MOST_NAMED} more" if len(jobs) > _MOST_NAMED else ""
    print(
        f"The run before this one was ended, but not its jobs in the queue of Slurm: {shown}{rest}. This run waits "
        f"for them, so that nothing is done twice. To end them instead, keeping what they have saved: scancel "
        f"{' '.join(numbers)}",
        file=sys.stderr,
        flush=True,
    )
    while queued_jobs(folder):
        time.sleep(seconds)
