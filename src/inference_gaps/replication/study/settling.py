"""Before a run: what is not what the study asks for is set aside, what was set aside and is asked for comes back.

After that, whether a file exists says whether it has to be made. Nothing that was made is removed: it goes to the
:mod:`store <inference_gaps.replication.artifacts.store>`.
"""

import contextlib
import os
import time
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from inference_gaps.errors import counted
from inference_gaps.replication.artifacts.records import Provenance
from inference_gaps.replication.artifacts.store import Store
from inference_gaps.replication.study.freshness import Artifacts, made_from_others
from inference_gaps.replication.study.jobs import Job
from inference_gaps.replication.study.plan import Study

__all__ = ["Settled", "settle", "settle_job", "unfinished"]


@dataclass
class Settled:
    """How what lies on disk compares with a study.

    Attributes:
        fine: fingerprints of the jobs that need not run: what is needed of their outputs is there.
        aside: what is not what the study asks for, and where it was moved (to itself if nothing was moved).
        back: what the store has, or had, of what the study asks for.
        due: outputs of the jobs with something set aside.
    """

    fine: set[str] = field(default_factory=set)
    aside: dict[Path, Path] = field(default_factory=dict)
    back: set[Path] = field(default_factory=set)
    due: set[Path] = field(default_factory=set)

    def __str__(self) -> str:
        """A sentence for the user; empty if nothing was moved."""
        said = []
        if self.aside:
            files = f"{counted(len(self.aside), 'file')} not"
            example, place = next(iter(self.aside.items()))
            said.append(f"{files} as the study asks for, such as {example}, set aside (now {place})")
        if self.back:
            said.append(f"{len(self.back)} taken back from what was set aside before")
        return f"{'; '.join(said)}." if said else ""


def settle(
    study: Study,
    again: Callable[[Job], bool] = lambda job: False,
    *,
    fresh: bool = False,
    move: bool = True,
    targets: Iterable[Path] | None = None,
) -> Settled:
    """Compare what lies on disk with a study, and let them agree.

    Args:
        study: what is asked for.
        again: whether a job is to run again although its outputs are right; so do those that read what it makes.
        fresh: whether all jobs are to run again, but for those that ran since this was first asked for.
        move: whether to move files; if not, it is only said what would be moved.
        targets: files that are asked for; by default, all that no job reads.

    Raises:
        UserError: a file cannot be moved.
    """
    settled, artifacts, store = Settled(), Artifacts(study.jobs), Store(study.layout)
    begin = fresh and not store.fresh_mark.exists()
    there: dict[Path, Provenance] = {}
    repeated: set[Path] = set()
    for job in study.jobs:
        outputs = list(job.outputs.values())
        repeat = begin or again(job) or not repeated.isdisjoint(job.inputs.values())
        if repeat:
            repeated.update(outputs)
        for path in outputs:
            made_by = artifacts.provenance(path)
            if made_by and not repeat and _is_of(made_by, job, there):
                there[path] = made_by
            elif os.path.lexists(path):
                settled.aside[path] = store.put(path, made_by) if move else path
                settled.due.update(outputs)
        for path in outputs if not (fresh or repeat) else ():
            if path not in there:
                for kept, made_by in store.find(path, job.fingerprint):
                    if _is_of(made_by, job, there) and (not move or store.take(kept, path)):
                        there[path] = made_by
                        settled.back.add(path)
                        break
        present = [path for path in outputs if path in there]
        if any(path not in there and _was_of(artifacts.provenance(path), job) for path in outputs):
            # Made from other values, so that the next one has other content: what was made from it does not fit.
            repeated.update(outputs)
        for path in present if move else ():
            _keep_times(path, whole=len(present) == len(outputs))
            if len(present) < len(outputs):
                # Should this job run, Snakemake removes what there is first.
                store.link(path, there[path])
    settled.fine = _fine(study, there, targets)
    if begin and move:
        store.begin_fresh()
    return settled


def settle_job(study: Study, job: Job, fingerprint: str) -> None:
    """Set aside what lies in the place of the outputs of one job and was not made by it from what it would read.

    Args:
        study: what is asked for.
        job: the job.
        fingerprint: that which its outputs are to have.

    Raises:
        UserError: a file cannot be moved.
    """
    artifacts, store = Artifacts(study.jobs), Store(study.layout)
    for path in job.outputs.values():
        made_by = artifacts.provenance(path)
        planned = made_by and made_by["fingerprint"] == fingerprint
        if made_by and planned and not made_from_others(made_by, job, artifacts.made):
            continue
        if os.path.lexists(path):
            store.put(path, made_by)


def _fine(study: Study, there: Container[Path], targets: Iterable[Path] | None) -> set[str]:
    """Return the fingerprints of the jobs that need not run.

    What a published preset lacks, such as weights, is made only for a job that runs and reads it.
    """
    jobs = list(study.jobs)
    if targets is None:
        read = {path for job in jobs for path in job.inputs.values()}
        targets = {path for job in jobs for path in job.outputs.values()} - read
    needed, fine = set(targets), set()
    # What a job reads is made by jobs before it.
    for job in reversed(jobs):
        outputs = list(job.outputs.values())
        wanted = [path for path in outputs if path in needed]
        if all(path in there for path in wanted or outputs):
            fine.add(job.fingerprint)
        elif wanted:
            needed.update(job.inputs.values())
    return fine


def _is_of(made_by: Provenance, job: Job, there: dict[Path, Provenance]) -> bool:
    """Whether an artifact is one that ``job`` makes, made from what there is of its inputs."""
    return made_by["fingerprint"] == job.fingerprint and not made_from_others(made_by, job, there.get)


def _was_of(made_by: Provenance | None, job: Job) -> bool:
    return made_by is not None and made_by["fingerprint"] == job.fingerprint


def _keep_times(path: Path, whole: bool) -> None:
    """Give a file no time in the future, and none before its inputs where its job may have to be completed."""
    now = time.time()
    with contextlib.suppress(OSError):
        if not whole or path.stat().st_mtime > now:
            os.utime(path, (now, now))


def unfinished(study: Study, paths: Iterable[Path]) -> list[str]:
    """Return what keeps a run that should have made ``paths`` from being complete, as parts of a sentence."""
    artifacts = Artifacts(study.jobs)
    found = []
    for path in paths:
        if not path.exists():
            found.append(f"{path} is not there")
        elif path in study.jobs:
            made_by, job = artifacts.provenance(path), study.jobs[path]
            if not (made_by and _was_of(made_by, job)) or made_from_others(made_by, job, artifacts.made):
                found.append(f"{path} {artifacts.why_stale(path)}")
    return found
