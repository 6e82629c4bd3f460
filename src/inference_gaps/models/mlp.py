"""Perceptrons: recognition features and generator (paper section 5.1: 784-200-200-2d, mirrored, ELU)."""

import itertools
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from inference_gaps.models.generator import BernoulliGenerator, bernoulli_log_likelihood
from inference_gaps.posteriors.gaussian import standard_normal_log_prob
from inference_gaps.posteriors.networks import ACTIVATIONS

__all__ = ["MlpFeatures", "MlpGenerator"]

# Derivative of each activation as a function of its output, which the forward pass keeps anyway.
_DERIVATIVES: dict[str, Callable[[Tensor], Tensor]] = {
    "elu": lambda h: h.clamp(max=0.0).add_(1.0),
    "tanh": lambda h: 1.0 - h.square(),
    "relu": lambda h: (h > 0).to(h.dtype),
}


def _layers(widths: Sequence[int]) -> nn.ModuleList:
    return nn.ModuleList(nn.Linear(inputs, outputs) for inputs, outputs in itertools.pairwise(widths))


class MlpFeatures(nn.Module):
    """Hidden layers of a recognition network: [B, D] -> [B, hidden[-1]]; the identity without any."""

    def __init__(self, dimension: int, hidden: Sequence[int], activation: str) -> None:
        super().__init__()
        self.layers = _layers([dimension, *hidden])
        self.activation = activation
        self.feature_dim = [dimension, *hidden][-1]

    def forward(self, x: Tensor) -> Tensor:
        act = ACTIVATIONS[self.activation]
        for layer in self.layers:
            x = act(layer(x))
        return x


class MlpGenerator(BernoulliGenerator):
    """d -> hidden -> D logits.

    A ``folded`` one reads z^2, element by element, and so depends on |z| alone: p(x|z) is the same in all 2^d
    orthants, and the posterior has up to 2^d modes of equal mass.
    """

    def __init__(
        self, latent_dim: int, hidden: Sequence[int], dimension: int, activation: str, folded: bool = False
    ) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.folded = folded
        self.layers = _layers([latent_dim, *hidden, dimension])
        self.activation = activation

    def logits(self, z: Tensor) -> Tensor:
        """See :meth:`BernoulliGenerator.logits`."""
        act = ACTIVATIONS[self.activation]
        hidden = z.square() if self.folded else z
        for layer in self.layers[:-1]:
            hidden = act(layer(hidden))
        return self.layers[-1](hidden)

    @torch.no_grad()
    def log_joint_gradient(
        self, x: Tensor, z: Tensor, with_value: bool = True
    ) -> tuple[Tensor | None, Tensor]:
        """See :meth:`Generator.log_joint_gradient`; written out, without a graph."""
        act, derivative = ACTIVATIONS[self.activation], _DERIVATIVES[self.activation]
        outputs = [z.square() if self.folded else z]
        for layer in self.layers[:-1]:
            outputs.append(act(layer(outputs[-1])))
        logits = self.layers[-1](outputs[-1])
        value = None
        if with_value:
            value = bernoulli_log_likelihood(x, logits) + standard_normal_log_prob(z)
        gradient = (x.unsqueeze(1) - logits.sigmoid_()) @ self.layers[-1].weight
        for layer, output in zip(reversed(self.layers[:-1]), reversed(outputs[1:])):
            gradient = gradient.mul_(derivative(output)) @ layer.weight
        if self.folded:
            gradient = gradient.mul_(2 * z)
        return value, gradient - z
