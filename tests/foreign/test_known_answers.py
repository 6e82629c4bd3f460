"""Models with known answers, described as somebody else would: what is measured is what is known."""

import math

import numpy as np
import pandas as pd
import pytest
import torch

from inference_gaps.errors import UserError
from inference_gaps.exact.answers import exact_answers
from inference_gaps.foreign.likelihoods.continuous import Gaussian
from inference_gaps.foreign.likelihoods.discrete import Bernoulli
from inference_gaps.foreign.loading import describe
from inference_gaps.foreign.measure import measure
from inference_gaps.foreign.priors import GaussianMixture
from inference_gaps.foreign.result import Result
from inference_gaps.foreign.vae import Vae
from inference_gaps.models.mlp import MlpFeatures, MlpGenerator
from inference_gaps.models.vae import VAE
from inference_gaps.posteriors.amortized import AmortizedPosterior
from inference_gaps.posteriors.registry import amortized_family
from tests.foreign.models import QUICK, Linear

NATS, ERRORS = 0.01, 4.0


def _hits(result: Result, name: str, exact: float, nats: float = NATS) -> None:
    row = result.summary.loc[name]
    off = row["mean"] - exact
    assert abs(off) < ERRORS * row["error"] + 1e-5 * abs(exact), (name, off, row["error"])
    assert abs(off) < max(nats, ERRORS * row["error"]), (name, off)


def test_a_linear_model_has_the_bounds_and_gaps_of_its_formulas() -> None:
    model = Linear()
    x = model.data(40)
    result = measure(
        model.vae(), x, elbo=float(model.elbo(x).mean()), samples=4000, steps=200, progress=False
    )
    log_p, elbo, gap = model.log_marginal(x), model.elbo(x), model.approximation_gap()
    assert gap > 0.3
    _hits(result, "log_p", log_p.mean().item())
    _hits(result, "elbo_amortized", elbo.mean().item())
    _hits(result, "elbo_local_ffg", log_p.mean().item() - gap)
    _hits(result, "approximation_gap", gap)
    _hits(result, "inference_gap", (log_p - elbo).mean().item())
    _hits(result, "amortization_gap", (log_p - elbo).mean().item() - gap)
    _hits(result, "ais_local_ffg", log_p.mean().item())
    (both,) = result.bidirectional
    assert abs(both.width) < 0.3
    assert result.warnings() == []
    assert not result.summary["loose"].any()


def test_in_double_precision_the_same(tmp_path: object) -> None:
    model = Linear().double()
    x = model.data(10)
    result = measure(model.vae(), x, progress=False, **{**QUICK, "steps": 200, "samples": 4000})
    _hits(result, "log_p", model.log_marginal(x).mean().item(), 0.05)
    _hits(result, "elbo_amortized", model.elbo(x).mean().item())


def test_richer_families_close_the_gap_of_a_gaussian_posterior() -> None:
    model = Linear(latent_dim=2)
    x = model.data(8)
    local = ("ffg", "full-gaussian", "coupling", "af")
    result = measure(
        model.vae(), x, local=local, flow_steps=150, max_cycles=2, progress=False, **{**QUICK, "steps": 200}
    )
    means = result.summary["mean"]
    assert means["gain_full_gaussian"] == pytest.approx(model.approximation_gap(), abs=0.02)
    for key in ("full_gaussian", "coupling", "af"):
        assert means[f"approximation_gap_{key}"] < 0.5 * means["approximation_gap"]


def _small_network() -> VAE:
    rng = torch.Generator().manual_seed(5)
    features = MlpFeatures(30, [12], "elu")
    generator = MlpGenerator(2, [10], 30, "tanh")
    model = VAE(generator, AmortizedPosterior(features, 12, amortized_family("ffg", 2, 2, 8)))
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.copy_(0.8 * torch.randn(parameter.shape, generator=rng))
        for parameter in model.posterior.parameters():
            parameter.copy_(0.2 * torch.randn(parameter.shape, generator=rng))
    return model.eval().requires_grad_(False)


def test_a_model_of_this_project_comes_through_the_same_door() -> None:
    """Two latent dimensions and Bernoulli pixels, by quadrature."""
    model = _small_network()
    rng = torch.Generator().manual_seed(6)
    x = model.generator.simulate(torch.randn(12, 2, generator=rng), rng)
    exact = exact_answers(model, x, ("log_p", "elbo_amortized", "elbo_local_ffg"))
    result = measure(describe(model), x, samples=3000, steps=120, simulated=0, progress=False)
    _hits(result, "log_p", exact["log_p"].value.mean().item())
    _hits(result, "elbo_amortized", exact["elbo_amortized"].value.mean().item())
    _hits(result, "elbo_local_ffg", exact["elbo_local_ffg"].value.mean().item(), 0.02)


def _quadrature(vae: Vae, x: torch.Tensor) -> torch.Tensor:
    """log p(x) [B] of two latent dimensions by the trapezoidal rule."""
    axis = torch.linspace(-7, 7, 281, dtype=torch.float64)
    z = torch.cartesian_prod(axis, axis).float()
    with torch.no_grad():
        values = torch.stack([vae.log_joint_rows(row.expand(len(z), -1), z).double() for row in x])
    return torch.logsumexp(values, 1) + 2 * math.log(14 / 280)


def test_a_vamp_prior_with_two_latent_dimensions_is_measured_as_it_is() -> None:
    torch.manual_seed(0)
    encoder, decoder = torch.nn.Linear(10, 4), torch.nn.Linear(2, 10)
    pseudo = torch.rand(5, 10)

    def encode(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mean, log_variance = encoder(x).chunk(2, 1)
        return 2 * mean, log_variance - 1

    for module in (encoder, decoder):
        module.eval()
    prior = GaussianMixture(*encode(pseudo))
    vae = Vae(encode, decoder, 2, Bernoulli(), prior)
    x = torch.rand(24, 10).round()
    result = measure(vae, x, ais=("prior", "local-ffg"), samples=4000, steps=200, progress=False)
    exact = _quadrature(vae, x)
    _hits(result, "log_p", exact.mean().item())
    _hits(result, "ais_prior", exact.mean().item())
    plain = measure(Vae(encode, decoder, 2, Bernoulli()), x, ais=(), local=(), progress=False, **QUICK)
    assert (
        abs(plain.summary.loc["elbo_amortized", "mean"] - result.summary.loc["elbo_amortized", "mean"]) > 0.1
    )


def test_samples_of_q_and_a_joint_density_are_enough() -> None:
    """The way out for models with covariates, several latents, flows: the same numbers."""
    model = Linear()
    x = model.data(12)

    def log_joint(x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        likelihood = (
            torch.distributions.Normal(model.decoder(z), model.sigma).log_prob(x.unsqueeze(1)).sum(-1)
        )
        return likelihood + torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(-1)

    def sample_q(x: torch.Tensor, n: int) -> tuple[torch.Tensor, torch.Tensor]:
        mean, log_variance = model.encode(x)
        q = torch.distributions.Independent(torch.distributions.Normal(mean, (0.5 * log_variance).exp()), 1)
        z = q.sample(torch.Size((n,)))
        return z.movedim(0, 1), q.log_prob(z).movedim(0, 1)

    vae = Vae(latent_dim=4, log_joint=log_joint, sample_q=sample_q)
    result = measure(vae, x, samples=4000, steps=150, progress=False)
    _hits(result, "log_p", model.log_marginal(x).mean().item(), 0.05)
    _hits(result, "elbo_amortized", model.elbo(x).mean().item(), 0.05)
    assert result.bidirectional == []


def test_distributions_and_flows_are_taken_as_encoders() -> None:
    model = Linear()
    x = model.data(6)

    def normal(x: torch.Tensor) -> torch.distributions.Distribution:
        mean, log_variance = model.encode(x)
        return torch.distributions.Normal(mean, (0.5 * log_variance).exp())

    class Flow:
        def rsample_with_log_prob(self, x: torch.Tensor, n: int) -> tuple[torch.Tensor, torch.Tensor]:
            q = torch.distributions.Independent(normal(x), 1)
            z = q.rsample(torch.Size((n,)))
            return z.movedim(0, 1), q.log_prob(z).movedim(0, 1)

    for encode in (normal, Flow()):
        result = measure(model.vae(encode=encode), x, progress=False, **{**QUICK, "samples": 4000})
        _hits(result, "elbo_amortized", model.elbo(x).mean().item(), 0.05)


def test_the_same_seed_gives_the_same_numbers_and_chunks_do_not_matter() -> None:
    model = Linear()
    x = model.data(6)
    one, same, other = (
        measure(model.vae(rows=rows), x, seed=seed, progress=False, **QUICK)
        for rows, seed in ((None, 0), (None, 0), (None, 1))
    )
    pd.testing.assert_frame_equal(one.points, same.points)
    assert not np.allclose(one.points["elbo_amortized"], other.points["elbo_amortized"], atol=1e-6)
    few = measure(model.vae(rows=7), x, progress=False, **QUICK)
    assert np.allclose(one.points["elbo_amortized"], few.points["elbo_amortized"], atol=1e-4)


def test_spatial_latents_have_the_shape_that_the_decoder_takes() -> None:
    torch.manual_seed(0)
    encoder = torch.nn.Conv2d(1, 4, 4, stride=4).eval()
    decoder = torch.nn.ConvTranspose2d(2, 1, 4, stride=4).eval()
    vae = Vae(lambda x: encoder(x).chunk(2, 1), decoder, (2, 2, 2), Gaussian(sigma=0.5))
    x = torch.rand(5, 1, 8, 8)
    result = measure(vae, x, progress=False, **QUICK)
    assert (result.points["inference_gap"] > -0.5).all()
    assert result.bidirectional[0].points == 4


def test_what_is_saved_can_be_read_again(tmp_path) -> None:  # type: ignore[no-untyped-def]
    model = Linear()
    result = measure(model.vae(), model.data(5), progress=False, **QUICK)
    result.save(tmp_path / "gaps")
    points = pd.read_csv(tmp_path / "gaps" / "points.csv", index_col="point")
    assert np.allclose(points["inference_gap"], result.points["inference_gap"])
    assert {path.name for path in (tmp_path / "gaps").iterdir()} == {
        "points.csv", "summary.csv", "summary.txt", "result.json", "gaps.pdf",
    }  # fmt: skip
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        result.save(tmp_path / "file")
