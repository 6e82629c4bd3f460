"""How many multiplications a job asks for, by what its specification says."""

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from inference_gaps.replication.stages import STAGES
from inference_gaps.specs.base import Spec
from inference_gaps.specs.bounds import AisSpec, ConvergenceSpec, IwaeSpec, LocalSpec, ProceduresSpec
from inference_gaps.specs.train import (
    ArchitectureSpec,
    ConvArchitectureSpec,
    FamilySpec,
    MlpArchitectureSpec,
    TrainSpec,
)

__all__ = ["Work", "activations", "reference_samples", "work_of"]

_GRADIENT = 2
_WINDOWS = 150
"""Of the authors' procedure, before it ends by its rule."""
_CYCLES_OF_GAUSSIANS = 3
"""Cycles that q*_FFG takes: 2 in three of four jobs, of those that it may take. A flow takes all."""
_REFERENCE, _REFERENCE_OF_MANY = 256, 4096
"""Samples per point by which local optimisation measures a bound; of many starts it takes more."""


@dataclass(frozen=True)
class Work:
    """What a job asks for.

    Attributes:
        operations: all multiplications and additions.
        steps: how many steps they come in.
        networks: those of the operations that are done by the networks of a flow.
    """

    operations: float
    steps: float
    networks: float = 0.0

    def __add__(self, other: "Work") -> "Work":
        return Work(
            self.operations + other.operations, self.steps + other.steps, self.networks + other.networks
        )


def _products(widths: Iterable[float]) -> float:
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


def activations(architecture: ArchitectureSpec, pixels: int) -> int:
    """Return how many numbers both networks make of one image."""
    latent = architecture.latent_dim
    if isinstance(architecture, MlpArchitectureSpec):
        return sum([*architecture.encoder_hidden, 3 * latent, *architecture.decoder_hidden, pixels])
    if isinstance(architecture, ConvArchitectureSpec):
        down, up = architecture.encoder_channels, architecture.decoder_channels
        # Maps of 15, 6 and 2 pixels a side, the more channels the smaller.
        return (225 + 2 * 36 + 4 * 4) * (down + up) + 3 * latent + pixels
    return 3 * latent + pixels


def _flow(family: FamilySpec, latent: int, context: int) -> float:
    """Return the products of one z with the networks of a flow, which see ``context`` features too."""
    if family.family in ("ffg", "full-gaussian"):
        return 0.0
    hidden, seen = family.flow_hidden, latent + context
    if family.family == "coupling":
        # Each net reads half of z and moves the other.
        return 2 * family.flow_steps * _products([latent / 2 + context, hidden, latent])
    moments = _products([seen, hidden, hidden, 2 * latent])
    return 2 * moments + 2 * family.flow_steps * _products([seen, hidden, 2 * latent])


def work_of(
    stage: str, spec: Spec, trained: TrainSpec, pixels: int, images: int, local: LocalSpec | None = None
) -> Work:
    """Return what a job asks for, as the table of stages says that it is counted; nothing where it is not.

    Args:
        stage: of the job.
        spec: of the job.
        trained: how its model is trained.
        pixels: of an image.
        images: of the training split.
        local: of the q* that it draws from, if it does.
    """
    unit = STAGES[stage].work
    return _COUNTED_IN[unit](spec, _Model(trained, pixels, images, local)) if unit else Work(0.0, 0.0)


@dataclass(frozen=True)
class _Model:
    """What the work on a model depends on beside the specification of the job."""

    trained: TrainSpec
    pixels: int
    images: int
    local: LocalSpec | None

    @property
    def generator(self) -> float:
        """Of one z through the generator."""
        return _generator(self.trained.architecture, self.pixels)

    @property
    def latent(self) -> int:
        """Latent dimensions."""
        return self.trained.architecture.latent_dim


def _training(spec: TrainSpec, model: _Model) -> Work:
    steps = spec.epochs * (model.images // spec.batch_size)
    passes = 3.0 * steps * spec.batch_size
    flow = passes * _flow(spec.posterior, model.latent, model.latent)
    plain = passes * (_recognition(spec.architecture, model.pixels) + model.generator)
    return Work(plain + flow, steps, flow)


def reference_samples(spec: LocalSpec) -> int:
    """Return how many samples per point a bound is measured by."""
    return _REFERENCE_OF_MANY if spec.restarts else _REFERENCE


def _ascent(spec: LocalSpec, model: _Model) -> Work:
    flow = _flow(spec, model.latent, model.latent if spec.start == "trained" else 0)
    cycles = spec.max_cycles if flow else min(spec.max_cycles, _CYCLES_OF_GAUSSIANS)
    climbs = cycles + spec.restarts
    measured = (climbs + 1) * reference_samples(spec)
    samples = climbs * spec.steps * spec.samples
    # The path gradient goes through a flow and its inverse.
    networks = spec.points * (6.0 * samples + measured) * flow
    plain = spec.points * _GRADIENT * (samples + measured) * model.generator
    return Work(plain + networks, climbs * spec.steps, networks)


def _samples(spec: IwaeSpec, model: _Model) -> Work:
    trained = _flow(model.trained.posterior, model.latent, model.latent)
    flow = _flow(model.local, model.latent, 0) if model.local else trained
    draws = float(spec.samples * spec.points)
    return Work(draws * (model.generator + flow), 1, draws * flow)


def _chains(spec: AisSpec, model: _Model, directions: int = 1) -> Work:
    transitions = float(directions * (spec.distributions - 2))  # None at either end.
    if spec.adaptation == "preliminary":
        # Few chains, at most a hundred distributions, adapted twice at each.
        transitions += directions * 2 * (min(spec.distributions, 100) - 2) * 4 / spec.chains
    steps = transitions * spec.leapfrog_steps
    return Work(_GRADIENT * model.generator * steps * spec.chains * spec.points, steps)


def _windows(spec: ProceduresSpec, model: _Model) -> Work:
    # Two procedures, each of which ends by its rule after about so many windows.
    steps = 2 * spec.window * min(spec.max_windows, _WINDOWS)
    return Work(_GRADIENT * model.generator * steps * spec.copies * spec.points, steps)


def _samples_and_chains(spec: ConvergenceSpec, model: _Model) -> Work:
    total = Work(2.0 * model.generator * max(spec.samples) * spec.points, 2)
    one = AisSpec(points=spec.points, chains=spec.chains, leapfrog_steps=spec.leapfrog_steps)
    for size in spec.distributions:
        total += _chains(one.model_copy(update={"distributions": size}), model, directions=2)
    return total


_COUNTED_IN: dict[str, Callable[[Any, _Model], Work]] = {
    "training": _training,
    "ascent": _ascent,
    "samples": _samples,
    "chains": _chains,
    "chains both ways": partial(_chains, directions=2),
    "windows": _windows,
    "samples and chains": _samples_and_chains,
}
