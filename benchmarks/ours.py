"""What the pipeline does, called as its commands call it, and the baselines, each as a call that is timed.

All work on one model and on the first images of its training split.
"""

import copy
import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.baselines import PlainVae, autograd_ais, plain_iwae, train_from_loader, train_in_memory
from benchmarks.local_baseline import PlainFlow, PlainGaussian, bound, optimise_point
from benchmarks.timing import Outcome, clock, timed
from inference_gaps.bounds.chains import chain_start, evaluate_ais
from inference_gaps.bounds.importance import Bound
from inference_gaps.bounds.iwae import evaluate_iwae
from inference_gaps.bounds.local import optimise
from inference_gaps.models.vae import VAE, build_vae
from inference_gaps.numerics.device import random_generator
from inference_gaps.posteriors.family import Parameters, PosteriorFamily
from inference_gaps.posteriors.registry import local_family
from inference_gaps.replication.cli import main as inference_gaps
from inference_gaps.replication.storage.prepared_data import load_prepared
from inference_gaps.replication.storage.trained_models import load_model
from inference_gaps.specs.bounds import AisSpec, IwaeSpec, LocalSpec
from inference_gaps.specs.train import TrainSpec
from inference_gaps.training.loop import Images, train

__all__ = [
    "Files",
    "LocalRun",
    "ais",
    "iwae",
    "local",
    "log_p",
    "plain_ais",
    "plain_iwae_bound",
    "plain_local",
    "plain_training",
    "prepare",
    "random_ais",
    "training",
]

_TOP = Path(__file__).parents[1]
_TRAINING = (
    '{"epochs": 40, "warm_up_epochs": 5, "learning_rate": 3e-3, "schedule": "geometric", "shuffle": true, '
    '"validation_points": 0, "gradient_precision": "bfloat16"}'
)
_EVALUATION_SAMPLES = 2000


@dataclass(frozen=True)
class Files:
    """The prepared data and the model trained on them."""

    data: str
    model: str


def prepare(folder: Path) -> Files:
    """Prepare the digits that ship with the project, grey, and train a model with a Gaussian posterior on them."""
    files = Files(str(folder / "digits.safetensors"), str(folder / "model.safetensors"))
    images = ["--dataset", "mnist-small", "--binarisation", "grey256", "--output", files.data]
    inference_gaps(["prepare-data", *images, "--folder", str(_TOP / "data" / "embedded" / "mnist-small")])
    output = ["--output", files.model, "--metrics", str(folder / "metrics.csv")]
    inference_gaps(["train", "--spec", _TRAINING, "--data", files.data, *output])
    return files


@functools.cache
def _model(files: Files) -> VAE:
    return load_model(files.model)[0]


@functools.cache
def _plain_model(files: Files) -> PlainVae:
    return PlainVae.like(_model(files))


@functools.cache
def _points(files: Files, count: int) -> Tensor:
    return load_prepared(files.data).points("train", count)


@functools.cache
def _bytes(count: int) -> Tensor:
    """Noise in place of images [count, 784]: a step takes as long on any image."""
    return (256 * torch.rand(count, 784, generator=random_generator(0))).to(torch.uint8)


def training(spec: TrainSpec, images: int) -> Outcome:
    """Train one epoch."""
    data = _bytes(images)
    model = build_vae(spec.architecture, spec.posterior, (1, 28, 28))

    def epoch() -> None:
        train(model, spec, Images(data, 1 / 256), None, lambda metrics: None)

    return timed(epoch)


def plain_training(loader: bool, images: int, batch_size: int) -> Outcome:
    """Train one epoch by a plain loop, through a ``DataLoader`` or over pixels in memory."""
    if loader:
        return timed(lambda: train_from_loader(_bytes(images), batch_size))
    pixels = _bytes(images).float().div_(256)
    return timed(lambda: train_in_memory(pixels, batch_size))


def _anneal(vae: VAE, x: Tensor, spec: AisSpec) -> Bound:
    """Estimate log p(x) of each point by chains from the prior."""
    return evaluate_ais(vae.generator, x, *chain_start(x, vae.latent_dim), spec).bound


def ais(files: Files, spec: AisSpec) -> Outcome:
    """Anneal from the prior."""
    vae, x = _model(files), _points(files, spec.points)
    return timed(lambda: _anneal(vae, x, spec))


def plain_ais(files: Files, spec: AisSpec, frozen: bool) -> Outcome:
    """Anneal from the prior by autograd over the whole log joint, with weights ``frozen`` or not."""
    vae, x = _plain_model(files), _points(files, spec.points)
    sizes = vae.latent_dim, spec.chains, spec.distributions, spec.leapfrog_steps
    decoder = copy.deepcopy(vae.decoder).requires_grad_(not frozen)
    return timed(lambda: autograd_ais(decoder, x, *sizes))


def random_ais(spec: AisSpec, latent_dim: int, plain: bool) -> Outcome:
    """Anneal on a decoder with random weights, on which chains take as long as on any."""
    vae = build_vae(
        TrainSpec.model_validate({"architecture": {"kind": "mlp", "latent_dim": latent_dim}}).architecture,
        TrainSpec().posterior,
        (1, 28, 28),
    )
    vae.requires_grad_(False)
    x = _bytes(spec.points).float() / 256
    if plain:
        decoder = PlainVae.like(vae).decoder.requires_grad_(False)
        sizes = latent_dim, spec.chains, spec.distributions, spec.leapfrog_steps
        return timed(lambda: autograd_ais(decoder, x, *sizes))
    return timed(lambda: _anneal(vae, x, spec))


def iwae(files: Files, spec: IwaeSpec) -> Outcome:
    """Evaluate the IWAE bound of the recognition network."""
    vae, x = _model(files), _points(files, spec.points)
    return timed(lambda: evaluate_iwae(vae.generator, vae.posterior, x, spec)["iwae"].value)


def plain_iwae_bound(files: Files, spec: IwaeSpec) -> Outcome:
    """Evaluate the IWAE bound one image after the other."""
    vae, x = _plain_model(files), _points(files, spec.points)
    return timed(lambda: plain_iwae(vae, x, spec.samples))


class _Watched:
    """A family that shows the parameters that it is measured at: the start, and what each cycle ends with."""

    def __init__(self, family: PosteriorFamily, watch: Callable[[Parameters], None]) -> None:
        self._family, self._watch = family, watch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._family, name)

    def given(self, score: object) -> "_Watched":
        """See :meth:`PosteriorFamily.given`."""
        return self

    def transform(self, parameters: Parameters, noise: Tensor) -> tuple[Tensor, Tensor]:
        """See :meth:`PosteriorFamily.transform`."""
        self._watch(parameters)
        return self._family.transform(parameters, noise)


@dataclass(frozen=True)
class LocalRun:
    """What a local optimisation had reached, and when, in seconds of its own.

    Attributes:
        seconds: at the start and after each cycle, or after each window of the baseline.
        bounds: of each data point at these times [times][points], with common noise, in nats.
    """

    seconds: list[float]
    bounds: list[list[float]]


def _noise(latent: int) -> Tensor:
    return torch.randn(_EVALUATION_SAMPLES, latent, generator=random_generator(0, stream=10))


def local(files: Files, spec: LocalSpec, gaussian: LocalSpec | None = None) -> LocalRun:
    """Optimise all points at once; with ``gaussian``, begin with q*_FFG, whose time counts."""
    vae, x = _model(files), _points(files, spec.points)
    started = clock()
    with torch.no_grad():
        begin = vae.posterior.parameters_for(x)
    if gaussian is not None:
        start = LocalSpec.model_validate(gaussian.as_dict() | {"points": spec.points})
        begin = _optimise(vae, x, start, begin, lambda parameters: None)
    run, paused = LocalRun([], []), 0.0
    family = local_family(spec.family, vae.latent_dim, spec.flow_steps, spec.flow_hidden)
    noise = _noise(family.noise_dim)

    def watch(parameters: Parameters) -> None:
        nonlocal paused
        entered = clock()
        with torch.no_grad():
            reached = []
            for index in range(len(x)):
                one = {name: tensor[index : index + 1] for name, tensor in parameters.items()}
                z, log_q = family.transform(one, noise.unsqueeze(0))
                terms = vae.generator.log_joint(x[index : index + 1], z) - log_q
                reached.append(terms.mean().item())
        if run.bounds:
            reached = [max(pair) for pair in zip(reached, run.bounds[-1])]
        run.seconds.append(entered - started - paused)
        run.bounds.append(reached)
        paused += clock() - entered

    _optimise(vae, x, spec, begin, watch)
    return run


def _optimise(
    vae: VAE, x: Tensor, spec: LocalSpec, begin: Parameters, watch: Callable[[Parameters], None]
) -> dict[str, Tensor]:
    family = local_family(spec.family, vae.latent_dim, spec.flow_steps, spec.flow_hidden)
    with torch.no_grad():
        start = family.from_gaussian(
            begin["mean"], begin["log_variance"], random_generator(spec.seed, stream=1)
        )
    watched: Any = _Watched(family, watch)
    rng = random_generator(spec.seed)
    return optimise(vae.generator, watched, x, [start], spec, rng, lambda cycle, bound: None).parameters


def plain_local(files: Files, family: str, index: int, enough: float) -> LocalRun:
    """Optimise one point by the plain procedure, until its bound is ``enough`` or it ends by its own rule."""
    plain, x = _plain_model(files), _points(files, index + 1)[index]
    decoder = copy.deepcopy(plain.decoder).requires_grad_(False)
    torch.manual_seed(index)
    posterior = {"ffg": PlainGaussian, "af": PlainFlow}[family](plain.latent_dim)
    noise = _noise(posterior.noise_dim)
    run, spent = LocalRun([], []), 0.0
    windows = optimise_point(decoder, x, posterior)
    while not run.bounds or run.bounds[-1][0] < enough:
        started = clock()
        if next(windows, "over") == "over":
            break
        spent += clock() - started
        with torch.no_grad():
            run.seconds.append(spent)
            run.bounds.append([bound(decoder, x, posterior, noise).item()])
    return run


def log_p(files: Files, spec: AisSpec, gaussian: LocalSpec) -> Outcome:
    """Optimise q*_FFG and anneal from it; the time of both counts."""
    vae, x = _model(files), _points(files, spec.points)

    def evaluate() -> Bound:
        with torch.no_grad():
            begin = vae.posterior.parameters_for(x)
        reached = _optimise(vae, x, gaussian, begin, lambda parameters: None)
        return _anneal(vae, x, reached["mean"], torch.exp(0.5 * reached["log_variance"]), spec)

    return timed(evaluate)
