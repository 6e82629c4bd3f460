"""What a job asks a cluster for: minutes and megabytes, each with room to spare.

Minutes come from what the job costs on one thread. Memory comes from the images that it holds, and from the largest
set of rows (points x samples) that goes through a network together. The numbers below were read off the run records
of `laptop`. A job that is ended for its time goes on where it was, and one that is ended for its memory asks for
more the next time, so that both may be wrong now and then.
"""

import math
from dataclasses import dataclass

from inference_gaps.replication.study.cost import JobCost, job_costs
from inference_gaps.replication.study.plan import Study
from inference_gaps.replication.study.work import activations, reference_samples
from inference_gaps.specs.bounds import LocalSpec
from inference_gaps.specs.train import TrainSpec

__all__ = ["FACTOR", "FLOOR_MB", "FLOOR_MINUTES", "Needs", "needs_of", "needs_of_jobs"]

FACTOR = 5.0
"""How many times longer than estimated a job may take: another processor, a neighbour, a slow file system."""
FLOOR_MINUTES = 5
FLOOR_MB = 1500
_BASE_MB = 500
"""PyTorch and this program."""
_GPU_MB = 3000
"""What a GPU wants of the memory of its machine."""
_ROOM = 1.3
_HELD = 24
"""Bytes for each number that a network makes of a row: of four bytes each, with copies and gradients."""
_IMAGE = 3
"""Bytes of a pixel, in all copies that a job makes of its data."""
_ROWS = 512
"""Rows that an evaluation works on at once."""
_AT_ONCE = 250
"""Points at once of a family with networks of its own."""
_NETWORKS_MB = 2000
_NOISE = 16
"""Bytes for each number of the noise by which local optimisation measures a bound, while it is drawn."""


@dataclass(frozen=True)
class Needs:
    """What one job asks for."""

    minutes: int
    megabytes: int


def needs_of_jobs(study: Study, gpu: bool) -> dict[str, Needs]:
    """Return what each job of a plan asks for, by its fingerprint.

    Args:
        study: the plan.
        gpu: whether jobs compute on a GPU.
    """
    return {cost.job.fingerprint: needs_of(cost, gpu) for cost in job_costs(study)}


def needs_of(cost: JobCost, gpu: bool = False) -> Needs:
    """Return what a job asks for, given what it costs."""
    minutes = math.ceil(FACTOR * (cost.gpu_seconds if gpu else cost.seconds) / 60)
    megabytes = _ROOM * (_BASE_MB + _GPU_MB * gpu + _data(cost) + _networks(cost))
    return Needs(max(FLOOR_MINUTES, minutes), max(FLOOR_MB, 100 * math.ceil(megabytes / 100)))


def _data(cost: JobCost) -> float:
    return _IMAGE * cost.pixels * cost.images / 1e6


def _networks(cost: JobCost) -> float:
    """Return the megabytes of what goes through a network at once."""
    if cost.training is None:
        return 0.0
    spec, rows, own = cost.job.spec, _ROWS, 0.0
    if isinstance(spec, TrainSpec):
        rows = spec.batch_size
    if isinstance(spec, LocalSpec):
        points = spec.points if spec.family == "ffg" else min(spec.points, _AT_ONCE)
        noise = _NOISE * points * reference_samples(spec) * cost.training.architecture.latent_dim / 1e6
        own = noise + _NETWORKS_MB * (spec.family != "ffg")
        rows = max(rows, points * spec.samples, reference_samples(spec))
    return own + _HELD * rows * activations(cost.training.architecture, cost.pixels) / 1e6
