"""Perceptrons: recognition features and generator (paper section 5.1: 784-200-200-2d, mirrored, ELU)."""

import itertools
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from inference_gaps.models.generator import BernoulliGenerator, Precision, bernoulli_log_likelihood
from inference_gaps.numerics.low_precision import Linear, bfloat16_is_faster
from inference_gaps.posteriors.gaussian import standard_normal_log_prob
from inference_gaps.posteriors.networks import ACTIVATIONS

__all__ = ["MlpFeatures", "MlpGenerator"]

_Layer = tuple[Tensor, Tensor]
"""Weight and bias."""

# Derivative of each activation as a function of its output, which the forward pass keeps anyway.
_DERIVATIVES: dict[str, Callable[[Tensor], Tensor]] = {
    "elu": lambda h: h.clamp(max=0.0).add_(1.0),
    "tanh": lambda h: 1.0 - h.square(),
    "relu": lambda h: (h > 0).to(h.dtype),
}


def _layers(widths: Sequence[int]) -> nn.ModuleList:
    return nn.ModuleList(Linear(inputs, outputs) for inputs, outputs in itertools.pairwise(widths))


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

    A ``folded`` generator reads z^2, element by element, and depends on |z| alone. So p(x|z) is the same in all 2^d
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
        layers = self._parameters_as(z.dtype)
        outputs = self._outputs(layers, z)
        value = None
        if with_value:
            value = bernoulli_log_likelihood(x, outputs[-1]) + standard_normal_log_prob(z)
        gradient = self._likelihood_gradient(layers, x, outputs)
        return value, self._unfolded(gradient, z) - z

    def gradient_of(self, x: Tensor, precision: Precision = "float32") -> Callable[[Tensor], Tensor]:
        """See :meth:`Generator.gradient_of`."""
        if precision == "float32" or not bfloat16_is_faster(x.device):
            return super().gradient_of(x)
        layers = self._parameters_as(torch.bfloat16)
        pixels = x.to(torch.bfloat16)

        @torch.no_grad()
        def gradient(z: Tensor) -> Tensor:
            outputs = self._outputs(layers, z)
            likelihood = self._likelihood_gradient(layers, pixels, outputs)
            return self._unfolded(likelihood.to(z.dtype), z) - z

        return gradient

    def _parameters_as(self, precision: torch.dtype) -> list[_Layer]:
        linear = [layer for layer in self.layers if isinstance(layer, nn.Linear)]
        return [(layer.weight.detach().to(precision), layer.bias.detach().to(precision)) for layer in linear]

    def _outputs(self, layers: Sequence[_Layer], z: Tensor) -> list[Tensor]:
        """Return the input of the first layer and the output of each, logits last, in the type of ``layers``."""
        act = ACTIVATIONS[self.activation]
        outputs = [(z.square() if self.folded else z).to(layers[0][0].dtype)]
        for weight, bias in layers[:-1]:
            outputs.append(act(functional.linear(outputs[-1], weight, bias)))
        return [*outputs, functional.linear(outputs[-1], *layers[-1])]

    def _likelihood_gradient(self, layers: Sequence[_Layer], x: Tensor, outputs: Sequence[Tensor]) -> Tensor:
        """Return the gradient of log p(x|z) by the input of the first layer; the logits are overwritten."""
        derivative = _DERIVATIVES[self.activation]
        gradient = (x.unsqueeze(1) - outputs[-1].sigmoid_()) @ layers[-1][0]
        for (weight, _), output in zip(reversed(layers[:-1]), reversed(outputs[1:-1]), strict=True):
            gradient = gradient.mul_(derivative(output)) @ weight
        return gradient

    def _unfolded(self, gradient: Tensor, z: Tensor) -> Tensor:
        return gradient.mul_(2 * z) if self.folded else gradient
