"""Densities of z at given places: they integrate to one, and are those of the samples."""

import math

import pytest
import torch
from torch import Tensor

from inference_gaps.errors import UserError
from inference_gaps.exact.densities import log_density_at, marginal_log_density
from inference_gaps.posteriors.auxiliary_flow import AuxiliaryFlow
from inference_gaps.posteriors.coupling_flow import CouplingFlow
from inference_gaps.posteriors.family import PosteriorFamily
from inference_gaps.posteriors.full_gaussian import FullGaussian
from inference_gaps.posteriors.gaussian import FullyFactorisedGaussian
from inference_gaps.posteriors.hamiltonian_flow import HamiltonianFlow
from inference_gaps.posteriors.networks import initial_weights

MEMBERS: dict[str, PosteriorFamily] = {
    "ffg": FullyFactorisedGaussian(2),
    "full": FullGaussian.local(2, steps=2, hidden=6),
    "coupling": CouplingFlow.local(2, steps=2, hidden=6),
    "af": AuxiliaryFlow.local(2, steps=2, hidden=6),
    "af of a network": AuxiliaryFlow(2, 6, 2, 0, "z", "elu", negative_elu_shift=True),
}


def parameters_of(family: PosteriorFamily) -> dict[str, Tensor]:
    """Return parameters of one point, whose networks bend the density, and leave r(v|z) near q(v|z)."""
    rng = torch.Generator().manual_seed(8)
    weights = initial_weights(family.network_shapes(), rng, 1)
    parameters = {name: 0.7 * weight.double() for name, weight in weights.items()}
    moments = {"mean": torch.tensor([[0.4, -0.3]]), "log_variance": torch.tensor([[-0.6, -0.2]])}
    parameters |= {name: tensor.double() for name, tensor in moments.items()}
    return fitted(family, parameters) if type(family) is AuxiliaryFlow else parameters


def fitted(flow: AuxiliaryFlow, parameters: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the parameters with r(v|z) brought near q(v|z), as maximising the bound brings it."""
    rng = torch.Generator().manual_seed(9)
    reverse = {
        name: tensor.requires_grad_() for name, tensor in parameters.items() if name.startswith("reverse")
    }
    optimiser = torch.optim.Adam(reverse.values(), lr=0.02)
    for _ in range(250):
        noise = torch.randn(1, 256, flow.noise_dim, generator=rng).double()
        optimiser.zero_grad()
        flow.transform(parameters, noise)[1].mean().backward()
        optimiser.step()
    return {name: tensor.detach() for name, tensor in parameters.items()}


def square(samples: Tensor, nodes: int) -> tuple[Tensor, Tensor, float]:
    """Return the axes of a square around all samples [n, 2], its nodes [nodes^2, 2], and the area of a cell."""
    centre, half = samples.mean(0), 1.3 * (samples - samples.mean(0)).abs().max()
    axes = centre.unsqueeze(1) + half * torch.linspace(-1, 1, nodes, dtype=torch.float64)
    area = float((axes[0, 1] - axes[0, 0]) * (axes[1, 1] - axes[1, 0]))
    return axes, torch.cartesian_prod(*axes), area


@pytest.mark.parametrize("name", MEMBERS)
def test_a_density_integrates_to_one_and_has_the_moments_of_its_samples(name: str) -> None:
    family, parameters = MEMBERS[name], parameters_of(MEMBERS[name])
    noise = torch.randn(1, 40_000, family.noise_dim, generator=torch.Generator().manual_seed(1)).double()
    samples = family.transform(parameters, noise)[0][0]
    _, z, area = square(samples, 31)
    mass = log_density_at(family, parameters, z).exp() * area
    assert mass.sum().item() == pytest.approx(1, abs=5e-3)
    for statistic in (
        lambda z: z[:, 0],
        lambda z: z[:, 1],
        lambda z: z[:, 0] * z[:, 1],
        lambda z: z[:, 0] ** 3,
    ):
        drawn = statistic(samples)
        expected = (statistic(z) * mass).sum() / mass.sum()
        assert abs((drawn.mean() - expected).item()) < 4 * (drawn.std() / math.sqrt(len(drawn))).item()


def test_the_bound_of_a_flow_with_an_auxiliary_variable_takes_no_less_than_its_density() -> None:
    """E[log q(z, v) - log r(v|z)] is at least E[log q(z)]: r is not q(v|z)."""
    flow = MEMBERS["af"]
    assert isinstance(flow, AuxiliaryFlow)
    parameters = parameters_of(flow)
    noise = torch.randn(1, 500, flow.noise_dim, generator=torch.Generator().manual_seed(2)).double()
    z, log_q = flow.transform(parameters, noise)
    marginal, change = marginal_log_density(flow, parameters, z[0])
    excess = log_q[0] - marginal
    assert -4 * excess.std() / math.sqrt(len(excess)) < excess.mean() < 0.3
    assert change[~change.isnan()].max() < 0.01


def test_the_density_of_a_hamiltonian_flow_is_a_sentence() -> None:
    flow = HamiltonianFlow.local(2, steps=1, hidden=4)
    with pytest.raises(
        UserError, match="density of a HamiltonianFlow at given z is not known; choose another family"
    ):
        log_density_at(flow, parameters_of(flow), torch.zeros(3, 2).double())
