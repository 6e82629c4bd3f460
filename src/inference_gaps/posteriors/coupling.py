"""One half-step of real NVP: a net of one part of the variables scales and shifts the other (Dinh et al. 2017).

    b' = b * sigmoid(s) + m        with (m, s) from a net of a, with one hidden layer

The log-determinant is the sum of log sigmoid(s), whatever m is. As in the authors' code the scale is below 1.
"""

import math
from collections.abc import MutableMapping

import torch
from torch import Tensor
from torch.nn import functional

from inference_gaps.posteriors.family import Parameters
from inference_gaps.posteriors.networks import ACTIVATIONS, linear

__all__ = ["START_LOGIT", "constant_step", "half_step", "log_contraction", "with_context"]

# The s of each step of a flow that starts as a Gaussian: the step only contracts.
START_LOGIT = 3.0


def with_context(variable: Tensor, parameters: Parameters) -> Tensor:
    """Append the context of each data point, where there is one, to ``variable`` [B, n, inputs]."""
    if "context" not in parameters:
        return variable
    context = parameters["context"].unsqueeze(1).expand(-1, variable.shape[1], -1)
    return torch.cat([variable, context], dim=-1)


def half_step(
    condition: Tensor, parameters: Parameters, prefix: str, activation: str
) -> tuple[Tensor, Tensor]:
    """Return shift and log scale [B, n, outputs] from the net ``prefix`` of ``condition`` and the context."""
    x = with_context(condition, parameters)
    hidden = linear(x, parameters[f"{prefix}.0.weight"], parameters[f"{prefix}.0.bias"])
    hidden = ACTIVATIONS[activation](hidden)
    output = linear(hidden, parameters[f"{prefix}.1.weight"], parameters[f"{prefix}.1.bias"])
    shift, scale_logit = output.chunk(2, dim=-1)
    return shift, functional.logsigmoid(scale_logit)


def constant_step(parameters: MutableMapping[str, Tensor], prefix: str, scale_logit: float) -> None:
    """Make the net ``prefix`` of each data point give m = 0 and s = ``scale_logit`` for every input."""
    parameters[f"{prefix}.1.weight"].zero_()
    shift, scale = parameters[f"{prefix}.1.bias"].chunk(2, dim=-1)
    parameters[f"{prefix}.1.bias"] = torch.cat(
        [torch.zeros_like(shift), torch.full_like(scale, scale_logit)], dim=-1
    )


def log_contraction(steps: int) -> float:
    """Return the log of the factor by which ``steps`` steps with ``START_LOGIT`` scale a variable."""
    return steps * -math.log1p(math.exp(-START_LOGIT))
