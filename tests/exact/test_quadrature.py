"""Integrals on grids against sums by other rules, and the best Gaussian against many searches with other tools."""

import functools
import math

import numpy as np
import pytest
import torch
from scipy import integrate, optimize
from torch import Tensor

from inference_gaps.errors import UserError
from inference_gaps.exact import quadrature
from inference_gaps.exact.answers import exact_answers
from inference_gaps.exact.optimum import best_gaussian
from inference_gaps.exact.quadrature import PosteriorGrid, gaussian_bound, log_joint_at
from inference_gaps.models.mlp import MlpGenerator
from inference_gaps.models.vae import build_vae
from inference_gaps.specs.train import LinearGaussianArchitectureSpec, MlpArchitectureSpec, PosteriorSpec
from tests.bounds.targets import several_optima

PIXELS, POINTS = 30, 3
LOG_2PI = math.log(2 * math.pi)


@functools.cache
def decoder(latent_dim: int, folded: bool = False) -> tuple[MlpGenerator, Tensor]:
    """Return a curved decoder and points simulated from it [B, D]."""
    rng = torch.Generator().manual_seed(5 + latent_dim)
    model = MlpGenerator(latent_dim, [8], PIXELS, "tanh", folded=folded).double().requires_grad_(False)
    for parameter in model.parameters():
        parameter.copy_(1.2 * torch.randn(parameter.shape, generator=rng, dtype=torch.float64))
    z = torch.randn(POINTS, latent_dim, generator=rng, dtype=torch.float64)
    return model, model.simulate(z, rng)


def by_trapezoids(model: MlpGenerator, x: Tensor, nodes: int = 1201) -> Tensor:
    """log p(x) [B] by the trapezoidal rule, which converges fast where the integrand vanishes at both ends."""
    axis = torch.linspace(-7, 7, nodes)
    grid = torch.cartesian_prod(*[axis] * model.latent_dim).reshape(-1, model.latent_dim)
    total = torch.cat([model.log_joint(x[i : i + 1], grid.unsqueeze(0)) for i in range(len(x))])
    return torch.logsumexp(total, 1) + model.latent_dim * math.log(14 / (nodes - 1))


@pytest.mark.parametrize("folded", [False, True])
@pytest.mark.parametrize("latent_dim", [1, 2])
def test_log_marginal_is_that_of_another_rule(latent_dim: int, folded: bool) -> None:
    """To 10^-4 nats, which the grid says of itself."""
    model, x = decoder(latent_dim, folded)
    grid = PosteriorGrid(model, x)
    assert grid.change.max() < 1e-5
    torch.testing.assert_close(grid.log_marginal, by_trapezoids(model, x), atol=1e-6, rtol=0)


def far_out(distance: float) -> tuple[MlpGenerator, Tensor]:
    """Return a linear decoder, and two points: of z near the origin, and of z at ``distance``."""
    rng = torch.Generator().manual_seed(7)
    model = MlpGenerator(2, [], 400, "tanh").double().requires_grad_(False)
    for parameter in model.parameters():
        parameter.copy_(0.3 * torch.randn(parameter.shape, generator=rng, dtype=torch.float64))
    z = torch.tensor([[0.3, -0.5], [distance, 1.0]], dtype=torch.float64)
    return model, (model.logits(z) > 0).double()


def test_a_posterior_far_out_is_integrated_as_a_whole() -> None:
    """log p(x) by trapezoids over [-15, 15]^2, of a point whose posterior has its mode near 7.5."""
    model, x = far_out(4.0)
    axis = torch.linspace(-15, 15, 601, dtype=torch.float64)
    z = torch.cartesian_prod(axis, axis)
    joint = torch.cat([log_joint_at(model, x, some) for some in z.split(20_000)], dim=1)
    grid = PosteriorGrid(model, x)
    assert 7 < grid.mode()[1].abs().max() < 8
    reference = torch.logsumexp(joint, 1) + 2 * math.log(30 / 600)
    torch.testing.assert_close(grid.log_marginal, reference, atol=1e-6, rtol=0)


def test_a_posterior_outside_of_every_square_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quadrature, "_HALF_CELLS", (20,))
    with pytest.raises(UserError, match="reaches beyond 6 in a latent dimension"):
        PosteriorGrid(*far_out(4.0))


def test_the_marginal_of_all_images_sums_to_one() -> None:
    """Over the 2^6 images of six pixels: no constant is missing."""
    rng = torch.Generator().manual_seed(1)
    model = MlpGenerator(2, [5], 6, "tanh").requires_grad_(False)
    for parameter in model.parameters():
        parameter.copy_(torch.randn(parameter.shape, generator=rng))
    every = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * 6)
    assert PosteriorGrid(model, every).log_marginal.exp().sum().item() == pytest.approx(1, abs=1e-6)


def test_moments_and_samples_are_those_of_the_posterior() -> None:
    model, x = decoder(1)
    grid = PosteriorGrid(model, x)
    mean, variance = grid.moments()
    for i in range(POINTS):

        def density(z: float, power: int, i: int = i) -> float:
            joint = model.log_joint(x[i : i + 1], torch.tensor([[[z]]])) - grid.log_marginal[i]
            return z**power * math.exp(joint.item())

        first, second = (integrate.quad(density, -7, 7, args=(power,), limit=200)[0] for power in (1, 2))
        assert mean[i].item() == pytest.approx(first, abs=1e-6)
        assert variance[i].item() == pytest.approx(second - first**2, abs=1e-6)
    drawn = grid.samples(4000)
    assert drawn.shape == (4000, POINTS, 1)
    assert ((drawn.mean(0) - mean).abs() < 5 * (variance / 4000).sqrt()).all()


@pytest.mark.parametrize("scale", [0.02, 0.5, 1.5])
def test_the_bound_of_a_gaussian_is_its_expectation(scale: float) -> None:
    """Narrow, like the posterior, and far wider than it: against 200,000 samples, and close to them."""
    model, x = decoder(2)
    rng = torch.Generator().manual_seed(2)
    mean = 0.5 * torch.randn(POINTS, 2, generator=rng)
    log_variance = torch.full((POINTS, 2), 2 * math.log(scale))
    value, change = gaussian_bound(model, x, mean, log_variance)
    assert change.max() < 1e-4
    noise = torch.randn(POINTS, 200_000, 2, generator=rng)
    entropy = 0.5 * (log_variance.sum(1) + 2 * (1 + LOG_2PI))
    terms = model.log_joint(x, mean.unsqueeze(1) + scale * noise)
    error = terms.std(1) / noise.shape[1] ** 0.5
    assert ((value - terms.mean(1) - entropy).abs() < 5 * error).all()
    assert error.max() < 0.05


@pytest.mark.parametrize("folded", [False, True])
def test_no_search_from_random_starts_beats_the_best_gaussian(folded: bool) -> None:
    """20 starts of another optimiser, other nodes; also where the posterior has four modes, some overlapping."""
    model, x = several_optima() if folded else decoder(2)
    grid = PosteriorGrid(model, x)
    mean, log_variance = best_gaussian(model, x, grid)
    best, _ = gaussian_bound(model, x, mean, log_variance)
    assert (best < grid.log_marginal).all()
    axis, mass = np.polynomial.hermite_e.hermegauss(15)
    nodes = torch.cartesian_prod(*[torch.from_numpy(axis)] * 2)
    weights = torch.cartesian_prod(*[torch.from_numpy(mass / mass.sum())] * 2).prod(1)
    rng = np.random.default_rng(3)
    for i in range(len(x)):

        def loss(flat: np.ndarray, i: int = i) -> tuple[float, np.ndarray]:
            leaf = torch.from_numpy(flat).requires_grad_()
            z = leaf[:2] + torch.exp(0.5 * leaf[2:]) * nodes
            expected = model.frozen_log_joint(x[i : i + 1], z.unsqueeze(0))[0] @ weights
            value = -(expected + 0.5 * (leaf[2:].sum() + 2 * (1 + LOG_2PI)))
            value.backward()
            assert leaf.grad is not None
            return value.item(), leaf.grad.numpy()

        for _ in range(20):
            start = np.concatenate([rng.normal(0, 1.5, 2), rng.uniform(-4, 0.5, 2)])
            end = torch.from_numpy(optimize.minimize(loss, start, jac=True, method="L-BFGS-B").x)
            reached, _ = gaussian_bound(model, x[i : i + 1], end[None, :2], end[None, 2:])
            assert reached.item() < best[i].item() + 1e-4


def test_answers_come_by_formula_or_by_quadrature() -> None:
    x = decoder(2)[1].float()
    shape = [1, 5, 6]
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float32)
    curved = build_vae(
        MlpArchitectureSpec(latent_dim=2, encoder_hidden=[4], decoder_hidden=[4]), PosteriorSpec(), shape
    )
    names = ["log_p", "elbo_amortized", "elbo_local_ffg"]
    for model in (curved, build_vae(LinearGaussianArchitectureSpec(), PosteriorSpec(), shape)):
        found = exact_answers(model.requires_grad_(False), x, names)
        assert set(found) == set(names)
        assert all(answer.value.dtype == torch.float64 for answer in found.values())
        assert all((answer.error < 1e-4).all() for answer in found.values())
        log_p, best, amortized = (found[name].value for name in ("log_p", "elbo_local_ffg", "elbo_amortized"))
        assert (amortized < best).all()
        assert (best < log_p).all()
    flow = PosteriorSpec(family="af", flow_steps=1, flow_hidden=4)
    model = build_vae(MlpArchitectureSpec(latent_dim=1, decoder_hidden=[4]), flow, shape)
    assert set(exact_answers(model.requires_grad_(False), x, names)) == {"log_p", "elbo_local_ffg"}


def test_a_model_without_known_answers_is_a_sentence() -> None:
    model = build_vae(MlpArchitectureSpec(latent_dim=3, decoder_hidden=[4]), PosteriorSpec(), [1, 5, 6])
    with pytest.raises(
        UserError, match="3 latent dimensions; they are known for linear-gaussian models, and"
    ):
        exact_answers(model.double(), decoder(2)[1], ["log_p"])
