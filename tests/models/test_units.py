"""Activity of latent units against known answers."""

import pytest
import torch
from torch import Tensor

from inference_gaps.models.units import unit_activity
from inference_gaps.models.vae import VAE, build_vae
from inference_gaps.posteriors.family import Parameters
from inference_gaps.posteriors.gaussian import FullyFactorisedGaussian
from inference_gaps.replication.analysis.values import count_active
from inference_gaps.specs.families import FAMILIES
from inference_gaps.specs.train import LinearGaussianArchitectureSpec, PosteriorSpec


class Unknown(FullyFactorisedGaussian):
    """A Gaussian whose mean nobody knows."""

    def mean(self, parameters: Parameters) -> Tensor | None:  # type: ignore[override]
        return None


def gaussian_model() -> tuple[VAE, Tensor]:
    """Return a model with q(z|x) = N(W x, diag(1, 0.25, 1)) where one row of W is zero, and images [40, 6]."""
    torch.manual_seed(0)
    model = build_vae(LinearGaussianArchitectureSpec(latent_dim=3), PosteriorSpec(), (1, 2, 3)).eval()
    with torch.no_grad():
        for parameter in model.posterior.moments.parameters():
            parameter.zero_()
        model.posterior.moments.weight[:2] = torch.randn(2, 6)
        model.posterior.moments.bias[4] = torch.tensor(0.25).log()
    return model, torch.rand(40, 6)


def test_a_gaussian_has_its_activity_by_a_formula() -> None:
    model, images = gaussian_model()
    measured = unit_activity(model, images, 2, 0)
    means = images @ model.posterior.moments.weight[:3].mT
    torch.testing.assert_close(measured.activity, means.double().var(0))
    assert measured.activity[2] == measured.kl[2] == 0
    q = torch.distributions.Normal(means.double(), torch.tensor([1.0, 0.5, 1.0]))
    prior = torch.distributions.Normal(0.0, 1.0)
    torch.testing.assert_close(measured.kl, torch.distributions.kl_divergence(q, prior).mean(0).double())
    assert count_active(measured.activity.tolist()) == 2


def test_samples_give_the_activity_without_bias() -> None:
    """With three samples an image, where their own variance is much larger than the activity to be found."""
    model, images = gaussian_model()
    exact = unit_activity(model, images, 2, 0).activity
    model.posterior.family = Unknown(3)
    found = torch.stack([unit_activity(model, images, 3, seed).activity for seed in range(400)])
    error = found.std(0) / len(found) ** 0.5
    assert (error < 0.03).all()
    assert ((found.mean(0) - exact).abs() < 4 * error).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_has_its_mean_over_many_samples(family: str) -> None:
    """By its formula where it has one; more samples then change nothing, and otherwise only the noise."""
    torch.manual_seed(0)
    spec = PosteriorSpec.model_validate({"family": family, "flow_hidden": 4})
    model = build_vae(LinearGaussianArchitectureSpec(latent_dim=3), spec, (1, 2, 3)).eval()
    images, rng = torch.rand(150, 6), torch.Generator().manual_seed(1)
    few, many = (unit_activity(model, images, samples, 1).activity for samples in (200, 4000))
    z, _ = model.family_at(images).rsample_with_log_prob(model.posterior.parameters_for(images), 4000, rng)
    torch.testing.assert_close(many, z.detach().mean(1).double().var(0), rtol=0.05, atol=2e-3)
    assert torch.equal(few, many) == (family in ("ffg", "full-gaussian"))
    torch.testing.assert_close(few, many, rtol=0.3, atol=5e-3)


def test_a_unit_is_active_above_one_hundredth() -> None:
    assert count_active([0.0, -0.001, 0.0099, 0.01, 0.0101, 1.0]) == 2
