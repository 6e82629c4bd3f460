"""The members of every family that its tests run on, and where they are evaluated."""

import torch
from torch import Tensor

from inference_gaps.posteriors.auxiliary_flow import AuxiliaryFlow
from inference_gaps.posteriors.coupling_flow import CouplingFlow
from inference_gaps.posteriors.family import PosteriorFamily
from inference_gaps.posteriors.full_gaussian import FullGaussian
from inference_gaps.posteriors.gaussian import FullyFactorisedGaussian
from inference_gaps.posteriors.hamiltonian_flow import HamiltonianFlow
from inference_gaps.posteriors.networks import initial_weights

D, B, N = 3, 2, 5


def curved_score(z: Tensor) -> Tensor:
    """The gradient of a curved log density, another one for each of the B points."""
    places = torch.arange(B, dtype=z.dtype).view(-1, 1, 1)
    return places - z + (2 * z.sum(-1, keepdim=True)).cos()


def detached_score(z: Tensor) -> Tensor:
    """The same values without their derivatives."""
    return curved_score(z.detach())


FAMILIES: dict[str, PosteriorFamily] = {
    "ffg": FullyFactorisedGaussian(D),
    "full-amortized": FullGaussian.amortized(D, steps=2, hidden=7),
    "full-local": FullGaussian.local(D, steps=2, hidden=7),
    "coupling-amortized": CouplingFlow.amortized(D, steps=2, hidden=7),
    "coupling-local": CouplingFlow.local(D, steps=2, hidden=7),
    "coupling-three-steps": CouplingFlow.local(D, steps=3, hidden=4),
    "af-amortized": AuxiliaryFlow.amortized(D, steps=2, hidden=7),
    "af-local": AuxiliaryFlow.local(D, steps=2, hidden=7),
    "af-three-steps": AuxiliaryFlow.local(D, steps=3, hidden=4),
    "hamiltonian-amortized": HamiltonianFlow.amortized(D, steps=2, hidden=7).given(curved_score),
    "hamiltonian-local": HamiltonianFlow.local(D, steps=2, hidden=7).given(curved_score),
    "hamiltonian-three-steps": HamiltonianFlow.local(D, steps=3, hidden=4).given(curved_score),
}
LOCAL = [name for name, family in FAMILIES.items() if not family.context_dim]
# With an auxiliary variable, and with a closed density of z.
FLOWS = {name: family for name, family in FAMILIES.items() if isinstance(family, AuxiliaryFlow)}
CLOSED = {name: family for name, family in FAMILIES.items() if name not in FLOWS}


def parameters_of(family: PosteriorFamily, rng: torch.Generator, per_point: bool) -> dict[str, Tensor]:
    """Draw parameters of B points; weights of networks ``per_point``, or shared."""
    parameters = {
        "mean": torch.randn(B, D, generator=rng),
        "log_variance": torch.randn(B, D, generator=rng) - 1,
    }
    if family.context_dim:
        parameters["context"] = torch.randn(B, family.context_dim, generator=rng)
    return parameters | initial_weights(family.network_shapes(), rng, B if per_point else None)


def noise_for(family: PosteriorFamily, rng: torch.Generator, n: int = N) -> Tensor:
    """Draw noise [B, n, noise_dim]."""
    return torch.randn(B, n, family.noise_dim, generator=rng)
