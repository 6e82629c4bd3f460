"""What the speed is measured against does the same work: equal bounds, within their errors."""

import torch
from torch import nn

from benchmarks.baselines import PlainVae, autograd_ais
from inference_gaps.bounds.ais import annealed_importance_sampling
from inference_gaps.models.mlp import MlpGenerator
from inference_gaps.models.vae import VAE
from inference_gaps.posteriors.amortised import AmortisedPosterior
from inference_gaps.posteriors.gaussian import FullyFactorisedGaussian
from inference_gaps.specs.ais import AisSpec


def test_plain_ais_estimates_the_same_log_p() -> None:
    torch.manual_seed(0)
    decoder = nn.Sequential(nn.Linear(3, 8), nn.ELU(), nn.Linear(8, 12))
    generator = MlpGenerator(3, [8], 12, "elu").requires_grad_(False)
    generator.layers[0].load_state_dict(decoder[0].state_dict())
    generator.layers[1].load_state_dict(decoder[2].state_dict())
    x = torch.rand(3, 12).round()
    spec = AisSpec(points=3, chains=200, distributions=40, leapfrog_steps=5, adaptation="cumulative")
    rng = torch.Generator().manual_seed(0)
    ours = annealed_importance_sampling(generator, x, torch.zeros(3, 3), torch.ones(3, 3), spec, rng)
    plain = autograd_ais(decoder, x, 3, 200, 40, 5)
    # Both have about the same spread.
    assert ((plain - ours.bound.value).abs() < 4 * 2**0.5 * ours.bound.standard_error).all()


def test_plain_loss_is_the_negative_elbo() -> None:
    torch.manual_seed(0)
    plain = PlainVae()
    generator = MlpGenerator(50, [200, 200], 784, "elu")
    for index in range(3):
        generator.layers[index].load_state_dict(plain.decoder[2 * index].state_dict())
    posterior = AmortisedPosterior(plain.encoder[:4], 200, FullyFactorisedGaussian(50))
    posterior.moments.load_state_dict(plain.encoder[4].state_dict())
    x = torch.rand(2000, 784).round()
    log_joint, log_q = VAE(generator, posterior).bound_terms(x)
    terms = log_joint - log_q
    error = terms.std().item() * (2 / len(x)) ** 0.5
    assert abs(plain.loss(x).item() + terms.mean().item()) < 4 * error
