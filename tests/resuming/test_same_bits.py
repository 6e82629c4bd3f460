"""Interrupted after every k-th step and gone on with from the file, everything ends in the same bits."""

import dataclasses
from pathlib import Path
from typing import Any, Literal
from unittest.mock import patch

import pytest
import torch

from inference_gaps.bounds import batches, optima
from inference_gaps.bounds.authors_local import compare_local
from inference_gaps.bounds.chains import evaluate_ais, evaluate_bdmc
from inference_gaps.bounds.convergence import evaluate_convergence
from inference_gaps.bounds.iwae import evaluate_iwae
from inference_gaps.bounds.local import Effort
from inference_gaps.models.mlp import MlpGenerator
from inference_gaps.models.vae import VAE, build_vae
from inference_gaps.numerics.checkpoint import NO_CHECKPOINT, Checkpoint
from inference_gaps.posteriors.local import LocalPosterior
from inference_gaps.posteriors.registry import local_family
from inference_gaps.specs.bounds import AisSpec, ConvergenceSpec, IwaeSpec, LocalSpec, ProceduresSpec
from inference_gaps.specs.train import (
    ArchitectureSpec,
    ConvArchitectureSpec,
    MlpArchitectureSpec,
    PosteriorSpec,
    TrainSpec,
)
from inference_gaps.training.loop import Images, train
from tests.resuming.interrupting import interrupted_every

DIMENSION = 9
CLOCK = {"images_per_second", "seconds"}


def bits(value: Any) -> Any:
    """Return what can be compared to the bit, NaN included."""
    if isinstance(value, torch.Tensor):
        return str(value.dtype), tuple(value.shape), value.detach().contiguous().numpy().tobytes()
    if dataclasses.is_dataclass(value):
        return bits(vars(value))
    if isinstance(value, dict):
        return {name: bits(item) for name, item in value.items() if name not in CLOCK}
    if isinstance(value, list | tuple):
        return [bits(item) for item in value]
    return repr(value)


def generator() -> MlpGenerator:
    torch.manual_seed(1)
    return MlpGenerator(3, [6, 5], DIMENSION, "elu").requires_grad_(False)


def images(points: int, dimension: int = DIMENSION) -> torch.Tensor:
    rng = torch.Generator().manual_seed(2)
    return (torch.rand(points, dimension, generator=rng) < 0.4).to(torch.uint8)


def trained(
    architecture: ArchitectureSpec,
    family: str,
    shuffle: bool,
    shape: tuple[int, int, int],
    frozen: bool = False,
    warm_up_of: Literal["entropy", "kl"] = "entropy",
) -> Any:
    """Return a function from a checkpoint to all that 8 epochs of 3 batches make, through all stages."""
    spec = TrainSpec(
        architecture=architecture,
        posterior=PosteriorSpec(family=family, flow_hidden=4),  # type: ignore[arg-type]
        epochs=8,
        batch_size=4,
        learning_rate=1e-2,
        warm_up_epochs=3,
        warm_up_of=warm_up_of,
        shuffle=shuffle,
        checkpoints=[1, 4, 7],
    )
    rows = Images(images(14, shape[0] * shape[1] * shape[2]), 1.0)

    def process(checkpoint: Checkpoint) -> Any:
        torch.set_default_dtype(torch.float32)
        torch.manual_seed(0)
        model = build_vae(spec.architecture, spec.posterior, shape)
        if frozen:
            model.freeze_generator(build_vae(spec.architecture, spec.posterior, shape).generator)
        made = train(model, spec, rows, rows, lambda metrics: None, checkpoint)
        assert [metrics.epoch for metrics in made.epochs] == list(range(1, 9))
        assert [metrics.seconds for metrics in made.epochs] == sorted(
            metrics.seconds for metrics in made.epochs
        )
        assert list(made.checkpoints) == spec.checkpoints
        return bits([model.state_dict(), made.epochs, list(made.checkpoints.values())])

    return process


MLP = MlpArchitectureSpec(latent_dim=2, encoder_hidden=[6], decoder_hidden=[6])
CONV = ConvArchitectureSpec(latent_dim=2, encoder_channels=2, decoder_channels=2)
TRAININGS = {
    "mlp-ffg-shuffled": (MLP, "ffg", True, (1, 3, 3)),
    "mlp-af": (MLP, "af", False, (1, 3, 3)),
    "mlp-af-kl": (MLP, "af", False, (1, 3, 3), False, "kl"),
    "conv-ffg-shuffled": (CONV, "ffg", True, (3, 32, 32)),
    "conv-af-frozen": (CONV, "af", True, (3, 32, 32), True),
}


@pytest.mark.parametrize("steps", [1, 2, 5, 7])
@pytest.mark.parametrize("name", TRAININGS)
def test_training(name: str, steps: int, tmp_path: Path) -> None:
    """Within epochs and at their ends, along the schedule of the rate and the warm-up; Adam and batch norm."""
    process = trained(*TRAININGS[name])
    result, stopped = interrupted_every(steps, tmp_path, process)
    assert stopped == 24 // steps
    assert result == process(NO_CHECKPOINT)


def annealed(spec: AisSpec, both: bool = False) -> Any:
    """Return a function from a checkpoint to the estimates at five points, three of them at once."""
    x, location, scale = images(5).float(), torch.zeros(5, 3), torch.full((5, 3), 0.8)

    def process(checkpoint: Checkpoint) -> Any:
        with patch.object(batches, "_CPU_ROWS", 3 * spec.chains):
            if both:
                at = (x, location + 0.1, location, scale)
                return bits(evaluate_bdmc(generator(), *at, spec, checkpoint=checkpoint))
            return bits(evaluate_ais(generator(), x, location, scale, spec, checkpoint=checkpoint))

    return process


ANNEALINGS = {
    "preliminary": (AisSpec(chains=6, distributions=14, leapfrog_steps=2), False),
    "cumulative": (AisSpec(chains=3, distributions=14, leapfrog_steps=2, adaptation="cumulative"), False),
    "one-transition": (AisSpec(chains=6, distributions=3, leapfrog_steps=2), False),
    "both-ways": (AisSpec(chains=6, distributions=14, leapfrog_steps=2), True),
    "both-ways-cumulative": (AisSpec(chains=3, distributions=9, adaptation="cumulative"), True),
    "both-ways-one-transition": (AisSpec(chains=6, distributions=3), True),
}


@pytest.mark.parametrize("steps", [1, 2, 5, 7, 13])
@pytest.mark.parametrize("name", ANNEALINGS)
def test_annealing(name: str, steps: int, tmp_path: Path) -> None:
    """While step sizes are adapted, while they are frozen, between the two, and in the second batch."""
    process = annealed(*ANNEALINGS[name])
    result, stopped = interrupted_every(steps, tmp_path, process)
    assert stopped or name.endswith("one-transition")
    assert result == process(NO_CHECKPOINT)


def network() -> VAE:
    torch.manual_seed(1)
    spec = PosteriorSpec(family="af", flow_hidden=4)
    return build_vae(MLP, spec, (1, 3, 3)).requires_grad_(False).eval()


def optimised(spec: LocalSpec) -> Any:
    """Return a function from a checkpoint to q* of four points, two of them at once where they have networks."""
    x = images(4).float()

    def process(checkpoint: Checkpoint) -> Any:
        model = network()
        with patch.object(optima, "_NETWORKS_AT_ONCE", 2):
            found = optima.optimise_local(model.generator, model.posterior, x, spec, checkpoint=checkpoint)
        return bits([found.posterior.parameters, found.residual, found.summary()])

    return process


SEARCHES = {
    "gaussian": LocalSpec(steps=6, samples=3, max_cycles=3, tolerance=1e-9, learning_rate=0.1),
    "several-starts": LocalSpec(steps=4, samples=3, max_cycles=3, tolerance=1e-9, restarts=2),
    "flow": LocalSpec(family="af", flow_hidden=4, steps=4, samples=2, max_cycles=3, tolerance=1e-9),
    "ends-early": LocalSpec(steps=4, samples=3, max_cycles=6, tolerance=1e3),
}


@pytest.mark.parametrize("steps", [1, 2, 3, 5, 7])
@pytest.mark.parametrize("name", SEARCHES)
def test_local_optimisation(name: str, steps: int, tmp_path: Path) -> None:
    """Within each cycle and between them, at each of several starts, in the second batch, and at an early end."""
    process = optimised(SEARCHES[name])
    result, stopped = interrupted_every(steps, tmp_path, process)
    assert stopped >= 1
    assert result == process(NO_CHECKPOINT)


def gaussian(points: int) -> LocalPosterior:
    zeros = torch.zeros(points, 3)
    return LocalPosterior(local_family("ffg", 3, 1, 1), {"mean": zeros + 0.1, "log_variance": zeros - 0.2})


@pytest.mark.parametrize("steps", [1, 2, 3, 5])
@pytest.mark.parametrize("patience", [1, 100], ids=["ends-by-its-rule", "ends-by-the-limit"])
def test_the_authors_local_optimisation(patience: int, steps: int, tmp_path: Path) -> None:
    """Between windows, between the two procedures, and after an end by the rule."""
    spec = ProceduresSpec(copies=4, window=2, patience=patience, max_windows=8, learning_rate=0.1, samples=8)
    x = images(3).float()

    def process(checkpoint: Checkpoint) -> Any:
        return bits(compare_local(generator(), x, gaussian(3), Effort(1, 2), spec, checkpoint=checkpoint))

    result, stopped = interrupted_every(steps, tmp_path, process)
    assert stopped >= 1
    assert result == process(NO_CHECKPOINT)


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_importance_weights(steps: int, tmp_path: Path) -> None:
    """Between batches of two points."""
    x, q = images(5).float(), gaussian(5)

    def process(checkpoint: Checkpoint) -> Any:
        with patch.object(batches, "_CPU_ROWS", 40):
            return bits(evaluate_iwae(generator(), q, x, IwaeSpec(samples=20), checkpoint=checkpoint))

    result, stopped = interrupted_every(steps, tmp_path, process)
    assert stopped >= 1
    assert result == process(NO_CHECKPOINT)


@pytest.mark.parametrize("steps", [1, 4, 11])
def test_the_convergence_of_estimators(steps: int, tmp_path: Path) -> None:
    """Between estimators and sizes, and within chains of the second batch."""
    x, q = images(5).float(), gaussian(5)
    spec = ConvergenceSpec(samples=[4, 8], distributions=[3, 9], chains=4, leapfrog_steps=2)

    def process(checkpoint: Checkpoint) -> Any:
        with patch.object(batches, "_CPU_ROWS", 3 * spec.chains):
            return bits(evaluate_convergence(generator(), q, q, 7, x, spec, checkpoint=checkpoint))

    result, stopped = interrupted_every(steps, tmp_path, process)
    assert stopped >= 1
    assert result == process(NO_CHECKPOINT)
