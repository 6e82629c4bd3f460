"""How far is the ELBO of a VAE from log p(x), and is it the encoder or the family of q?

    import inference_gaps as gaps

    vae = gaps.Vae(encode=net.encode, decode=net.decode, latent_dim=16, likelihood=gaps.Bernoulli(), modules=(net,))
    print(gaps.measure(vae, x))

What is measured at each data point, by the functions that the replication uses: L[q] and IWAE from q; q* in each of
the families asked for, L[q*] and IWAE from it; AIS from q*_FFG or the prior; and on data simulated from the model,
AIS in both directions. One of the estimates stands for log p(x), by :mod:`inference_gaps.summary.gaps`.
"""

import dataclasses
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from inference_gaps.bounds.ais import preliminary_transitions
from inference_gaps.bounds.chains import chain_start, evaluate_ais, evaluate_bdmc
from inference_gaps.bounds.iwae import evaluate_iwae
from inference_gaps.bounds.local import optimise
from inference_gaps.bounds.optima import optimise_local
from inference_gaps.errors import UserError, counted
from inference_gaps.foreign.adapted import ForeignGenerator, ForeignPosterior, rows_that_fit
from inference_gaps.foreign.comparison import compare
from inference_gaps.foreign.findings import Found, find
from inference_gaps.foreign.probes import Check, probe
from inference_gaps.foreign.result import Bidirectional, Result, points_frame, summarise
from inference_gaps.foreign.vae import Vae
from inference_gaps.numerics.device import random_generator
from inference_gaps.posteriors.local import LocalPosterior
from inference_gaps.specs.base import GradientPrecision
from inference_gaps.specs.bounds import AisSpec, IwaeSpec, LocalSpec
from inference_gaps.specs.families import FAMILIES, label_of

__all__ = ["EFFORTS", "Effort", "measure"]

_PRIOR_DRAWS = 4096
_MOST_AT_ONCE = 500
# Points whose q* the last cycle improved by more nats are taken further, so often.
_MOST_RESIDUAL, _FURTHER = 0.1, 3


@dataclass(frozen=True)
class Effort:
    """How much work a measurement is, per data point.

    Attributes:
        samples: importance weights of the ELBO and of IWAE.
        local_samples: of a step of local optimisation.
        steps: of a cycle of it.
        learning_rate: of its first cycle.
        tolerance: cycles end when one gains less than so many nats.
        max_cycles: of it at most.
        flow_samples: as ``local_samples``, for families with networks.
        flow_steps: as ``steps``, for families with networks.
        chains: of AIS.
        distributions: of AIS.
        leapfrog_steps: of AIS.
        simulated: data points that are simulated for bidirectional Monte Carlo; 0 for none.
    """

    samples: int = 1000
    local_samples: int = 8
    steps: int = 150
    learning_rate: float = 0.05
    tolerance: float = 0.02
    max_cycles: int = 6
    flow_samples: int = 24
    flow_steps: int = 300
    chains: int = 16
    distributions: int = 120
    leapfrog_steps: int = 5
    simulated: int = 16


EFFORTS = {
    "quick": Effort(500, 8, 100, 0.05, 0.05, 4, 16, 200, 16, 20, 5, 8),
    "standard": Effort(),
    "thorough": Effort(20000, 16, 500, 0.03, 0.005, 8, 32, 1000, 64, 400, 10, 64),
}


def measure(
    vae: Vae,
    x: Any,
    *,
    local: Sequence[str] = ("ffg",),
    elbo: float | Tensor | None = None,
    ais: Sequence[Literal["prior", "local-ffg"]] = ("local-ffg",),
    effort: str | Effort = "standard",
    precision: GradientPrecision = "float32",
    seed: int = 0,
    progress: bool = True,
    **changes: Any,
) -> Result:
    """Measure the gaps of a VAE at data points.

    Args:
        vae: the model; see :class:`~inference_gaps.foreign.vae.Vae`. Its modules stay as they are.
        x: data [B, ...], a tensor or an array, on the device of the model and of its type.
        local: families in which q* is sought, of :data:`~inference_gaps.specs.families.FAMILIES`: ``ffg``,
            ``full-gaussian``, ``coupling``, ``hamiltonian``, ``af``. The first is that of the gaps.
        elbo: the owner's own ELBO at these points, in nats, their mean or one for each: the strongest check
            there is.
        ais: where chains start; () for none.
        effort: ``quick``, ``standard`` or ``thorough``, or an :class:`Effort`.
        precision: of the decoder's products along the way of chains and optimisers, where only exact values are
            weighed; ``bfloat16`` is faster on processors that have it.
        seed: of all random numbers.
        progress: whether a bar shows passes through the decoder, and the time left.
        **changes: of attributes of ``effort``, such as ``samples=10000``.

    Raises:
        UserError: the description does not fit the model or the data; numbers would mean nothing.
    """
    amount = _effort(effort, changes)
    families = _families(local)
    starts = _starts(ais)
    if precision not in ("float32", "bfloat16"):
        raise UserError(f"precision is {precision!r}; write 'float32' or 'bfloat16'.")
    if not isinstance(seed, int) or not 0 <= seed < 2**31:
        raise UserError(f"seed is {seed!r}; write a whole number from 0 to {2**31 - 1}.")
    if not isinstance(vae, Vae):
        raise UserError(
            f"measure takes a gaps.Vae first, not {type(vae).__name__}; describe the model by one."
        )
    data = _data(x)
    given = _given_elbo(elbo, len(data))
    checks = probe(vae, data, seed)
    before = vae.modules.state()
    with _Bar(progress) as bar:
        work = _Work(vae, data, amount, precision, seed, bar)
        bar.expect(work.passes(families, starts))
        groups = range(-(-len(data) // _MOST_AT_ONCE))
        parts = [work.measured(group, families, starts) for group in groups]
        two_sided = work.bidirectional(starts) if amount.simulated else []
    found = Found.joined(parts)
    ours = compare(found.estimates["elbo_amortized"], amount.samples, given, vae, data)
    checks += [ours, *find(found, families, vae, data, two_sided, work.seen_simulated)]
    if vae.modules.unchanged_since(before):
        checks.append(Check("unchanged", "passed", "The modules are as they were."))
    else:
        sentence = (
            "Weights, buffers or modes of a module changed during the measurement; do not use its numbers."
        )
        checks.append(Check("unchanged", "warning", sentence))
    bounds = found.bounds()
    settings = {
        "points": len(data),
        "local": families,
        "ais": list(starts),
        "effort": dataclasses.asdict(amount),
        "precision": precision,
        "seed": seed,
    }
    return Result(
        points_frame(bounds, families, found.columns()),
        summarise(bounds, families),
        checks,
        two_sided,
        settings,
    )


def _effort(effort: str | Effort, changes: dict[str, Any]) -> Effort:
    if isinstance(effort, str) and effort not in EFFORTS:
        raise UserError(f"effort is {effort!r}; write one of {', '.join(EFFORTS)}.")
    if not isinstance(effort, str | Effort):
        raise UserError(
            f"effort is {type(effort).__name__}; write one of {', '.join(EFFORTS)}, or a gaps.Effort."
        )
    amount = EFFORTS[effort] if isinstance(effort, str) else effort
    known = {field.name: type(field.default) for field in dataclasses.fields(Effort)}
    least = {"samples": 2, "chains": 2, "distributions": 3, "max_cycles": 2, "simulated": 0}
    for name, value in changes.items():
        if name not in known:
            raise UserError(f"measure knows no argument {name}; it may be one of {', '.join(known)}.")
        whole = known[name] is int
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
            raise UserError(f"{name} is {value!r}; write a {'whole ' if whole else ''}number.")
        if not value >= least.get(name, 1 if whole else 0) or (not whole and not 0 < value <= 1):
            most = " and at most 1" if not whole else ""
            raise UserError(
                f"{name} is {value}; write at least {least.get(name, 1) if whole else 'above 0'}{most}."
            )
    return dataclasses.replace(amount, **changes)


def _families(local: Any) -> list[str]:
    if isinstance(local, str):
        raise UserError(f"local is {local!r}; write a list of families, such as local=({local!r},).")
    found = list(local)
    for name in found:
        if name not in FAMILIES:
            raise UserError(f"local names {name!r}; the families of q* are {', '.join(FAMILIES)}.")
    return list(dict.fromkeys(found))


def _starts(ais: Any) -> list[str]:
    found = [ais] if isinstance(ais, str) else list(ais)
    for name in found:
        if name not in ("prior", "local-ffg"):
            raise UserError(f"ais names {name!r}; chains start from 'prior' or 'local-ffg'.")
    return found


def _data(x: Any) -> Tensor:
    if isinstance(x, np.ndarray):
        if x.dtype == object or not (np.issubdtype(x.dtype, np.number) or x.dtype == bool):
            raise UserError(f"x is an array of {x.dtype}; give numbers.")
        x = torch.from_numpy(np.ascontiguousarray(x))
    if not isinstance(x, Tensor):
        raise UserError(
            f"x is {type(x).__name__}; give a tensor or an array with one row for each data point."
        )
    if x.dim() < 2:
        raise UserError(
            f"x has the shape {tuple(x.shape)}; its first dimension counts data points, so give [B, ...], "
            f"one point as x[None]."
        )
    if len(x) < 2:
        raise UserError(
            f"x has {counted(len(x), 'data point')}; give at least two, better thirty, for means with intervals."
        )
    if x.is_complex():
        raise UserError("x holds complex numbers; give real ones.")
    if x.is_floating_point():
        bad = (~torch.isfinite(x)).flatten(1).any(1).nonzero().squeeze(1)
        if len(bad):
            raise UserError(
                f"x is not finite at {len(bad)} of {len(x)} data points, first at {int(bad[0])}; leave them out or "
                f"fill them in."
            )
    return x.detach()


def _given_elbo(elbo: Any, points: int) -> Tensor | None:
    if elbo is None:
        return None
    try:
        given = torch.as_tensor(elbo).detach().double().cpu()
    except (TypeError, ValueError, RuntimeError) as error:
        raise UserError(
            f"elbo is {type(elbo).__name__}; write a number in nats, or one for each point."
        ) from error
    if given.numel() not in (1, points) or not bool(torch.isfinite(given).all()):
        raise UserError(
            f"elbo has the shape {tuple(given.shape)} for {points} data points; write their mean, or one "
            f"finite number for each."
        )
    return given.reshape(-1)


class _Bar:
    """A bar of passes through the decoder."""

    def __init__(self, shown: bool) -> None:
        # In a log, a line now and then.
        often = sys.stderr.isatty()
        self._bar = tqdm(
            total=0,
            unit="pass",
            unit_scale=True,
            disable=not shown,
            leave=False,
            dynamic_ncols=often,
            mininterval=0.1 if often else 15.0,
            maxinterval=10.0 if often else 60.0,
        )

    def __enter__(self) -> "_Bar":
        return self

    def __exit__(self, *error: Any) -> None:
        self._bar.close()

    def expect(self, passes: int) -> None:
        """Hear how many there will be."""
        self._bar.total = passes
        self._bar.refresh()

    def count(self, passes: int) -> None:
        """Hear of some more."""
        if self._bar.total and self._bar.n + passes > self._bar.total:
            self._bar.total = self._bar.n + passes
        self._bar.update(passes)

    def say(self, what: str) -> None:
        """Say what is being done."""
        self._bar.set_description(what)


class _Work:
    """Estimators of the library on a model of somebody else."""

    def __init__(
        self, vae: Vae, x: Tensor, amount: Effort, precision: GradientPrecision, seed: int, bar: _Bar
    ) -> None:
        self._vae, self._amount, self._precision, self._seed, self._bar = vae, amount, precision, seed, bar
        rng = random_generator(seed, x.device, stream=8)
        moments = vae.encoded(x[:1])
        self._like = vae.sampled(x[:1], 2, rng)[0] if moments is None else moments[0]
        self._kind = x.dtype
        # Estimators take data of the type of z; the model gets its own back.
        self._x = x.to(self._like.dtype)
        rows = rows_that_fit(vae, x, self._like)
        self._generator = ForeignGenerator(vae, x.dtype, rows, bar.count)
        self._q = ForeignPosterior(vae, x.dtype, rows)
        self.seen_simulated: Tensor | None = None

    def _local_spec(self, family: str, points: int, seed: int) -> LocalSpec:
        amount, networks = self._amount, family != "ffg"
        return LocalSpec(
            family=family,
            points=points,
            seed=seed,
            samples=amount.flow_samples if networks else amount.local_samples,
            steps=amount.flow_steps if networks else amount.steps,
            learning_rate=amount.learning_rate * (0.1 if networks and family != "full-gaussian" else 1.0),
            tolerance=amount.tolerance,
            max_cycles=amount.max_cycles,
            start="local-ffg" if networks else "amortised",
            gradient_precision=self._precision,
        )

    def _ais_spec(self, points: int, start: str, seed: int) -> AisSpec:
        amount = self._amount
        return AisSpec(
            points=points,
            seed=seed,
            start=start,  # type: ignore[arg-type]
            chains=amount.chains,
            distributions=amount.distributions,
            leapfrog_steps=amount.leapfrog_steps,
            schedule="sigmoidal",
            gradient_precision=self._precision,
        )

    def passes(self, families: list[str], starts: list[str]) -> int:
        """Return about how many passes through the decoder there will be."""
        amount, points, simulated = self._amount, len(self._x), self._amount.simulated
        sought = [*families] if "ffg" in families else ["ffg", *families]
        iwae = points * amount.samples * (1 + len(families))
        cycles = min(3, amount.max_cycles)
        gaussian = 2 * cycles * amount.steps * amount.local_samples
        flows = 2 * cycles * amount.flow_steps * amount.flow_samples * (len(sought) - 1)
        spec = self._ais_spec(1, "prior", 0)
        transitions = amount.chains * (amount.distributions - 2) + preliminary_transitions(spec)
        ais = 2 * amount.leapfrog_steps * transitions
        both = ais + 2 * amount.leapfrog_steps * amount.chains * (amount.distributions - 2)
        two_sided = simulated * (gaussian + both * len(starts)) if starts and self._vae.can_simulate else 0
        return iwae + points * (gaussian + flows + ais * len(starts)) + two_sided

    def measured(self, group: int, families: list[str], starts: list[str]) -> Found:
        """Return all bounds at some hundred points, with random numbers of their own."""
        x = self._x[group * _MOST_AT_ONCE : (group + 1) * _MOST_AT_ONCE]
        found = Found()
        spec = IwaeSpec(points=len(x), samples=self._amount.samples, seed=self._stream(group, 1))
        self._bar.say("L[q], IWAE")
        found.add("amortized", evaluate_iwae(self._generator, self._q, x, spec))
        moments = self._q.moments(x)
        found.q = None if moments is None else moments[1].cpu()
        gaussian = None
        if families or "local-ffg" in starts:
            gaussian, residual = self._optimum(x, "ffg", None, self._stream(group, 2))
            found.q_star = gaussian.parameters["log_variance"].cpu()
            found.residuals["local_ffg"] = residual.cpu()
        for family in families:
            optimum = gaussian
            if family != "ffg":
                optimum, residual = self._optimum(x, family, gaussian, self._stream(group, 2))
                found.residuals[f"local_{FAMILIES[family].key}"] = residual.cpu()
            assert optimum is not None
            self._bar.say(f"L[q*], {label_of(family)}")
            found.add(f"local_{FAMILIES[family].key}", evaluate_iwae(self._generator, optimum, x, spec))
        for start in starts:
            self._bar.say(f"AIS from {start}")
            at = self._start(x, start, gaussian)
            ais = self._ais_spec(len(x), start, self._stream(group, 3))
            found.add_ais(start, evaluate_ais(self._generator, x, *at, ais))
        return found

    def _stream(self, group: int, use: int) -> int:
        """Return a seed of its own for a use of random numbers at a group of points."""
        return int(np.random.SeedSequence([self._seed, group, use]).generate_state(1)[0] >> 1)

    def _optimum(
        self, x: Tensor, family: str, gaussian: LocalPosterior | None, seed: int
    ) -> tuple[LocalPosterior, Tensor]:
        """Find q* and what its last cycle gained [B]; points that it still helped are taken further."""
        self._bar.say(f"q*, {label_of(family)}")
        spec = self._local_spec(family, len(x), seed)
        optima = optimise_local(self._generator, self._q, x, spec, gaussian)
        q, residual = optima.posterior, optima.residual.clone()
        for again in range(_FURTHER):
            left = (residual > _MOST_RESIDUAL).nonzero().squeeze(1)
            if not len(left):
                break
            starts = [{name: tensor[left] for name, tensor in q.parameters.items()}]
            rng = random_generator(seed, x.device, stream=20 + again)
            further = optimise(
                self._generator, q.family, x[left], starts, spec, rng, lambda cycle, bound: None
            )
            for name, tensor in further.parameters.items():
                q.parameters[name][left] = tensor
            residual[left] = further.residual
        return q, residual

    def _start(self, x: Tensor, start: str, gaussian: LocalPosterior | None) -> tuple[Tensor, Tensor]:
        if start == "local-ffg":
            assert gaussian is not None
            return chain_start(x, self._vae.latent_dim, gaussian)
        if self._vae.given_prior is None or self._vae.prior is None:
            location = torch.zeros(len(x), self._vae.latent_dim, device=x.device, dtype=self._like.dtype)
            return location, torch.ones_like(location)
        # Chains start at a Gaussian with the moments of the prior; what the prior is they learn on the way.
        rng = random_generator(self._seed, x.device, stream=9)
        z = self._vae.prior.sample(_PRIOR_DRAWS, self._like, rng)
        return z.mean(0).expand(len(x), -1).contiguous(), z.std(0).expand(len(x), -1).contiguous()

    def bidirectional(self, starts: list[str]) -> list[Bidirectional]:
        """Bound log p(x) from both sides on data simulated from the model."""
        if not self._vae.can_simulate or not starts or self._amount.simulated < 2:
            return []
        self._bar.say("BDMC")
        rng = random_generator(self._seed, self._x.device, stream=10)
        x, z = self._vae.simulated(self._amount.simulated, self._like, rng)
        self.seen_simulated = x
        x = x.to(self._like.dtype)
        seed = self._stream(0, 4)
        gaussian = self._optimum(x, "ffg", None, seed)[0] if "local-ffg" in starts else None
        found = []
        for start in starts:
            at = self._start(x, start, gaussian)
            both = evaluate_bdmc(self._generator, x, z, *at, self._ais_spec(len(x), start, seed))
            width = (both.reverse.bound.value - both.forward.bound.value).double()
            error = float(width.std() / len(width) ** 0.5)
            found.append(Bidirectional(start, float(width.mean()), error, len(width)))
        return found
