"""Layers written as functions, whose weights are shared by all data points or one set per data point."""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["ACTIVATIONS", "initial_weights", "layer_shapes", "linear", "mlp"]

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "elu": functional.elu,
    "tanh": torch.tanh,
    "relu": functional.relu,
}


def linear(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Affine map of [B, n, in] to [B, n, out].

    ``weight`` is [in, out], shared, or [B, in, out], one for each data point; ``bias`` likewise. With the
    inputs first, neither the product nor its gradients need a transposed copy of a weight for each point.
    """
    if weight.dim() == 2:
        return torch.addmm(bias, x.flatten(0, 1), weight).unflatten(0, x.shape[:2])
    return torch.baddbmm(bias.unsqueeze(1), x, weight)


def layer_shapes(prefix: str, widths: Sequence[int]) -> dict[str, tuple[int, ...]]:
    """Return the weight shapes of a perceptron with the given layer widths, input first."""
    shapes: dict[str, tuple[int, ...]] = {}
    for index, (inputs, outputs) in enumerate(itertools.pairwise(widths)):
        shapes[f"{prefix}.{index}.weight"] = (inputs, outputs)
        shapes[f"{prefix}.{index}.bias"] = (outputs,)
    return shapes


def mlp(x: Tensor, weights: Mapping[str, Tensor], prefix: str, activation: str) -> Tensor:
    """Apply the perceptron whose weights :func:`layer_shapes` named; the last layer is linear."""
    act = ACTIVATIONS[activation]
    index = 0
    while True:
        x = linear(x, weights[f"{prefix}.{index}.weight"], weights[f"{prefix}.{index}.bias"])
        index += 1
        if f"{prefix}.{index}.weight" not in weights:
            return x
        x = act(x)


def initial_weights(
    shapes: Mapping[str, tuple[int, ...]],
    generator: torch.Generator | None = None,
    points: int | None = None,
) -> dict[str, Tensor]:
    """Draw weights and biases from U(-1/sqrt(fan_in), 1/sqrt(fan_in)), PyTorch's default for linear layers.

    With ``points``, every tensor gets a leading dimension of that size, drawn independently.
    """
    weights: dict[str, Tensor] = {}
    leading = () if points is None else (points,)
    for name, shape in shapes.items():
        # A bias without a weight is a parameter of its own.
        fan_in = (
            shapes.get(name.removesuffix("bias") + "weight", shape)[0] if name.endswith("bias") else shape[0]
        )
        bound = 1 / math.sqrt(fan_in)
        weights[name] = (2 * torch.rand(*leading, *shape, generator=generator) - 1) * bound
    return weights
