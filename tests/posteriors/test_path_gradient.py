"""The gradient by way of the sample alone: no noise is left where q is the posterior."""

import pytest
import torch

from inference_gaps.posteriors.gaussian import normal_log_prob
from tests.posteriors.members import FAMILIES, LOCAL, B, D, noise_for, parameters_of


@pytest.mark.parametrize("name", LOCAL)
def test_the_path_gradient_vanishes_where_q_is_the_posterior(name: str) -> None:
    """At each sample, not in the mean (Roeder et al., 2017); the whole gradient does not vanish there.

    The networks of r(v|z) are left out: they keep the gradient of their own score.
    """
    rng = torch.Generator().manual_seed(2)
    mean, log_variance = torch.randn(B, D, generator=rng), torch.randn(B, D, generator=rng)
    family = FAMILIES[name].given(lambda z: (mean.unsqueeze(1) - z) / log_variance.exp().unsqueeze(1))
    noise = noise_for(family, rng)

    def largest(transform: str) -> float:
        start = family.from_gaussian(mean, log_variance, torch.Generator().manual_seed(1))
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


@pytest.mark.parametrize("per_point", [True, False])
@pytest.mark.parametrize("name", FAMILIES)
def test_both_transforms_have_the_same_values(name: str, per_point: bool) -> None:
    family, rng = FAMILIES[name], torch.Generator().manual_seed(3)
    parameters = parameters_of(family, rng, per_point)
    noise = noise_for(family, rng)
    torch.testing.assert_close(family.path_transform(parameters, noise), family.transform(parameters, noise))
