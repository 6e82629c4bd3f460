"""Generators: p(x, z) = N(z; 0, I) p(x|z)."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from inference_gaps.posteriors.gaussian import standard_normal_log_prob

__all__ = ["BernoulliGenerator", "Generator", "Precision", "bernoulli_log_likelihood"]

Precision = Literal["float32", "bfloat16"]


def bernoulli_log_likelihood(x: Tensor, logits: Tensor) -> Tensor:
    """Sum over pixels of x log sigmoid(l) + (1 - x) log(1 - sigmoid(l)), in nats.

    Args:
        x: [B, D], each value in [0, 1].
        logits: [B, n, D].

    Returns:
        [B, n].
    """
    # A batch of products of a matrix and a vector takes several times as long as products element by element.
    return torch.linalg.vecdot(logits, x.unsqueeze(1)) - functional.softplus(logits).sum(-1)


class Generator(nn.Module):
    """A decoder p(x|z) with standard normal prior."""

    latent_dim: int

    @abstractmethod
    def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        """Return log p(x|z) [B, n] in nats, for x [B, D] and z [B, n, d]."""

    @abstractmethod
    def mean(self, z: Tensor) -> Tensor:
        """Map latent variables [..., d] to the mean of p(x|z) [..., D]."""

    @abstractmethod
    def simulate(self, z: Tensor, rng: torch.Generator) -> Tensor:
        """Draw x [..., D] from p(x|z) for latent variables [..., d]."""

    def log_joint(self, x: Tensor, z: Tensor) -> Tensor:
        """Return log p(x, z) [B, n] in nats, for x [B, D] and z [B, n, d]."""
        return self.log_likelihood(x, z) + standard_normal_log_prob(z)

    def log_joint_gradient(
        self, x: Tensor, z: Tensor, with_value: bool = True
    ) -> tuple[Tensor | None, Tensor]:
        """Return log p(x, z) [B, n] and its gradient with respect to z [B, n, d].

        The value is None unless ``with_value``: inner leapfrog steps need the gradient alone.
        The result carries no graph and no gradient of any weight is formed.
        """
        with torch.enable_grad():
            leaf = z.detach().requires_grad_()
            value = self.log_joint(x, leaf)
            (gradient,) = torch.autograd.grad(value.sum(), leaf)
        return (value.detach() if with_value else None), gradient

    def gradient_of(self, x: Tensor, precision: Precision = "float32") -> Callable[[Tensor], Tensor]:
        """Return the map from z [B, n, d] to the gradient of log p(x, z) with respect to z [B, n, d].

        In ``bfloat16`` matrix products have eight significant bits, and are several times faster on a processor
        with such instructions. The map is then close to the gradient, and deterministic. This is enough for a
        leapfrog path, which is accepted by exact values, and for an optimisation, whose result is evaluated
        exactly. Generators that gain nothing, such as transposed convolutions, stay in float32. So do all
        generators on a processor without bfloat16 instructions.

        Args:
            x: [B, D].
            precision: of the products.
        """
        return lambda z: self.log_joint_gradient(x, z, with_value=False)[1]

    def score(self, x: Tensor) -> Callable[[Tensor], Tensor]:
        """Return the map from z [B, n, d] to the gradient of log p(x, z) with respect to z [B, n, d].

        It can be differentiated again, with respect to z and to weights. It is computed in evaluation mode,
        whatever the generator's mode: batch normalisation in training mode would make data points depend on each
        other, and would add samples of a posterior to its running statistics.

        Args:
            x: [B, D].
        """

        def gradient(z: Tensor) -> Tensor:
            training = self.training
            self.eval()
            try:
                if not (torch.is_grad_enabled() and z.requires_grad):
                    return self.log_joint_gradient(x, z, with_value=False)[1]
                return torch.autograd.grad(self.log_joint(x, z).sum(), z, create_graph=True)[0]
            finally:
                self.train(training)

        return gradient

    def frozen_log_joint(self, x: Tensor, z: Tensor) -> Tensor:
        """Return log p(x, z) [B, n], differentiable with respect to z alone."""
        return _FrozenLogJoint.apply(z, x, self)


class BernoulliGenerator(Generator):
    """p(x|z) = prod_i Bernoulli(x_i; sigmoid(logits(z)_i)).

    Grey levels are allowed: the log likelihood is then the negative cross-entropy between the pixel value and the
    Bernoulli mean, as in the authors' Table-2 code. Simulated pixels are 0 or 1.
    """

    @abstractmethod
    def logits(self, z: Tensor) -> Tensor:
        """Map latent variables [..., d] to Bernoulli logits [..., D]."""

    def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        """See :meth:`Generator.log_likelihood`."""
        return bernoulli_log_likelihood(x, self.logits(z))

    def mean(self, z: Tensor) -> Tensor:
        """See :meth:`Generator.mean`."""
        return self.logits(z).sigmoid()

    def simulate(self, z: Tensor, rng: torch.Generator) -> Tensor:
        """See :meth:`Generator.simulate`."""
        return torch.bernoulli(self.mean(z), generator=rng)


class _FrozenLogJoint(torch.autograd.Function):
    """log p(x, z); its backward pass uses the gradient that the forward pass has computed."""

    @staticmethod
    def forward(context: Any, z: Tensor, x: Tensor, generator: Generator) -> Tensor:
        value, gradient = generator.log_joint_gradient(x, z)
        assert value is not None
        context.save_for_backward(gradient)
        return value

    @staticmethod
    def backward(context: Any, upstream: Tensor) -> tuple[Tensor, None, None]:
        (gradient,) = context.saved_tensors
        return upstream.unsqueeze(-1) * gradient, None, None
