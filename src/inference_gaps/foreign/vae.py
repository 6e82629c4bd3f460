"""A VAE as its owner describes it: by functions of its own, which stay as they are."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from inference_gaps.errors import UserError, counted
from inference_gaps.foreign.likelihoods.composed import likelihood_of
from inference_gaps.foreign.likelihoods.interface import Likelihood
from inference_gaps.foreign.modules import Modules, modules_behind
from inference_gaps.foreign.priors import Prior, prior_of
from inference_gaps.posteriors.amortized import AmortizedPosterior
from inference_gaps.specs.families import FAMILIES

__all__ = ["Vae"]


class Vae:
    """p(x, z) and q(z|x) of a model that was made elsewhere.

    Data x [B, ...] has one row for each data point: images, rows of a table. Nothing is trained, no weight is
    changed and no mode is switched; modules have to be in evaluation mode.

    Args:
        encode: maps x to (mean, log variance) of q(z|x), each [B, d]; or to a ``torch.distributions`` object;
            or, for flows, is an object with ``rsample_with_log_prob(x, n)`` -> z [B, n, d], log q(z|x) [B, n].
        decode: maps z [N, d] to what ``likelihood`` reads.
        latent_dim: d; or the shape that ``decode`` takes, such as (4, 8, 8).
        likelihood: p(x|z), one of :mod:`~inference_gaps.foreign.likelihoods`, or a function (x [N, ...],
            decoded) -> log p(x|z) [N] in nats, summed over a data point, with all constants.
        prior: p(z): None for N(0, I), or an object with ``log_prob(z)`` -> [N] and ``sample(n)`` -> z [n, d].
        modules: the modules behind the functions. Those that the functions close over or name are found anyway.
        log_joint: maps x [B, ...] and z [B, n, d] to log p(x, z) [B, n], in place of decode, likelihood and prior.
        sample_q: maps x and n to z [B, n, d] and log q(z|x) [B, n], in place of encode.
        simulate: maps n to x [n, ...] and z [n, d] drawn from p(x, z), for models given by ``log_joint``;
            without it there is no upper bound.
        rows: how many z at most go through ``decode`` at once; chosen by the size of what is computed where
            not given.
        posterior: what ``sample_q`` draws from, in a model of this project. If it is a flow, q* of its family
            starts at q(z|x) itself.

    Raises:
        UserError: something is missing, given twice, or of another kind.
    """

    def __init__(
        self,
        encode: Any = None,
        decode: Callable[[Tensor], Any] | None = None,
        latent_dim: int | Sequence[int] | None = None,
        likelihood: Any = None,
        prior: Any = None,
        modules: nn.Module | Sequence[nn.Module] = (),
        *,
        log_joint: Callable[[Tensor, Tensor], Tensor] | None = None,
        sample_q: Callable[[Tensor, int], tuple[Tensor, Tensor]] | None = None,
        simulate: Callable[[int], tuple[Tensor, Tensor]] | None = None,
        rows: int | None = None,
        posterior: AmortizedPosterior | None = None,
    ) -> None:
        self.latent_shape = _latent_shape(latent_dim)
        self.latent_dim = math.prod(self.latent_shape)
        flow = getattr(encode, "rsample_with_log_prob", None)
        if (encode is None) == (sample_q is None):
            raise UserError(
                "Vae needs encode, a function x -> (mean, log variance), or else sample_q, a function "
                "(x, n) -> (z [B, n, d], log q [B, n]); give exactly one of them."
            )
        if flow is None and sample_q is None and not callable(encode):
            raise UserError(
                f"encode is {type(encode).__name__}, which cannot be called; write a function x -> (mean, log "
                f"variance)."
            )
        if (decode is None) == (log_joint is None):
            raise UserError(
                "Vae needs decode, a function of z, with a likelihood, or else log_joint, a function (x, z "
                "[B, n, d]) -> log p(x, z) [B, n]; give exactly one of them."
            )
        if log_joint is not None and (likelihood is not None or prior is not None):
            raise UserError("log_joint holds likelihood and prior already; leave out likelihood and prior.")
        if decode is not None and likelihood is None:
            raise UserError(
                "likelihood is missing: what a decoder returns says nothing of log p(x|z). Write "
                "likelihood=gaps.Bernoulli() for logits of pixels in [0, 1], or gaps.Gaussian(sigma=...)."
            )
        for name, function in (("decode", decode), ("log_joint", log_joint), ("sample_q", sample_q)):
            if function is not None and not callable(function):
                raise UserError(
                    f"{name} is {type(function).__name__}, which cannot be called; write a function."
                )
        if rows is not None and (not isinstance(rows, int) or rows < 1):
            raise UserError(f"rows is {rows!r}; write a number of at least 1.")
        self.encode = encode if flow is None else None
        self.sample_q = sample_q or flow
        self.decode, self.log_joint, self.rows, self.posterior = decode, log_joint, rows, posterior
        self.likelihood: Likelihood | None = None if likelihood is None else likelihood_of(likelihood)
        self.given_prior = prior
        self.prior: Prior | None = None if log_joint is not None else prior_of(prior, self.latent_shape)
        self._simulate = simulate
        named = [modules] if isinstance(modules, nn.Module) else list(modules)
        for module in named:
            if not isinstance(module, nn.Module):
                raise UserError(
                    f"modules holds {type(module).__name__}, which is no torch.nn.Module; name the modules behind "
                    f"encode and decode, as in modules=(net,)."
                )
        behind = modules_behind(encode, decode, likelihood, prior, log_joint, sample_q)
        self.modules = Modules([*named, *behind])

    @property
    def can_simulate(self) -> bool:
        """Whether data can be drawn from p(x, z)."""
        if self.likelihood is None:
            return self._simulate is not None
        return self.likelihood.can_simulate

    @property
    def family(self) -> str | None:
        """The family of ``posterior``, by its name in :data:`~inference_gaps.specs.families.FAMILIES`."""
        if self.posterior is None:
            return None
        of = type(self.posterior.family)
        place = f"{of.__module__}.{of.__qualname__}"
        return next(name for name, entry in FAMILIES.items() if place.endswith(f".{entry.place}"))

    def log_joint_rows(self, x: Tensor, z: Tensor) -> Tensor:
        """Return log p(x, z) [N] in nats for rows x [N, ...] and z [N, d]."""
        if self.log_joint is not None:
            value = self.log_joint(x, z.reshape(len(z), 1, *self.latent_shape))
            if not isinstance(value, Tensor) or value.shape != (len(z), 1):
                found = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
                raise UserError(
                    f"log_joint returned {found} for x with {counted(len(x), 'row')} and z of shape "
                    f"{(len(z), 1, self.latent_dim)}; it has to return log p(x, z) [B, n], here {(len(z), 1)}."
                )
            return value.squeeze(1)
        return self.log_joint_of(x, self.decoded(z), z)

    def log_joint_of(self, x: Tensor, decoded: Any, z: Tensor) -> Tensor:
        """Return log p(x, z) [N] in nats for what the decoder returned for z [N, d]."""
        assert self.likelihood is not None
        assert self.prior is not None
        return self.likelihood.log_prob(x, decoded) + self.prior.log_prob(z)

    def decoded(self, z: Tensor) -> Any:
        """Return what the decoder returns for z [N, d]."""
        assert self.decode is not None
        return self.decode(z.reshape(-1, *self.latent_shape))

    @torch.no_grad()
    def encoded(self, x: Tensor) -> tuple[Tensor, Tensor] | None:
        """Return mean and log variance of q(z|x), both [B, d]; None where q is no factorised Gaussian.

        Raises:
            UserError: encode returns something else than :class:`Vae` describes.
        """
        if self.encode is None:
            return None
        given = self.encode(x)
        if isinstance(given, torch.distributions.Independent):
            given = given.base_dist
        if isinstance(given, torch.distributions.Normal):
            given = given.mean, 2 * given.stddev.log()
        elif isinstance(given, torch.distributions.Distribution):
            return None
        if (
            not isinstance(given, tuple | list)
            or len(given) != 2
            or not all(isinstance(t, Tensor) for t in given)
        ):
            raise UserError(
                f"encode returned {_found(given)}; let it return the pair (mean, log variance), a "
                f"torch.distributions.Normal, or give an object with rsample_with_log_prob(x, n)."
            )
        flat = []
        for what, tensor in zip(("a mean", "a log variance"), given):
            if tensor.shape[:1] != (len(x),) or tensor.numel() != len(x) * self.latent_dim:
                raise UserError(
                    f"encode gives {what} of shape {tuple(tensor.shape)} for {counted(len(x), 'data point')}, but "
                    f"latent_dim is {_shown(self.latent_shape)}, so it should be "
                    f"{(len(x), *self.latent_shape)}; correct one of them."
                )
            flat.append(tensor.detach().reshape(len(x), -1))
        return flat[0], flat[1]

    @torch.no_grad()
    def sampled(self, x: Tensor, n: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw z [B, n, d] of a q(z|x) that is no factorised Gaussian, with log q(z|x) [B, n].

        Raises:
            UserError: the owner's function returns something else.
        """
        with _seeded(rng, x.device):
            if self.sample_q is not None:
                given: Any = self.sample_q(x, n)
            else:
                assert self.encode is not None
                q = self.encode(x)
                z = q.sample(torch.Size((n,)))
                given = z.movedim(0, 1), q.log_prob(z).movedim(0, 1)
        wanted = (len(x), n, self.latent_dim)
        pair = (
            isinstance(given, tuple | list) and len(given) == 2 and all(isinstance(t, Tensor) for t in given)
        )
        if not pair or given[0].numel() != math.prod(wanted) or given[0].shape[:2] != wanted[:2]:
            raise UserError(
                f"Samples of q(z|x) came as {_found(given)} for {counted(len(x), 'data point')} and n = {n}; "
                f"return z of shape {wanted} and log q of shape {wanted[:2]}."
            )
        if given[1].shape != wanted[:2]:
            raise UserError(
                f"log q(z|x) has the shape {tuple(given[1].shape)} for {counted(len(x), 'data point')} and "
                f"n = {n}; return one number for each sample, {wanted[:2]}, summed over latent dimensions."
            )
        return given[0].reshape(wanted), given[1]

    @torch.no_grad()
    def simulated(self, count: int, like: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw x [n, ...] and the z [n, d] behind it from p(x, z)."""
        if self._simulate is not None:
            with _seeded(rng, like.device):
                x, z = self._simulate(count)
            return x, z.reshape(count, -1)
        assert self.likelihood is not None
        assert self.prior is not None
        parts = []
        size = self.rows or count
        z = self.prior.sample(count, like, rng)
        for some in z.split(max(1, size)):
            parts.append(self.likelihood.simulate(self.decoded(some), rng))
        return torch.cat(parts), z


class _seeded:
    """PyTorch's own random state for the functions of others, from one of ours, put back afterwards."""

    def __init__(self, rng: torch.Generator, device: torch.device) -> None:
        self._seed = int(torch.randint(2**31, (1,), generator=rng, device=rng.device))
        self._fork = torch.random.fork_rng([device] if device.type == "cuda" else [])

    def __enter__(self) -> None:
        self._fork.__enter__()
        torch.manual_seed(self._seed)

    def __exit__(self, *error: Any) -> None:
        self._fork.__exit__(*error)


def _latent_shape(given: Any) -> tuple[int, ...]:
    shape = (given,) if isinstance(given, int) else tuple(given) if isinstance(given, Sequence) else ()
    if (
        not shape
        or not all(isinstance(size, int) and size >= 1 for size in shape)
        or isinstance(given, str | bool)
    ):
        raise UserError(
            f"latent_dim is {given!r}; write the number of latent dimensions, or the shape that decode "
            f"takes, such as (4, 8, 8)."
        )
    return shape


def _shown(shape: tuple[int, ...]) -> str:
    return str(shape[0]) if len(shape) == 1 else str(shape)


def _found(given: Any) -> str:
    if isinstance(given, Tensor):
        return f"one tensor of shape {tuple(given.shape)}"
    if isinstance(given, tuple | list):
        return f"a {type(given).__name__} of {len(given)}: {', '.join(_found(each) for each in given[:3])}"
    return f"an object of type {type(given).__name__}"
