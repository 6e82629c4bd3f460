"""The estimators of the library on a model of somebody else, at data points and at simulated ones."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from inference_gaps.bounds.ais import preliminary_transitions
from inference_gaps.bounds.chains import chain_start, evaluate_ais, evaluate_bdmc
from inference_gaps.bounds.iwae import evaluate_iwae
from inference_gaps.bounds.local import optimise
from inference_gaps.bounds.optima import optimise_local
from inference_gaps.foreign.adapted import ForeignGenerator, ForeignPosterior, rows_that_fit
from inference_gaps.foreign.arguments import Effort
from inference_gaps.foreign.bar import Bar
from inference_gaps.foreign.findings import Found
from inference_gaps.foreign.result import Bidirectional
from inference_gaps.foreign.vae import Vae
from inference_gaps.numerics.device import random_generator
from inference_gaps.posteriors.local import LocalPosterior
from inference_gaps.specs.base import GradientPrecision
from inference_gaps.specs.bounds import AisSpec, IwaeSpec, LocalSpec
from inference_gaps.specs.families import FAMILIES, label_of
from inference_gaps.summary.trust import MOST_RESIDUAL

__all__ = ["Estimators"]

_PRIOR_DRAWS = 4096
_MOST_AT_ONCE = 500
# How often points are taken further whose q* is not yet found.
_FURTHER = 3


class Estimators:
    """Bounds of one model at data points, some hundred at a time.

    Attributes:
        seen_simulated: the data [B, ...] that were simulated for bidirectional Monte Carlo, if any were.
    """

    def __init__(
        self, vae: Vae, x: Tensor, amount: Effort, precision: GradientPrecision, seed: int, bar: Bar
    ) -> None:
        self._vae, self._amount, self._precision, self._seed, self._bar = vae, amount, precision, seed, bar
        rng = random_generator(seed, x.device, stream=8)
        moments = vae.encoded(x[:1])
        self._like = vae.sampled(x[:1], 2, rng)[0] if moments is None else moments[0]
        self._kind = x.dtype
        # Estimators take data of the type of z; the model gets its own back. Models of this project read rows.
        self._x = (x if vae.posterior is None else x.flatten(1)).to(self._like.dtype)
        rows = rows_that_fit(vae, x, self._like)
        self._generator = ForeignGenerator(vae, x.dtype, rows, bar.count)
        self._q = ForeignPosterior(vae, x.dtype, rows)
        self.seen_simulated: Tensor | None = None

    def _local_spec(self, family: str, points: int, seed: int) -> LocalSpec:
        amount, networks = self._amount, family != "ffg"
        sizes: dict[str, Any] = {}
        start = "local-ffg" if networks else "amortised"
        rate = 0.1 if networks and family != "full-gaussian" else 1.0
        if family == self._vae.family and FAMILIES[family].conditional:
            own: Any = self._vae.posterior
            # Little is left to gain from q(z|x) itself, and the noise of a larger rate would lose more.
            sizes = {"flow_steps": own.family.steps, "flow_hidden": own.family.hidden}
            start, rate = "trained", 0.02
        return LocalSpec(
            family=family,
            **sizes,
            points=points,
            seed=seed,
            samples=amount.flow_samples if networks else amount.local_samples,
            steps=amount.flow_steps if networks else amount.steps,
            learning_rate=amount.learning_rate * rate,
            tolerance=amount.tolerance,
            max_cycles=amount.max_cycles,
            start=start,  # type: ignore[arg-type]
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

    def found(self, families: list[str], starts: list[str]) -> Found:
        """Return all bounds at all points."""
        groups = range(-(-len(self._x) // _MOST_AT_ONCE))
        return Found.joined([self._at(group, families, starts) for group in groups])

    def _at(self, group: int, families: list[str], starts: list[str]) -> Found:
        """Return all bounds at some hundred points, with random numbers of their own."""
        x = self._x[group * _MOST_AT_ONCE : (group + 1) * _MOST_AT_ONCE]
        found = Found(family=self._vae.family)
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
        own = self._vae.posterior if spec.start == "trained" else None
        optima = optimise_local(self._generator, own or self._q, x, spec, gaussian)
        q, residual = optima.posterior, optima.residual.clone()
        for again in range(_FURTHER):
            left = (residual > MOST_RESIDUAL).nonzero().squeeze(1)
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
