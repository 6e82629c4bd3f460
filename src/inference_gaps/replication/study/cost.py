"""What a plan costs, before it is run: an estimate from the multiplications that each job asks for.

Jobs are dominated by matrix products, so that their time is a count of these divided by a rate, which differs by
stage (small products run slower, and some stages do much beside them). The rates are those of one thread of the
machine that the presets were timed on; on another machine all hours scale alike. Nothing was timed on a GPU: its
hours assume a rate, and a time below which no step gets.
"""

import gzip
import itertools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from inference_gaps.replication.data.raw_files import find_file
from inference_gaps.replication.study.jobs import Job, Jobs
from inference_gaps.specs.ais import AisSpec
from inference_gaps.specs.base import Spec
from inference_gaps.specs.convergence import ConvergenceSpec
from inference_gaps.specs.data import PrepareSpec
from inference_gaps.specs.family import FamilySpec
from inference_gaps.specs.iwae import IwaeSpec
from inference_gaps.specs.local import LocalSpec
from inference_gaps.specs.procedures import ProceduresSpec
from inference_gaps.specs.train import ArchitectureSpec, ConvArchitectureSpec, MlpArchitectureSpec, TrainSpec

__all__ = ["Cost", "stage_costs", "work_of"]

# Multiplications and additions per second of one thread, by stage; from run records of the preset quick.
_RATES = {
    "train": 6.0e10,
    "optimise-local": 2.5e10,
    "evaluate-iwae": 4.0e10,
    "evaluate-ais": 6.0e10,
    "evaluate-bdmc": 6.0e10,
    "evaluate-convergence": 6.0e10,
    "compare-local": 3.0e10,
}
_START_UP = 0.5
_OTHER = 1.0
"""Seconds of a stage that is not in the list."""
_CORES = 2
_GPU_RATE = 1.0e13
_GPU_STEP = 1.0e-3
"""Seconds below which no step of training, optimisation or a chain gets on a GPU: launching its kernels."""
_GRADIENT = 2
_WINDOWS = 150
_PART = {"idx": 60_000, "cifar-binary": 50_000, "amat": 50_000, "image-folder": 50_000}
"""Images of the part ``train`` of a file that is not at hand, by format."""


def training_images(spec: PrepareSpec, folder: Path) -> int:
    """Return how many training images a data set has: its raw file says so, where it is there."""
    cut = spec.dataset.splits.get("train")
    if cut is None:
        return 0
    stop = cut.stop or _count(spec, cut.part, folder) or _PART[spec.dataset.format]
    return stop - cut.start


def _count(spec: PrepareSpec, part: str, folder: Path) -> int | None:
    """Return what an IDX file says that it holds."""
    file = next((file for file in spec.dataset.files if file.part == part), None)
    path = find_file(folder, file) if file and spec.dataset.format == "idx" else None
    if path is None or path.suffix != ".gz":
        return None
    try:
        with gzip.open(path) as content:
            return int.from_bytes(content.read(8)[4:], "big")
    except (OSError, EOFError):
        return None


@dataclass(frozen=True)
class Work:
    """Multiplications and additions of a job, and how many steps they come in."""

    operations: float
    steps: float

    def __add__(self, other: "Work") -> "Work":
        return Work(self.operations + other.operations, self.steps + other.steps)


@dataclass(frozen=True)
class Cost:
    """All jobs of one stage; hours on two cores and on one GPU."""

    command: str
    jobs: int
    operations: float
    hours: float
    gpu_hours: float


def _products(widths: Iterable[int]) -> float:
    return sum(2.0 * inputs * outputs for inputs, outputs in itertools.pairwise(widths))


def _generator(architecture: ArchitectureSpec, pixels: int) -> float:
    latent = architecture.latent_dim
    if isinstance(architecture, MlpArchitectureSpec):
        return _products([latent, *architecture.decoder_hidden, pixels])
    if isinstance(architecture, ConvArchitectureSpec):
        c = architecture.decoder_channels
        # Each input pixel of a transposed convolution meets 4 x 4 weights.
        maps = 16 * (4 * c * 2 * c * 4 + 2 * c * c * 36 + c * 3 * 225)
        return 2.0 * (latent * 16 * c + maps)
    return _products([latent, pixels])


def _recognition(architecture: ArchitectureSpec, pixels: int) -> float:
    latent = architecture.latent_dim
    if isinstance(architecture, MlpArchitectureSpec):
        return _products([pixels, *architecture.encoder_hidden, 2 * latent])
    if isinstance(architecture, ConvArchitectureSpec):
        c = architecture.encoder_channels
        maps = 16 * (3 * c * 225 + c * 2 * c * 36 + 2 * c * 4 * c * 4)
        return 2.0 * (16 * c * 2 * latent + maps)
    return _products([pixels, 2 * latent])


def _flow(family: FamilySpec, latent: int) -> float:
    """Two half-steps of three products each; a Gaussian has none."""
    if family.family in ("ffg", "full-gaussian"):
        return 0.0
    return 12.0 * family.flow_steps * latent * family.flow_hidden


def work_of(spec: Spec, trained: TrainSpec, pixels: int, images: int, reverse: bool = False) -> Work | None:
    """Return what a job asks for; ``None`` of a stage that is no matter of matrix products.

    Args:
        spec: of the job.
        trained: how its model is trained.
        pixels: of an image.
        images: of the training split.
        reverse: whether chains run backwards, too.
    """
    generator = _generator(trained.architecture, pixels)
    latent = trained.architecture.latent_dim
    if isinstance(spec, TrainSpec):
        forward = _recognition(spec.architecture, pixels) + generator + _flow(spec.posterior, latent)
        steps = spec.epochs * (images // spec.batch_size)
        return Work(3.0 * forward * steps * spec.batch_size, steps)
    if isinstance(spec, LocalSpec):
        each = _GRADIENT * generator + 3.0 * _flow(spec, latent)
        steps = spec.steps * (spec.max_cycles + spec.restarts)
        return Work(each * steps * spec.samples * spec.points, steps)
    if isinstance(spec, IwaeSpec):
        each = generator + _flow(trained.posterior, latent)
        return Work(each * spec.samples * spec.points, 1)
    if isinstance(spec, AisSpec):
        return _annealing(spec, generator, 2 if reverse else 1)
    if isinstance(spec, ProceduresSpec):
        # Two procedures, each of which ends by its rule after about so many windows.
        steps = 2 * spec.window * min(spec.max_windows, _WINDOWS)
        return Work(_GRADIENT * generator * steps * spec.copies * spec.points, steps)
    if isinstance(spec, ConvergenceSpec):
        parts = [
            AisSpec(
                points=spec.points, chains=spec.chains, distributions=size, leapfrog_steps=spec.leapfrog_steps
            )
            for size in spec.distributions
        ]
        total = Work(2.0 * generator * max(spec.samples) * spec.points, 2)
        for part in parts:
            total += _annealing(part, generator, 2)
        return total
    return None


def _annealing(spec: AisSpec, generator: float, times: int) -> Work:
    transitions = float(times * (spec.distributions - 2))  # None at either end.
    if spec.adaptation == "preliminary":
        # Few chains, at most a hundred distributions, adapted twice at each.
        transitions += times * 2 * (min(spec.distributions, 100) - 2) * 4 / spec.chains
    steps = transitions * spec.leapfrog_steps
    return Work(_GRADIENT * generator * steps * spec.chains * spec.points, steps)


def stage_costs(jobs: Jobs, folders: Mapping[Path, Path]) -> list[Cost]:
    """Return the cost of each stage of a plan, in the order of the pipeline.

    Args:
        jobs: all of them.
        folders: by prepared data set, the folder of its raw files.
    """
    sizes = {}
    for job in jobs.of("prepare-data"):
        path, spec = job.outputs["output"], job.spec
        assert isinstance(spec, PrepareSpec)
        sizes[path] = (training_images(spec, folders[path]), math.prod(spec.dataset.image_shape))
    totals: dict[str, list[float]] = {}
    for job in jobs:
        trained, work = _trained(jobs, job), None
        if trained is not None:
            images, pixels = sizes[_data_of(jobs, job)]
            work = work_of(job.spec, trained, pixels, images, reverse=job.command == "evaluate-bdmc")
        rate = _RATES.get(job.command)
        seconds, gpu_seconds = _OTHER, _OTHER
        if work is not None and rate is not None:
            seconds = work.operations / rate
            gpu_seconds = max(work.operations / _GPU_RATE, work.steps * _GPU_STEP)
        total = totals.setdefault(job.command, [0.0, 0.0, 0.0, 0.0])
        for index, value in enumerate((1, work.operations if work else 0.0, seconds, gpu_seconds)):
            total[index] += value
    return [
        Cost(
            command=command,
            jobs=int(count),
            operations=operations,
            hours=(seconds + count * _START_UP) / _CORES / 3600,
            gpu_hours=(gpu_seconds + count * _START_UP) / 3600,
        )
        for command, (count, operations, seconds, gpu_seconds) in totals.items()
    ]


def _trained(jobs: Jobs, job: Job) -> TrainSpec | None:
    """Return how the model of a job is trained, by following what the job reads; None if it reads no model."""
    while not isinstance(job.spec, TrainSpec):
        path = job.inputs.get("model")
        if path is None or path not in jobs:
            return None
        job = jobs[path]
    return job.spec


def _data_of(jobs: Jobs, job: Job) -> Path:
    """Return the prepared data that the model of a job is trained on."""
    while not isinstance(job.spec, TrainSpec):
        job = jobs[job.inputs["model"]]
    return job.inputs["data"]
