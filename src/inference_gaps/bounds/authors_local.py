"""The authors' local optimisation of a factorised Gaussian, to be compared with ours.

Their Table-2 code gives each image a hundred copies of the variational parameters, each optimised with a single
sample a step, from zeros, by Adam at a constant rate, along the gradient of the bound with the score of q; all
images share one rule that says when to stop. Their other code, and later reproductions, give each image one set of
parameters and as many samples a step.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from inference_gaps.bounds.batches import rows_at_once
from inference_gaps.bounds.local import Effort
from inference_gaps.models.generator import Generator
from inference_gaps.numerics.checkpoint import NO_CHECKPOINT, Checkpoint, Results, State, numbered
from inference_gaps.numerics.device import random_generator
from inference_gaps.numerics.progress import Report, unheard
from inference_gaps.posteriors.gaussian import normal_log_prob, reparameterise
from inference_gaps.posteriors.local import LocalPosterior
from inference_gaps.specs.bounds import ProceduresSpec

__all__ = [
    "AuthorsOptimum",
    "Patience",
    "Procedure",
    "authors_optimum",
    "bound_of_copies",
    "compare_local",
    "passes_of",
]

_GRADIENT = 2
# Of each procedure, copies of the parameters per image, and samples per copy and step.
_SHAPES: dict[str, Callable[[ProceduresSpec], tuple[int, int]]] = {
    "shared": lambda spec: (1, spec.copies),
    "copies": lambda spec: (spec.copies, 1),
}


@dataclass(frozen=True)
class AuthorsOptimum:
    """Where the procedure ended.

    Attributes:
        mean: [B, c, d].
        log_variance: [B, c, d].
        steps: of Adam.
        stopped: whether its rule stopped it; false if it ran out of windows.
    """

    mean: Tensor
    log_variance: Tensor
    steps: int
    stopped: bool


class Patience:
    """The authors' rule: stop when the loss of a window has not been the lowest for ``patience`` + 1 in a row."""

    def __init__(self, patience: int) -> None:
        self._patience = patience
        self.lowest, self.without = math.inf, 0

    def ends(self, loss: float) -> bool:
        """Take the loss of the next window; return whether it was the last."""
        self.without = 0 if loss < self.lowest else self.without + 1
        self.lowest = min(self.lowest, loss)
        return self.without > self._patience


class _Climb:
    """Parameters of all copies, the state of Adam and of the stopping rule."""

    def __init__(self, shape: tuple[int, int, int], spec: ProceduresSpec, device: torch.device) -> None:
        self.mean = torch.zeros(shape, device=device, requires_grad=True)
        self.log_variance = torch.zeros(shape, device=device, requires_grad=True)
        self.optimiser = torch.optim.Adam([self.mean, self.log_variance], lr=spec.learning_rate, fused=True)
        self.rule = Patience(spec.patience)
        self.windows = 0

    def state_dict(self) -> State:
        """See :class:`~inference_gaps.numerics.checkpoint.Stateful`."""
        return {
            "mean": self.mean.detach(),
            "log_variance": self.log_variance.detach(),
            "optimiser": self.optimiser.state_dict(),
            "rule": dict(vars(self.rule)),
            "windows": self.windows,
        }

    @torch.no_grad()
    def load_state_dict(self, state: State) -> None:
        """See :class:`~inference_gaps.numerics.checkpoint.Stateful`."""
        self.mean.copy_(state["mean"])
        self.log_variance.copy_(state["log_variance"])
        self.optimiser.load_state_dict(state["optimiser"])
        vars(self.rule).update(state["rule"])
        self.windows = state["windows"]


def authors_optimum(
    generator: Generator,
    x: Tensor,
    copies: int,
    samples: int,
    spec: ProceduresSpec,
    rng: torch.Generator,
    report: Callable[[int, float], None],
    checkpoint: Checkpoint = NO_CHECKPOINT,
) -> AuthorsOptimum:
    """Optimise q*_FFG of all rows of ``x`` at once by the authors' procedure.

    Args:
        generator: weights frozen.
        x: [B, D].
        copies: c, sets of parameters per image.
        samples: n, per copy and step.
        spec: rate, window, patience.
        rng: on the device of ``x``.
        report: called after each window with its number and the mean bound over it, in nats.
        checkpoint: where an earlier process may have left these points.
    """
    points, dim = x.shape[0], generator.latent_dim
    climb = _Climb((points, copies, dim), spec, x.device)
    stopped = False
    for window in checkpoint.loop(climb, spec.max_windows, rng, where=numbered("window")):
        total = 0.0
        for _ in range(spec.window):
            noise = torch.randn(points, samples, copies, dim, generator=rng, device=x.device)
            climb.optimiser.zero_grad(set_to_none=True)
            loss = -_terms(generator, x, climb.mean, climb.log_variance, noise).mean()
            loss.backward()
            climb.optimiser.step()
            total += loss.item()
        climb.windows = window + 1
        report(climb.windows, -total / spec.window)
        if climb.rule.ends(total):
            stopped = True
            break
    return AuthorsOptimum(
        climb.mean.detach(), climb.log_variance.detach(), climb.windows * spec.window, stopped
    )


def _terms(generator: Generator, x: Tensor, mean: Tensor, log_variance: Tensor, noise: Tensor) -> Tensor:
    """Return log p(x, z) - log q(z) [B, n c] of samples made of ``noise`` [B, n, c, d], of each copy in turn."""
    mean, log_variance = mean.unsqueeze(1), log_variance.unsqueeze(1)
    z, _ = reparameterise(noise, mean, log_variance)
    log_q = normal_log_prob(z, mean, log_variance).flatten(1)
    return generator.frozen_log_joint(x, z.flatten(1, 2)) - log_q


@torch.no_grad()
def bound_of_copies(
    generator: Generator, x: Tensor, mean: Tensor, log_variance: Tensor, noise: Tensor
) -> Tensor:
    """Return log p(x, z) - log q(z) of each sample [B, n], in nats; its mean over samples is L[q] of the copies.

    Args:
        generator: weights frozen.
        x: [B, D].
        mean: [B, c, d].
        log_variance: [B, c, d].
        noise: [B, n, d], of which sample i goes to copy i modulo c; n is a multiple of c.
    """
    copies = mean.shape[1]
    in_turn = noise.unflatten(1, (-1, copies))
    chunk = max(1, rows_at_once(x.device) // (len(x) * copies))
    parts = [_terms(generator, x, mean, log_variance, each) for each in in_turn.split(chunk, dim=1)]
    return torch.cat(parts, dim=1)


def passes_of(spec: ProceduresSpec, steps: int) -> int:
    """Return how often ``steps`` steps pass through the generator per image: a gradient takes two passes."""
    return _GRADIENT * steps * spec.copies


@dataclass(frozen=True)
class Procedure:
    """What a way to optimise reaches.

    Attributes:
        name: ``ours``, ``shared`` or ``copies``.
        value: L[q] [P] in nats.
        standard_error: of ``value`` [P].
        steps: of Adam.
        passes: through the generator, per point.
        stopped: by the authors' rule, not for want of windows; None of ours.
    """

    name: str
    value: Tensor
    standard_error: Tensor
    steps: int
    passes: int
    stopped: bool | None = None

    def columns(self) -> dict[str, Tensor | int]:
        """Return what there is to know of each point, by name."""
        return {name: getattr(self, name) for name in ("value", "standard_error", "steps", "passes")}


def compare_local(
    generator: Generator,
    x: Tensor,
    ours: LocalPosterior,
    effort: Effort,
    spec: ProceduresSpec,
    report: Report = unheard,
    checkpoint: Checkpoint = NO_CHECKPOINT,
) -> list[Procedure]:
    """Measure ours and the authors' procedure, with one Gaussian per image and with many, on the same noise.

    Args:
        generator: weights frozen.
        x: [P, D].
        ours: q*_FFG of the same points.
        effort: what it took.
        spec: copies, rate, window, patience, samples, seed.
        report: hears how many windows there were, out of all that there may be.
        checkpoint: where an earlier process may have left this work.
    """
    rng = random_generator(spec.seed, x.device)
    half = spec.copies * max(1, round(spec.samples / (2 * spec.copies)))
    noise = torch.randn(len(x), half, generator.latent_dim, generator=rng, device=x.device)
    noise = torch.cat([noise, -noise], dim=1)
    optima = Results()

    def reached(window: int, bound: float) -> None:
        report(len(optima) * spec.max_windows + window, len(_SHAPES) * spec.max_windows, f"bound {bound:.3f}")

    names = list(_SHAPES)
    for index in checkpoint.loop(optima, len(names), rng, where=lambda index: names[index]):
        copies, samples = _SHAPES[names[index]](spec)
        climb = checkpoint.part("windows")
        optima.append(dict(vars(authors_optimum(generator, x, copies, samples, spec, rng, reached, climb))))

    def measured(name: str, mean: Tensor, log_variance: Tensor, *spent: Any) -> Procedure:
        terms = bound_of_copies(generator, x, mean, log_variance, noise)
        # Noise comes in pairs of opposite sign, whose means are independent.
        pairs = terms.unflatten(1, (2, -1)).mean(1)
        return Procedure(name, terms.mean(1), pairs.std(1) / pairs.shape[1] ** 0.5, *spent)

    own = (ours.parameters[name].unsqueeze(1) for name in ("mean", "log_variance"))
    found = [measured("ours", *own, effort.steps, effort.passes)]
    for name, result in zip(names, optima, strict=True):
        end = AuthorsOptimum(**result)
        found.append(
            measured(name, end.mean, end.log_variance, end.steps, passes_of(spec, end.steps), end.stopped)
        )
    return found
