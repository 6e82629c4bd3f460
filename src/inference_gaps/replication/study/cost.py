"""What a plan costs, before it is run: an estimate from the multiplications that each job asks for.

Jobs are dominated by matrix products, so that their time is a count of these divided by a rate (:mod:`.rates`).
They are those of one thread of the machine that the presets were timed on; on another one all hours scale alike.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from inference_gaps.replication.specs.data import PrepareSpec
from inference_gaps.replication.stages import STAGES
from inference_gaps.replication.study.amounts import part_sizes
from inference_gaps.replication.study.jobs import Job, Jobs
from inference_gaps.replication.study.plan import Study
from inference_gaps.replication.study.rates import (
    ASSUMED_GPU_RATE,
    ASSUMED_GPU_STEP,
    NETWORKS,
    STEP,
    STEP_OF_OTHERS,
    rates_of,
)
from inference_gaps.replication.study.work import Work, work_of
from inference_gaps.specs.bounds import IwaeSpec, LocalSpec
from inference_gaps.specs.train import TrainSpec

__all__ = ["Cost", "JobCost", "job_costs", "stage_costs"]

_START_UP = 0.5
_OTHER = 1.0
"""Seconds of a job that is no matter of products."""
_CORES = 2
_PART = {"idx": 60_000, "cifar-binary": 50_000, "amat": 50_000, "image-folder": 50_000}
"""Images of the part ``train`` of a file that is not at hand, by format."""


@dataclass(frozen=True)
class JobCost:
    """One job.

    Attributes:
        job: it.
        training: that of the model that it is about; ``None`` if it is about none.
        pixels: of an image that it reads.
        images: of the training split of its data.
        work: what it asks for.
        seconds: on one thread, by measured rates.
        gpu_seconds: on a GPU, by assumed rates.
    """

    job: Job
    training: TrainSpec | None
    pixels: int
    images: int
    work: Work
    seconds: float
    gpu_seconds: float


@dataclass(frozen=True)
class Cost:
    """All jobs of one stage; hours on two cores and on one GPU."""

    stage: str
    jobs: int
    operations: float
    hours: float
    gpu_hours: float


def job_costs(study: Study) -> Iterator[JobCost]:
    """Yield what each job of a plan costs, in the order of the plan."""
    sizes = {}
    for job in study.jobs.of("prepare-data"):
        path, spec = job.outputs["output"], job.spec
        assert isinstance(spec, PrepareSpec)
        sizes[path] = (
            math.prod(spec.dataset.image_shape),
            _training_images(spec, study.source_of(path).folder),
        )
    for job in study.jobs:
        training = _training_of(study.jobs, job)
        trained, size = None, sizes.get(job.outputs.get("output", Path()), (0, 0))
        work, seconds, gpu_seconds = Work(0.0, 0.0), _OTHER, _OTHER
        if training is not None:
            assert isinstance(training.spec, TrainSpec)
            trained, size = training.spec, sizes[training.inputs["data"]]
            work = work_of(job.stage, job.spec, trained, *size, _local_of(study.jobs, job))
        if trained is not None and work.operations:
            seconds = _seconds(job, work, trained)
            gpu_seconds = max(work.operations / ASSUMED_GPU_RATE, work.steps * ASSUMED_GPU_STEP)
        yield JobCost(job, trained, *size, work, seconds + _START_UP, gpu_seconds + _START_UP)


def _seconds(job: Job, work: Work, trained: TrainSpec) -> float:
    precision = job.spec.as_dict().get("gradient_precision") or "float32"
    rates, plain = rates_of(trained.architecture.kind, precision), work.operations - work.networks
    if isinstance(job.spec, TrainSpec):
        each = STEP.get(trained.posterior.family, STEP_OF_OTHERS)
        return plain / rates.training + work.networks / NETWORKS + work.steps * each
    rate = rates.value if isinstance(job.spec, IwaeSpec) else rates.gradient
    return plain / rate + work.networks / NETWORKS


def _local_of(jobs: Jobs, job: Job) -> LocalSpec | None:
    """Return how the q* that a job draws from is sought; None if it draws from none."""
    path = job.inputs.get("posterior")
    spec = jobs[path].spec if path is not None and path in jobs else None
    return spec if isinstance(spec, LocalSpec) else None


def stage_costs(study: Study) -> list[Cost]:
    """Return the cost of each stage of a plan, in the order of the pipeline."""
    totals = {stage: [0.0, 0.0, 0.0, 0.0] for stage in STAGES}
    for cost in job_costs(study):
        for index, value in enumerate((1, cost.work.operations, cost.seconds, cost.gpu_seconds)):
            totals[cost.job.stage][index] += value
    return [
        Cost(
            stage=stage,
            jobs=int(count),
            operations=operations,
            hours=seconds / _CORES / 3600,
            gpu_hours=gpu_seconds / 3600,
        )
        for stage, (count, operations, seconds, gpu_seconds) in totals.items()
        if count
    ]


def _training_images(spec: PrepareSpec, folder: Path) -> int:
    """Return how many training images a data set has: its raw files say so, where they are there."""
    cut = spec.dataset.splits.get("train")
    if cut is None:
        return 0
    stop = cut.stop or part_sizes(spec.dataset, folder).get(cut.part) or _PART[spec.dataset.format]
    return stop - cut.start


def _training_of(jobs: Jobs, job: Job) -> Job | None:
    """Return the training of the model that a job is about, by following what it reads; None if it reads none."""
    while not isinstance(job.spec, TrainSpec):
        path = job.inputs.get("model")
        if path is None or path not in jobs:
            return None
        job = jobs[path]
    return job
