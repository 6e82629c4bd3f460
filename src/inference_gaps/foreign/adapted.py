"""A VAE of somebody else behind the interface that every estimator of the library uses."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from inference_gaps.bounds.batches import rows_at_once
from inference_gaps.foreign.vae import Vae
from inference_gaps.models.generator import Generator, Precision
from inference_gaps.numerics.low_precision import bfloat16_is_faster
from inference_gaps.posteriors.family import Sampler, Score
from inference_gaps.posteriors.gaussian import reparameterise

__all__ = ["ForeignGenerator", "ForeignPosterior", "rows_that_fit"]

# Of what passes forward and backward keep, together.
_BYTES_AT_ONCE = {"cpu": 2**29, "cuda": 2**33}
# A pass backward keeps what the pass forward made and makes about as much again.
_COPIES = 3
_MOMENT_SAMPLES = 256


class ForeignGenerator(Generator):
    """p(x, z) of a :class:`Vae`.

    Rows go through its decoder in chunks whose activations fit in memory, whatever its size. Its modules are no
    submodules of this one: their mode is not touched.

    Args:
        vae: as its owner describes it.
        kind: type of its data, which come here as floating-point numbers.
        rows: how many go through the decoder at once.
        count: hears of passes through the decoder.
    """

    def __init__(
        self, vae: Vae, kind: torch.dtype, rows: int, count: Callable[[int], None] = lambda passes: None
    ) -> None:
        super().__init__()
        self.latent_dim = vae.latent_dim
        self._vae, self._kind, self._rows, self._count = [vae], kind, rows, count

    @property
    def vae(self) -> Vae:
        """The model as its owner describes it."""
        return self._vae[0]

    def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        """Not known of models that are given by log p(x, z) alone."""
        raise NotImplementedError

    def log_joint(self, x: Tensor, z: Tensor) -> Tensor:
        """See :meth:`Generator.log_joint`."""
        parts = []
        for some, each in self._chunks(x, z):
            parts.append(self.vae.log_joint_rows(some, each))
            self._count(len(each))
        return torch.cat(parts).reshape(z.shape[:2]).to(z.dtype)

    def log_joint_gradient(
        self, x: Tensor, z: Tensor, with_value: bool = True
    ) -> tuple[Tensor | None, Tensor]:
        """See :meth:`Generator.log_joint_gradient`."""
        return self._gradient(self.vae.log_joint_rows, x, z, with_value)

    def gradient_of(self, x: Tensor, precision: Precision = "float32") -> Callable[[Tensor], Tensor]:
        """See :meth:`Generator.gradient_of`; in low precision by PyTorch's autocast of the decoder."""
        if precision == "float32" or self.vae.decode is None or not bfloat16_is_faster(x.device):
            return super().gradient_of(x)

        def value(some: Tensor, z: Tensor) -> Tensor:
            with torch.autocast(x.device.type, dtype=torch.bfloat16):
                decoded = self.vae.decoded(z)
            return self.vae.log_joint_of(some, _as(decoded, z.dtype), z)

        return lambda z: self._gradient(value, x, z, with_value=False)[1]

    def mean(self, z: Tensor) -> Tensor:
        """Not known: likelihoods differ in what they have."""
        raise NotImplementedError

    def simulate(self, z: Tensor, rng: torch.Generator) -> Tensor:
        """Not known for z; see :meth:`Vae.simulated`."""
        raise NotImplementedError

    def _gradient(
        self, function: Callable[[Tensor, Tensor], Tensor], x: Tensor, z: Tensor, with_value: bool
    ) -> tuple[Tensor | None, Tensor]:
        values, gradients = [], []
        with torch.enable_grad():
            for some, each in self._chunks(x, z.detach()):
                leaf = each.requires_grad_()
                value = function(some, leaf)
                (gradient,) = torch.autograd.grad(value.sum(), leaf)
                values.append(value.detach())
                gradients.append(gradient)
                self._count(2 * len(leaf))
        joined = torch.cat(values).reshape(z.shape[:2]).to(z.dtype) if with_value else None
        return joined, torch.cat(gradients).reshape(z.shape).to(z.dtype)

    def _chunks(self, x: Tensor, z: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield rows of x [N, ...] and z [N, d] that belong together, for x [B, ...] and z [B, n, d]."""
        points, n, _ = z.shape
        flat = z.reshape(points * n, -1)
        for first in range(0, len(flat), self._rows):
            rows = torch.arange(first, min(first + self._rows, len(flat)), device=x.device)
            yield x[rows // n].to(self._kind), flat[first : first + self._rows]


def _as(decoded: Any, dtype: torch.dtype) -> Any:
    """Return what a decoder returned with its tensors of type ``dtype``."""
    if isinstance(decoded, Tensor):
        return decoded.to(dtype)
    return (
        type(decoded)(_as(each, dtype) for each in decoded) if isinstance(decoded, tuple | list) else decoded
    )


class ForeignPosterior:
    """q(z|x) of a :class:`Vae`, a :class:`~inference_gaps.posteriors.family.Recognition`.

    Args:
        vae: as its owner describes it.
        kind: type of its data.
        rows: how many go through the encoder at once.
    """

    def __init__(self, vae: Vae, kind: torch.dtype, rows: int) -> None:
        self._vae, self._kind, self._rows = vae, kind, rows

    def moments(self, x: Tensor) -> tuple[Tensor, Tensor] | None:
        """Return mean and log variance of q(z|x) [B, d]; None where q is no factorised Gaussian."""
        found = [self._vae.encoded(some.to(self._kind)) for some in x.split(self._rows)]
        known = [moments for moments in found if moments is not None]
        if len(known) < len(found):
            return None
        return torch.cat([mean for mean, _ in known]), torch.cat([log_variance for _, log_variance in known])

    def sampler(self, x: Tensor, rows: slice, score: Score) -> Sampler:
        """See :class:`~inference_gaps.posteriors.family.Posterior`."""
        moments = self.moments(x)

        def draw(n: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
            if moments is None:
                return self._vae.sampled(x.to(self._kind), n, rng)
            mean, log_variance = (each.unsqueeze(1) for each in moments)
            shape = (len(x), n, mean.shape[-1])
            noise = torch.randn(shape, generator=rng, device=mean.device, dtype=mean.dtype)
            return reparameterise(noise, mean, log_variance)

        return draw

    @torch.no_grad()
    def gaussian_moments(self, x: Tensor, score: Score, rng: torch.Generator) -> dict[str, Tensor]:
        """See :class:`~inference_gaps.posteriors.family.Recognition`; those of 256 samples where q is no FFG."""
        moments = self.moments(x)
        if moments is None:
            z, _ = self._vae.sampled(x.to(self._kind), _MOMENT_SAMPLES, rng)
            moments = z.mean(1), z.var(1).log()
        return {"mean": moments[0], "log_variance": moments[1]}


def rows_that_fit(vae: Vae, x: Tensor, like: Tensor) -> int:
    """Return how many rows at once keep activations within a few hundred megabytes.

    Args:
        vae: as its owner describes it, after the probes.
        x: data [B, ...]; one row is tried.
        like: z of the model, for type and device.
    """
    if vae.rows is not None:
        return vae.rows
    kind = "cuda" if x.device.type == "cuda" else "cpu"
    most = _BYTES_AT_ONCE[kind] // (_COPIES * _bytes_per_row(vae, x[:1], like))
    return max(1, min(rows_at_once(x.device), most))


def _bytes_per_row(vae: Vae, x: Tensor, like: Tensor) -> int:
    """Add up what autograd keeps of one row on its way forward, besides weights."""
    sizes: dict[tuple[int, int], int] = {}
    weights = {tensor.data_ptr() for _, tensor in vae.modules.tensors()}

    def packed(tensor: Tensor) -> Tensor:
        if tensor.data_ptr() not in weights:
            sizes[tensor.data_ptr(), tensor.numel()] = tensor.numel() * tensor.element_size()
        return tensor

    z = torch.zeros(1, vae.latent_dim, device=like.device, dtype=like.dtype, requires_grad=True)
    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(packed, lambda tensor: tensor):
        vae.log_joint_rows(x, z)
    return sum(sizes.values()) + x.numel() * x.element_size()
