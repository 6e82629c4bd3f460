"""Gradients in low precision steer chains and optimisers, and bias nothing that is estimated."""

import math

import pytest
import torch
from torch import Tensor

from inference_gaps.bounds.ais import (
    bidirectional_monte_carlo,
    whitened_potential,
)
from inference_gaps.bounds.hmc import transition
from inference_gaps.bounds.local import optimise
from inference_gaps.models import mlp
from inference_gaps.models.generator import Generator
from inference_gaps.models.mlp import MlpGenerator
from inference_gaps.posteriors.gaussian import FullyFactorisedGaussian
from inference_gaps.specs.bounds import AisSpec, LocalSpec
from tests.bounds.targets import ring, ring_samples, state_at


@pytest.fixture(autouse=True)
def _as_the_stages_compute_with_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_default_dtype(torch.float32)
    monkeypatch.setattr(mlp, "bfloat16_is_faster", lambda device: True)


def decoder(pixels: int = 120, folded: bool = False) -> MlpGenerator:
    rng = torch.Generator().manual_seed(4)
    generator = MlpGenerator(2, [12, 12], pixels, "elu", folded=folded).requires_grad_(False)
    for parameter in generator.parameters():
        parameter.copy_(0.6 * torch.randn(parameter.shape, generator=rng))
    return generator


def images(generator: Generator, count: int = 6) -> tuple[Tensor, Tensor]:
    """Return images [B, D] from the model, and the latent variables [B, d] behind them."""
    rng = torch.Generator().manual_seed(5)
    z = torch.randn(count, generator.latent_dim, generator=rng)
    return generator.simulate(z, rng), z


def log_marginal(generator: MlpGenerator, x: Tensor) -> Tensor:
    """Return log p(x) [B] by a sum over a fine grid."""
    axis = torch.linspace(-7, 7, 501, dtype=torch.float64)
    grid = torch.cartesian_prod(axis, axis).unsqueeze(0)
    exact = MlpGenerator(2, [12, 12], x.shape[1], "elu").double()
    exact.load_state_dict(generator.state_dict())
    cell = 2 * math.log(float(axis[1] - axis[0]))
    with torch.no_grad():
        return (
            torch.cat([torch.logsumexp(exact.log_joint(row, grid), 1) for row in x.double().split(1)]) + cell
        )


@pytest.mark.parametrize("folded", [False, True])
def test_the_gradient_is_near_the_exact_one_and_always_the_same(folded: bool) -> None:
    torch.manual_seed(0)
    generator = decoder(folded=folded)
    x = torch.rand(3, 120).round()
    z = torch.randn(3, 5, generator.latent_dim)
    exact = generator.log_joint_gradient(x, z)[1]
    gradient = generator.gradient_of(x, "bfloat16")
    found = gradient(z)
    assert found.dtype == z.dtype
    distance = ((found - exact).norm() / exact.norm()).item()
    assert 0 < distance < 0.03
    assert torch.equal(found, gradient(z))
    assert torch.equal(generator.gradient_of(x)(z), exact)
    assert not found.requires_grad


def test_annealing_along_it_has_the_right_mean_in_both_directions() -> None:
    generator = decoder()
    x, z = images(generator)
    truth = log_marginal(generator, x)
    spec = AisSpec(
        points=6, chains=400, distributions=40, schedule="sigmoidal", gradient_precision="bfloat16"
    )
    rng = torch.Generator().manual_seed(1)
    location, scale = torch.zeros(6, 2), torch.ones(6, 2)
    forward, reverse = bidirectional_monte_carlo(generator, x, z, location, scale, spec, rng)
    assert forward.acceptance.mean() > 0.5
    error = forward.bound.value - truth
    assert (error.abs() < 4 * forward.bound.standard_error + 0.01).all()
    # Reverse chains leave from one exact sample: only their mean over points is near the truth.
    assert abs((reverse.bound.value - truth).mean().item()) < 0.2


def test_values_stay_exact() -> None:
    generator = decoder()
    x, _ = images(generator)
    location, scale = torch.zeros(6, 2), torch.ones(6, 2)
    u = torch.randn(6, 3, 2)
    low, exact = (
        whitened_potential(generator, x, location, scale, precision)(u, True)[0]
        for precision in ("bfloat16", "float32")
    )
    torch.testing.assert_close(low, exact, rtol=0, atol=1e-4)


def test_transitions_along_a_wrong_gradient_still_leave_the_density_invariant() -> None:
    """Any function of u will do: here one that is a third too long, and turned."""

    def askew(u: Tensor, with_value: bool) -> tuple[Tensor | None, Tensor]:
        value, gradient = ring(u, with_value)
        return value, 1.3 * gradient + 0.3 * gradient.flip(-1)

    rng = torch.Generator().manual_seed(2)
    count = 40_000
    u = ring_samples(count, 1.0, rng)
    step = torch.full((1, count), 0.35)
    state = state_at(askew, u)
    for _ in range(4):
        moved = transition(state, askew, 1.0, step, 4, rng)
        state = moved.state
    fresh = ring_samples(count, 1.0, rng)
    assert 0.2 < moved.acceptance.mean() < 0.95
    for statistic in (
        lambda u: u[..., 0],
        lambda u: u.square().sum(-1),
        lambda u: (2 * u[..., 0] + u[..., 1]).sin(),
    ):
        after, exact = statistic(state.u)[0], statistic(fresh)[0]
        error = math.sqrt((after.var() + exact.var()).item() / count)
        assert abs((after.mean() - exact.mean()).item()) < 4 * error


def test_a_local_optimum_reached_along_it_is_as_good() -> None:
    generator = decoder()
    x, _ = images(generator)
    family = FullyFactorisedGaussian(2)
    start = {"mean": torch.zeros(6, 2), "log_variance": torch.zeros(6, 2)}
    reached = []
    for precision in ("float32", "bfloat16"):
        spec = LocalSpec(points=6, samples=32, steps=300, learning_rate=0.05, gradient_precision=precision)
        rng = torch.Generator().manual_seed(3)
        reached.append(optimise(generator, family, x, [start], spec, rng, lambda *_: None))
    exact, low = (optimum.bound[-1] for optimum in reached)
    assert exact - reached[0].bound[0] > 1
    assert abs(low - exact) < 0.01


def test_a_processor_without_bfloat16_gets_exact_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlp, "bfloat16_is_faster", lambda device: False)
    torch.manual_seed(0)
    generator = decoder()
    x, z = torch.rand(3, 120).round(), torch.randn(3, 5, generator.latent_dim)
    assert torch.equal(generator.gradient_of(x, "bfloat16")(z), generator.log_joint_gradient(x, z)[1])
