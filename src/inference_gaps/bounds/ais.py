"""Annealed importance sampling of log p(x), from the prior or from a Gaussian q*, forward and in reverse.

References: Neal, *Annealed importance sampling*, 2001; Grosse, Ghahramani and Adams, *Sandwiching the marginal
likelihood using bidirectional Monte Carlo*, 2015; Wu et al., *On the quantitative analysis of decoder-based
generative models*, 2017; Neal, *MCMC using Hamiltonian dynamics*, 2011; paper section 5.1.

Chains start at a Gaussian N(location, diag scale^2) and end at the joint density p(x, z). In the coordinates
u = (z - location) / scale the start is N(0, I) and the path is

    log f_beta(u) = log N(u; 0, I) + beta * potential(u)
    potential(u)  = log p(x, z) - log N(z; location, scale^2)

For the prior (location 0, scale 1) the potential is log p(x|z): the likelihood is tempered. For a q* the
coordinates also scale the momenta by the variances of q*.

The weight of a chain is w = prod_t f_t(u_(t-1)) / f_(t-1)(u_(t-1)), and E[w] = p(x). Run backwards along the same
path from an exact sample of p(z|x), the weight has the mean 1 / p(x), so that minus the log of its average is an
upper bound in expectation.
"""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from inference_gaps.bounds.hmc import ChainState, Potential, transition
from inference_gaps.bounds.importance import Bound, elbo, log_mean_weight
from inference_gaps.bounds.step_sizes import CumulativeRule, FrozenStepSizes, RobbinsMonro, StepSizes
from inference_gaps.models.generator import Generator, Precision
from inference_gaps.numerics.checkpoint import NO_CHECKPOINT, Checkpoint, State
from inference_gaps.posteriors.gaussian import standard_normal_log_prob
from inference_gaps.specs.bounds import AisSpec

__all__ = [
    "AisResult",
    "annealed_importance_sampling",
    "annealing_schedule",
    "bidirectional_monte_carlo",
    "preliminary_transitions",
    "whitened_potential",
]

_PRELIMINARY_CHAINS = 4
_PRELIMINARY_DISTRIBUTIONS = 100
# Adapted once per temperature, step sizes lag behind where the density narrows fast.
_ADAPTATIONS = 2


@dataclass(frozen=True)
class AisResult:
    """Estimates of a batch of data points.

    Attributes:
        bound: log mean weight per point, a lower bound on log p(x) in expectation; of reverse chains minus that,
            an upper bound.
        single_chain: mean over chains of log w (of reverse chains: of -log w): the same bound with one chain.
        acceptance: mean acceptance probability over chains and distributions [B].
        step_size: mean step size over chains and distributions [B], in units of the start's scale.
        diverged: number of proposals that were not finite or lost over 1,000 nats, all rejected, per point [B].
    """

    bound: Bound
    single_chain: Bound
    acceptance: Tensor
    step_size: Tensor
    diverged: Tensor

    def columns(self) -> dict[str, Tensor]:
        """Return what there is to know of each point, by name."""
        of_chains = {name: getattr(self, name) for name in ("acceptance", "step_size", "diverged")}
        return {**vars(self.bound), **of_chains}

    @classmethod
    def of(cls, state: State) -> Self:
        """Return the result that :func:`dataclasses.asdict` made ``state`` from."""
        return cls(**{**state, **{name: Bound(**state[name]) for name in ("bound", "single_chain")}})


def annealing_schedule(kind: str, distributions: int) -> list[float]:
    """Return the inverse temperatures from 0 to 1, both included.

    ``linear``, or ``sigmoidal``: sigmoid(4 (2t/T - 1)) rescaled to hit 0 and 1, which is finer at both ends
    (Wu et al. 2017).
    """
    t = torch.linspace(0, 1, distributions, dtype=torch.float64)
    if kind == "sigmoidal":
        t = torch.sigmoid(4 * (2 * t - 1))
        t = (t - t[0]) / (t[-1] - t[0])
    return t.tolist()


def whitened_potential(
    generator: Generator,
    x: Tensor,
    location: Tensor,
    scale: Tensor,
    precision: Precision = "float32",
) -> Potential:
    """Return the potential of the module docstring, for x [B, D], location [B, d] and scale [B, d].

    Its values are exact. In another ``precision``, its gradient is approximate. Leapfrog steps along any
    function of u preserve volume and are reversible, so transitions stay exact; only their acceptance may fall.
    """
    location, scale = location.unsqueeze(1), scale.unsqueeze(1)
    log_scale = scale.log().sum(-1)
    approximate = None if precision == "float32" else generator.gradient_of(x, precision)

    def potential(u: Tensor, with_value: bool) -> tuple[Tensor | None, Tensor]:
        z = location + scale * u
        value: Tensor | None = None
        if approximate is None:
            value, gradient = generator.log_joint_gradient(x, z, with_value)
        else:
            gradient = approximate(z)
            value = generator.log_joint(x, z) if with_value else None
        if value is not None:
            value = value - standard_normal_log_prob(u) + log_scale
        return value, scale * gradient + u

    return potential


def annealed_importance_sampling(
    generator: Generator,
    x: Tensor,
    location: Tensor,
    scale: Tensor,
    spec: AisSpec,
    rng: torch.Generator,
    checkpoint: Checkpoint = NO_CHECKPOINT,
) -> AisResult:
    """Estimate log p(x) for each row of ``x``.

    Args:
        generator: weights frozen.
        x: [B, D].
        location: mean of the start [B, d].
        scale: standard deviation of the start [B, d].
        spec: chains, schedule, leapfrog steps, adaptation.
        rng: on the device of ``x``.
        checkpoint: where an earlier process may have left these chains.
    """
    potential = whitened_potential(generator, x, location, scale, spec.gradient_precision)
    shape = torch.Size((x.shape[0], spec.chains, location.shape[1]))
    steps = _step_sizes(potential, shape, location.dtype, spec, rng, checkpoint)
    u = torch.randn(shape, generator=rng, device=rng.device, dtype=location.dtype)
    betas = annealing_schedule(spec.schedule, spec.distributions)
    return _anneal(potential, u, betas, steps, spec, rng, checkpoint.part("chains"))


def bidirectional_monte_carlo(
    generator: Generator,
    x: Tensor,
    z: Tensor,
    location: Tensor,
    scale: Tensor,
    spec: AisSpec,
    rng: torch.Generator,
    checkpoint: Checkpoint = NO_CHECKPOINT,
) -> tuple[AisResult, AisResult]:
    """Bound log p(x) from below by chains towards the posterior, and from above by chains away from it.

    Both directions use the same path and, where step sizes are adapted in a preliminary run, the same kernels.
    All reverse chains of a point start from its one posterior sample (as in the authors' code). Their standard
    error does not cover the variation over posterior samples, which shows in the spread between points.

    Args:
        generator: weights frozen.
        x: data simulated from the model [B, D].
        z: the latent variables that they were simulated from [B, d], exact samples of p(z|x).
        location: mean of the start [B, d].
        scale: standard deviation of the start [B, d].
        spec: chains, schedule, leapfrog steps, adaptation.
        rng: on the device of ``x``.
        checkpoint: where an earlier process may have left these chains.

    Returns:
        Forward and reverse estimates.
    """
    potential = whitened_potential(generator, x, location, scale, spec.gradient_precision)
    shape = torch.Size((x.shape[0], spec.chains, location.shape[1]))
    steps = _step_sizes(potential, shape, location.dtype, spec, rng, checkpoint)
    betas = annealing_schedule(spec.schedule, spec.distributions)
    start = torch.randn(shape, generator=rng, device=rng.device, dtype=location.dtype)
    forward = _anneal(potential, start, betas, steps, spec, rng, checkpoint.part("forward"))
    if spec.adaptation == "cumulative":
        steps = CumulativeRule(spec, shape[0], shape[1], rng.device)
    end = ((z - location) / scale).unsqueeze(1).expand(shape).contiguous()
    reverse = _anneal(potential, end, betas[::-1], steps, spec, rng, checkpoint.part("reverse"))
    return forward, reverse


def _preliminary_size(spec: AisSpec) -> tuple[int, int]:
    return min(spec.chains, _PRELIMINARY_CHAINS), min(spec.distributions, _PRELIMINARY_DISTRIBUTIONS)


def preliminary_transitions(spec: AisSpec) -> int:
    """Return how many transitions per point adapt step sizes before the estimate."""
    chains, distributions = _preliminary_size(spec)
    return 0 if spec.adaptation == "cumulative" else chains * _ADAPTATIONS * (distributions - 2)


def _step_sizes(
    potential: Potential,
    shape: torch.Size,
    dtype: torch.dtype,
    spec: AisSpec,
    rng: torch.Generator,
    checkpoint: Checkpoint = NO_CHECKPOINT,
) -> StepSizes:
    """Adapt step sizes on separate chains and freeze them, so that the kernels of the estimate are fixed."""
    if spec.adaptation == "cumulative":
        return CumulativeRule(spec, shape[0], shape[1], rng.device)
    recorded = RobbinsMonro(spec, shape[0], rng.device)
    chains, distributions = _preliminary_size(spec)
    first, *inner, last = annealing_schedule(spec.schedule, distributions)
    betas = [first, *(beta for beta in inner for _ in range(_ADAPTATIONS)), last]
    start = torch.randn(shape[0], chains, shape[2], generator=rng, device=rng.device, dtype=dtype)
    _anneal(potential, start, betas, recorded, spec, rng, checkpoint.part("step sizes"))
    # With three distributions there is one transition and nothing to interpolate.
    return FrozenStepSizes(recorded) if len(recorded.betas) > 1 else recorded


def _jitter(shape: tuple[int, int], spec: AisSpec, rng: torch.Generator) -> Tensor:
    """Random factors of the step sizes [B, C].

    With the same step size at every transition, paths through a nearly Gaussian density can return to their start
    every time (Neal 2011, section 3.2). The factors do not depend on the state, so each transition still leaves its
    density invariant.
    """
    return 1 + spec.step_size_jitter * (2 * torch.rand(shape, generator=rng, device=rng.device) - 1)


@dataclass
class _Path:
    """Chains between two transitions: their state, and sums over the transitions so far."""

    state: ChainState
    steps: StepSizes
    log_weight: Tensor
    acceptance: Tensor
    step_size: Tensor
    diverged: Tensor

    def state_dict(self) -> State:
        """See :class:`~inference_gaps.numerics.checkpoint.Stateful`."""
        gathered = ("log_weight", "acceptance", "step_size", "diverged")
        return {
            "state": dict(vars(self.state)),
            "steps": self.steps.state_dict(),
            "gathered": {name: getattr(self, name) for name in gathered},
        }

    def load_state_dict(self, state: State) -> None:
        """See :class:`~inference_gaps.numerics.checkpoint.Stateful`."""
        self.state = ChainState(**state["state"])
        self.steps.load_state_dict(state["steps"])
        vars(self).update(state["gathered"])


@torch.no_grad()
def _anneal(
    potential: Potential,
    u: Tensor,
    betas: list[float],
    steps: StepSizes,
    spec: AisSpec,
    rng: torch.Generator,
    checkpoint: Checkpoint = NO_CHECKPOINT,
) -> AisResult:
    """Take chains from ``u`` [B, C, d] along ``betas``, rising or falling."""
    points, chains, _ = u.shape
    value, gradient = potential(u, True)
    assert value is not None
    zeros = torch.zeros(points, device=u.device)
    log_weight = torch.zeros(points, chains, device=u.device, dtype=torch.float64)
    path = _Path(ChainState(u, value, gradient), steps, log_weight, zeros, zeros, zeros.long())
    transitions = len(betas) - 2

    def where(index: int) -> str:
        return f"distribution {index + 2} of {len(betas)}"

    for index in checkpoint.loop(path, transitions, rng, where=where):
        beta = betas[index + 1]
        path.log_weight = path.log_weight + (beta - betas[index]) * path.state.potential.double()
        step = steps.at(beta) * _jitter((points, chains), spec, rng)
        moved = transition(path.state, potential, beta, step, spec.leapfrog_steps, rng)
        steps.observe(beta, moved.acceptance)
        path.state = moved.state
        path.acceptance = path.acceptance + moved.acceptance.mean(1)
        path.step_size = path.step_size + step.mean(1)
        path.diverged = path.diverged + moved.diverged.sum(1)
    # A transition at the last temperature would no longer change a weight.
    log_weight = path.log_weight + (betas[-1] - betas[-2]) * path.state.potential.double()
    bounds = log_mean_weight(log_weight), elbo(log_weight)
    if betas[-1] < betas[0]:
        bounds = bounds[0].negated(), bounds[1].negated()
    acceptance, step_size = path.acceptance / transitions, path.step_size / transitions
    return AisResult(*bounds, acceptance, step_size, path.diverged)
