"""What the speed is measured against does the same work: equal bounds, within their errors."""

import pytest
import torch
from torch import nn

from benchmarks.baselines import PlainVae, autograd_ais, plain_iwae
from benchmarks.local_baseline import PlainFlow, PlainGaussian, bound, optimise_point
from inference_gaps.bounds.ais import annealed_importance_sampling
from inference_gaps.bounds.importance import log_mean_weight
from inference_gaps.models.mlp import MlpGenerator
from inference_gaps.models.vae import VAE, build_vae
from inference_gaps.posteriors.registry import local_family
from inference_gaps.specs.bounds import AisSpec
from inference_gaps.specs.train import TrainSpec


@pytest.fixture
def vae() -> VAE:
    torch.manual_seed(0)
    return build_vae(TrainSpec().architecture, TrainSpec().posterior, (1, 28, 28))


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_plain_ais_estimates_the_same_log_p(precision: str) -> None:
    torch.manual_seed(0)
    decoder = nn.Sequential(nn.Linear(3, 8), nn.ELU(), nn.Linear(8, 12))
    generator = MlpGenerator(3, [8], 12, "elu").requires_grad_(False)
    generator.layers[0].load_state_dict(decoder[0].state_dict())
    generator.layers[1].load_state_dict(decoder[2].state_dict())
    x = torch.rand(3, 12).round()
    spec = AisSpec(
        points=3, chains=200, distributions=40, leapfrog_steps=5, adaptation="cumulative",
        gradient_precision=precision,
    )  # fmt: skip
    rng = torch.Generator().manual_seed(0)
    ours = annealed_importance_sampling(generator, x, torch.zeros(3, 3), torch.ones(3, 3), spec, rng)
    plain = autograd_ais(decoder, x, 3, 200, 40, 5)
    # Both have about the same spread.
    assert ((plain - ours.bound.value).abs() < 4 * 2**0.5 * ours.bound.standard_error).all()


def test_plain_loss_is_the_negative_elbo(vae: VAE) -> None:
    plain = PlainVae.like(vae)
    x = torch.rand(2000, 784).round()
    log_joint, log_q = vae.bound_terms(x)
    terms = log_joint - log_q
    error = terms.std().item() * (2 / len(x)) ** 0.5
    assert abs(plain.loss(x).item() + terms.mean().item()) < 4 * error


@torch.no_grad()
def test_plain_iwae_is_the_same_bound(vae: VAE) -> None:
    x = torch.rand(4, 784).round()
    # So that no single weight dominates.
    vae.generator.layers[-1].weight.mul_(0.2)
    log_joint, log_q = vae.bound_terms(x, 2000)
    ours = log_mean_weight((log_joint - log_q).double())
    plain = plain_iwae(PlainVae.like(vae), x, 2000)
    assert ((plain - ours.value).abs() < 4 * 2**0.5 * ours.standard_error).all()


@pytest.mark.parametrize("name", ["ffg", "af"])
@torch.no_grad()
def test_plain_posteriors_are_those_of_the_pipeline(vae: VAE, name: str) -> None:
    family = local_family(name, 50, 2, 200)
    parameters = family.from_zeros(1, torch.Generator().manual_seed(0))
    for key in ("mean", "log_variance"):
        parameters[key] = torch.randn(1, 50)
    plain = {"ffg": PlainGaussian, "af": PlainFlow}[name](50)
    plain.mean.copy_(parameters["mean"][0])
    plain.log_variance.copy_(parameters["log_variance"][0])
    if isinstance(plain, PlainFlow):
        networks = {"second": plain.second, "reverse": plain.reverse}
        for step, (of_v, of_z) in enumerate(plain.steps):
            networks |= {f"step{step}.v": of_v, f"step{step}.z": of_z}
        for prefix, network in networks.items():
            for index, layer in enumerate(each for each in network if isinstance(each, nn.Linear)):
                layer.weight.copy_(parameters[f"{prefix}.{index}.weight"][0].t())
                layer.bias.copy_(parameters[f"{prefix}.{index}.bias"][0])
    noise, x = torch.randn(20, family.noise_dim), torch.rand(784)
    z, log_q = family.transform(parameters, noise.unsqueeze(0))
    ours = (vae.generator.log_joint(x.unsqueeze(0), z) - log_q).mean()
    torch.testing.assert_close(bound(PlainVae.like(vae).decoder, x, plain, noise), ours, rtol=1e-5, atol=1e-3)


def test_plain_optimisation_climbs_and_ends_by_its_own_rule() -> None:
    torch.manual_seed(0)
    decoder = nn.Sequential(nn.Linear(2, 12)).requires_grad_(False)
    posterior, x = PlainGaussian(2), torch.rand(12).round()
    noise = torch.randn(500, 2)
    before = bound(decoder, x, posterior, noise).item()
    reached = [bound(decoder, x, posterior, noise).item() for _ in optimise_point(decoder, x, posterior)]
    assert reached[-1] > before
    assert len(reached) >= 12
    assert reached[-1] == pytest.approx(max(reached), abs=0.01)
