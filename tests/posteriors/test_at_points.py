"""q(z|x) of a flow as a member of a local family: the same density, and a start that can only be improved."""

import pytest
import torch

from inference_gaps.bounds.importance import elbo
from inference_gaps.bounds.local import optimise
from inference_gaps.models.vae import VAE, build_vae
from inference_gaps.posteriors.at_points import family_at_points, parameters_at_points
from inference_gaps.specs.bounds import LocalSpec
from inference_gaps.specs.families import FAMILIES
from inference_gaps.specs.train import MlpArchitectureSpec, PosteriorSpec

CONDITIONAL = [name for name, entry in FAMILIES.items() if entry.conditional]
POINTS, STEPS, HIDDEN = 4, 2, 7


def model_of(family: str) -> VAE:
    torch.manual_seed(3)
    architecture = MlpArchitectureSpec(latent_dim=3, encoder_hidden=[8], decoder_hidden=[8])
    posterior = PosteriorSpec(family=family, flow_steps=STEPS, flow_hidden=HIDDEN)
    model = build_vae(architecture, posterior, (1, 4, 5)).double().requires_grad_(False)
    for parameter in model.parameters():
        parameter.mul_(2)
    return model


def images() -> torch.Tensor:
    return torch.rand(POINTS, 20, generator=torch.Generator().manual_seed(1), dtype=torch.float64).round()


def test_the_flows_are_conditional() -> None:
    assert set(CONDITIONAL) == {"coupling", "hamiltonian", "af"}


@pytest.mark.parametrize("family", CONDITIONAL)
def test_samples_and_densities_are_those_of_the_amortized_flow(family: str) -> None:
    model, x = model_of(family), images()
    amortized = model.posterior.parameters_for(x)
    own = parameters_at_points(amortized)
    member = family_at_points(family, 3, STEPS, HIDDEN).given(model.generator.score(x))
    assert {name: tuple(tensor.shape[1:]) for name, tensor in own.items()} == {
        "mean": (3,),
        "log_variance": (3,),
        **member.network_shapes(),
    }
    assert all(len(tensor) == POINTS for tensor in own.values())
    noise = torch.randn(POINTS, 6, member.noise_dim, dtype=torch.float64)
    for transform in ("transform", "path_transform"):
        found = getattr(member, transform)(own, noise)
        expected = getattr(model.family_at(x), transform)(amortized, noise)
        for one, other in zip(found, expected, strict=True):
            torch.testing.assert_close(one, other)


@pytest.mark.parametrize("family", CONDITIONAL)
def test_what_is_found_from_there_is_no_worse_at_any_point(family: str) -> None:
    model, x = model_of(family), images()
    start = parameters_at_points(model.posterior.parameters_for(x))
    member = family_at_points(family, 3, STEPS, HIDDEN)
    spec = LocalSpec(family=family, start="trained", samples=8, steps=60, learning_rate=0.01, max_cycles=2)
    rng = torch.Generator().manual_seed(2)
    torch.set_default_dtype(torch.float64)
    try:
        optimum = optimise(model.generator, member, x, [start], spec, rng, lambda *_: None)
        here = member.given(model.generator.score(x))
        bounds = []
        for parameters in (start, optimum.parameters):
            z, log_q = here.rsample_with_log_prob(parameters, 20_000, rng)
            bounds.append(elbo(model.generator.log_joint(x, z) - log_q))
    finally:
        torch.set_default_dtype(torch.float32)
    gain = bounds[1].value - bounds[0].value
    error = (bounds[0].standard_error ** 2 + bounds[1].standard_error ** 2).sqrt()
    assert (gain > -4 * error).all()
    assert gain.mean() > 0.1
