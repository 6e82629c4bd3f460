"""The gradient by way of the sample alone: no noise is left where q is the posterior."""

import pytest
import torch
from torch import Tensor

from inference_gaps.posteriors.auxiliary_flow import AuxiliaryFlow
from inference_gaps.posteriors.family import PosteriorFamily
from inference_gaps.posteriors.gaussian import FullyFactorisedGaussian, normal_log_prob
from inference_gaps.posteriors.local import flow_from_gaussian
from inference_gaps.posteriors.networks import initial_weights

POINTS, D, SAMPLES = 2, 3, 5
FAMILIES = {
    "ffg": FullyFactorisedGaussian(D),
    "af-local": AuxiliaryFlow.local(D, steps=2, hidden=7),
    "af-amortised": AuxiliaryFlow.amortised(D, steps=2, hidden=7),
}


def _moments(rng: torch.Generator) -> tuple[Tensor, Tensor]:
    return torch.randn(POINTS, D, generator=rng), torch.randn(POINTS, D, generator=rng)


def _gaussian_member(family: PosteriorFamily, mean: Tensor, log_variance: Tensor) -> dict[str, Tensor]:
    if isinstance(family, AuxiliaryFlow):
        return flow_from_gaussian(family, mean, log_variance, torch.Generator().manual_seed(1))
    return {"mean": mean, "log_variance": log_variance}


@pytest.mark.parametrize("name", ["ffg", "af-local"])
def test_the_path_gradient_vanishes_where_q_is_the_posterior(name: str) -> None:
    """At each sample, not in the mean (Roeder et al., 2017); the whole gradient does not vanish there.

    The networks of r(v|z) are left out: they keep the gradient of their own score.
    """
    family, rng = FAMILIES[name], torch.Generator().manual_seed(2)
    mean, log_variance = _moments(rng)
    noise = torch.randn(POINTS, SAMPLES, family.noise_dim, generator=rng)

    def largest(transform: str) -> float:
        start = _gaussian_member(family, mean, log_variance)
        parameters = {key: tensor.clone().requires_grad_() for key, tensor in start.items()}
        z, log_q = getattr(family, transform)(parameters, noise)
        log_p = normal_log_prob(z, mean.unsqueeze(1), log_variance.unsqueeze(1))
        (log_p - log_q).sum().backward()
        gradients = [
            tensor.grad.abs().max().item()
            for key, tensor in parameters.items()
            if tensor.grad is not None and not key.startswith("reverse")
        ]
        return max(gradients)

    assert largest("path_transform") < 1e-11
    assert largest("transform") > 0.1


@pytest.mark.parametrize("name", FAMILIES)
def test_both_transforms_have_the_same_values(name: str) -> None:
    family, rng = FAMILIES[name], torch.Generator().manual_seed(3)
    mean, log_variance = _moments(rng)
    parameters = {"mean": mean, "log_variance": log_variance}
    if family.context_dim:
        parameters["context"] = torch.randn(POINTS, family.context_dim, generator=rng)
    parameters |= initial_weights(family.network_shapes(), rng)
    noise = torch.randn(POINTS, SAMPLES, family.noise_dim, generator=rng)
    torch.testing.assert_close(family.path_transform(parameters, noise), family.transform(parameters, noise))
