"""log q(z) of a posterior at given z, also of flows whose bound only ever needs it at their own samples."""

import torch
from torch import Tensor

from inference_gaps.errors import UserError
from inference_gaps.posteriors.auxiliary_flow import AuxiliaryFlow
from inference_gaps.posteriors.coupling import with_context
from inference_gaps.posteriors.coupling_flow import CouplingFlow
from inference_gaps.posteriors.family import Parameters, PosteriorFamily
from inference_gaps.posteriors.full_gaussian import FullGaussian
from inference_gaps.posteriors.gaussian import FullyFactorisedGaussian, normal_log_prob
from inference_gaps.posteriors.hamiltonian_flow import HamiltonianFlow
from inference_gaps.posteriors.networks import mlp

__all__ = ["log_density_at", "marginal_log_density"]

# Half-width and spacing of the nodes for v, in standard deviations of r(v|z).
_RULES = ((5.0, 1.0), (7.5, 0.75), (12.0, 0.5), (12.0, 0.25))
_TOLERANCE = 1.0e-3
_NEGLIGIBLE = 16.0
_PAIRS_AT_ONCE = 2048


@torch.no_grad()
def log_density_at(family: PosteriorFamily, parameters: Parameters, z: Tensor) -> Tensor:
    """Return log q(z) of one data point.

    Args:
        family: any but the Hamiltonian flow.
        parameters: of one data point (B = 1), in float64.
        z: [n, d] in float64; d at most 2 for a flow with an auxiliary variable.

    Returns:
        [n] in nats. For a flow with an auxiliary variable it is that of z alone (:func:`marginal_log_density`).

    Raises:
        UserError: the density of the family is not known at given z.
    """
    at = z.unsqueeze(0)
    if isinstance(family, FullyFactorisedGaussian):
        mean, log_variance = parameters["mean"].unsqueeze(1), parameters["log_variance"].unsqueeze(1)
        return normal_log_prob(at, mean, log_variance)[0]
    if isinstance(family, CouplingFlow | FullGaussian):
        return family.log_prob(parameters, at)[0]
    if isinstance(family, AuxiliaryFlow) and not isinstance(family, HamiltonianFlow):
        return marginal_log_density(family, parameters, z)[0]
    raise UserError(
        "The density of a Hamiltonian flow at given z would need an integral over gradients; choose ffg, "
        "full-gaussian, coupling or af."
    )


@torch.no_grad()
def marginal_log_density(flow: AuxiliaryFlow, parameters: Parameters, z: Tensor) -> tuple[Tensor, Tensor]:
    """Integrate q(z) = int q(z, v) dv by the trapezoidal rule, at the inverse of the flow.

    The rule has its nodes around r(v|z), which the bound has fitted to q(v|z); where r is nothing like it, mass is
    missed, and what is drawn does not sum to one. For a smooth integrand that vanishes
    at both ends it converges faster than any power of the spacing, wherever the nodes are. They are made denser and
    wider together until nothing changes; where z has less than exp(-16) of the largest density, once is enough.

    Args:
        flow: d at most 2.
        parameters: of one data point (B = 1), in float64.
        z: [n, d] in float64.

    Returns:
        log q(z) [n] in nats, and how much the last rule changed it [n]; NaN where there was only one.
    """
    value = _integral(flow, parameters, z, *_RULES[0])
    change = torch.full_like(value, torch.nan)
    due = (value > value.max() - _NEGLIGIBLE).nonzero().squeeze(1)
    for rule in _RULES[1:]:
        if not len(due):
            break
        refined = _integral(flow, parameters, z[due], *rule)
        change[due] = (refined - value[due]).abs()
        value[due] = refined
        due = due[change[due] > _TOLERANCE]
    return value, change


def _integral(
    flow: AuxiliaryFlow, parameters: Parameters, z: Tensor, half_width: float, spacing: float
) -> Tensor:
    count = round(2 * half_width / spacing) + 1
    axis = torch.linspace(-half_width, half_width, count, dtype=z.dtype)
    nodes = torch.cartesian_prod(*[axis] * flow.latent_dim).reshape(-1, flow.latent_dim)
    area = flow.latent_dim * torch.log(axis[1] - axis[0])
    parts = []
    for some in z.split(max(1, _PAIRS_AT_ONCE // len(nodes))):
        reverse = mlp(with_context(some.unsqueeze(0), parameters), parameters, "reverse", "elu")
        mean, log_variance = reverse.chunk(2, dim=-1)
        v = mean[0].unsqueeze(1) + torch.exp(0.5 * log_variance[0]).unsqueeze(1) * nodes
        pairs = some.unsqueeze(1).expand_as(v).reshape(1, -1, flow.latent_dim)
        joint = flow.joint_log_prob(parameters, pairs, v.reshape(1, -1, flow.latent_dim))
        # Far from the samples of the flow its inverse may overflow; there it has no density.
        total = torch.logsumexp(joint.nan_to_num(nan=-torch.inf).reshape(len(some), -1), dim=1)
        parts.append(total + 0.5 * log_variance[0].sum(-1) + area)
    return torch.cat(parts)
