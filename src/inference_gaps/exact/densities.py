"""log q(z) of a posterior at given z, also of flows whose bound only ever needs it at their own samples."""

import torch
from torch import Tensor

from inference_gaps.errors import UserError
from inference_gaps.posteriors.family import Parameters, PosteriorFamily

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
        family: one whose density is known at given z.
        parameters: of one data point (B = 1), in float64.
        z: [n, d] in float64; d at most 2 for a flow with an auxiliary variable.

    Returns:
        [n] in nats. For a flow with an auxiliary variable it is that of z alone (:func:`marginal_log_density`).

    Raises:
        UserError: the density of the family is not known at given z.
    """
    closed = family.log_prob(parameters, z.unsqueeze(0))
    return marginal_log_density(family, parameters, z)[0] if closed is None else closed[0]


@torch.no_grad()
def marginal_log_density(flow: PosteriorFamily, parameters: Parameters, z: Tensor) -> tuple[Tensor, Tensor]:
    """Integrate q(z) = int q(z, v) dv by the trapezoidal rule, at the inverse of the flow.

    The rule has its nodes around r(v|z), which the bound has fitted to q(v|z); where r is nothing like it, mass is
    missed, and what is drawn does not sum to one. For a smooth integrand that vanishes
    at both ends it converges faster than any power of the spacing, wherever the nodes are. They are made denser and
    wider together until nothing changes; where z has less than exp(-16) of the largest density, once is enough.

    Args:
        flow: one with a reverse model r(v|z); d at most 2.
        parameters: of one data point (B = 1), in float64.
        z: [n, d] in float64.

    Returns:
        log q(z) [n] in nats, and how much the last rule changed it [n]; NaN where there was only one.

    Raises:
        UserError: the flow has no reverse model, or no density at given (z, v).
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
    flow: PosteriorFamily, parameters: Parameters, z: Tensor, half_width: float, spacing: float
) -> Tensor:
    count = round(2 * half_width / spacing) + 1
    axis = torch.linspace(-half_width, half_width, count, dtype=z.dtype)
    nodes = torch.cartesian_prod(*[axis] * flow.latent_dim).reshape(-1, flow.latent_dim)
    area = flow.latent_dim * torch.log(axis[1] - axis[0])
    parts = []
    for some in z.split(max(1, _PAIRS_AT_ONCE // len(nodes))):
        reverse = flow.reverse(parameters, some.unsqueeze(0))
        if reverse is None:
            raise UserError(
                f"The density of a {type(flow).__name__} at given z is not known; choose another family, such as "
                f"ffg or af."
            )
        mean, log_variance = reverse
        v = mean[0].unsqueeze(1) + torch.exp(0.5 * log_variance[0]).unsqueeze(1) * nodes
        pairs = some.unsqueeze(1).expand_as(v).reshape(1, -1, flow.latent_dim)
        joint = flow.joint_log_prob(parameters, pairs, v.reshape(1, -1, flow.latent_dim))
        # Far from the samples of the flow its inverse may overflow; there it has no density.
        total = torch.logsumexp(joint.nan_to_num(nan=-torch.inf).reshape(len(some), -1), dim=1)
        parts.append(total + 0.5 * log_variance[0].sum(-1) + area)
    return torch.cat(parts)
