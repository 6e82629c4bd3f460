"""What a measurement says of itself: what was found at each point, and what to think of it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from inference_gaps.bounds.ais import AisResult
from inference_gaps.bounds.importance import Bound
from inference_gaps.errors import UserError, counted
from inference_gaps.foreign.probes import Check, Level
from inference_gaps.foreign.result import Bidirectional
from inference_gaps.foreign.vae import Vae
from inference_gaps.specs.families import FAMILIES, label_of
from inference_gaps.summary.gaps import Bounds
from inference_gaps.summary.trust import LOW_ACCEPTANCE, MOST_RESIDUAL, stuck, trusted

__all__ = ["Found", "find"]

_APART = 4.0
_WIDTH = math.log(3.0)
_ROUNDING = 4 * float(np.finfo(np.float32).eps)


@dataclass
class Found:
    """Bounds and what else is known at data points, tensors [B].

    Attributes:
        estimates: bounds by name.
        residuals: what the last cycle of each q* gained.
        acceptance: of the proposals of AIS by its name.
        family: of q(z|x), where it is known and no factorised Gaussian.
        q: log variances of q(z|x) [B, d], where q is a factorised Gaussian.
        q_star: log variances of q*_FFG [B, d].
    """

    estimates: dict[str, Bound] = field(default_factory=dict)
    residuals: dict[str, Tensor] = field(default_factory=dict)
    acceptance: dict[str, Tensor] = field(default_factory=dict)
    family: str | None = None
    q: Tensor | None = None
    q_star: Tensor | None = None

    @classmethod
    def joined(cls, parts: Sequence["Found"]) -> "Found":
        """Return what was found at all points, from what was found at some of them each."""

        def tables(name: str) -> dict[str, Tensor]:
            return {
                key: torch.cat([getattr(part, name)[key] for part in parts])
                for key in getattr(parts[0], name)
            }

        estimates = {
            name: Bound(
                *(
                    torch.cat(columns)
                    for columns in zip(*(vars(part.estimates[name]).values() for part in parts))
                )
            )
            for name in parts[0].estimates
        }
        return cls(
            estimates,
            tables("residuals"),
            tables("acceptance"),
            parts[0].family,
            _cat([part.q for part in parts]),
            _cat([part.q_star for part in parts]),
        )

    def add(self, posterior: str, bounds: Mapping[str, Bound]) -> None:
        """Take ``elbo`` and ``iwae`` of a posterior."""
        self.estimates |= {f"{name}_{posterior}": _on_cpu(bound) for name, bound in bounds.items()}

    def add_ais(self, start: str, result: AisResult) -> None:
        """Take the estimates of AIS."""
        name = f"ais_{start.replace('-', '_')}"
        self.estimates[name] = _on_cpu(result.bound)
        self.acceptance[name] = result.acceptance.cpu()

    def bounds(self) -> Bounds:
        """Return frames of the points at which all estimates are finite.

        Raises:
            UserError: there are fewer than two.
        """
        value = pd.DataFrame({name: bound.value.numpy() for name, bound in self.estimates.items()})
        error = pd.DataFrame({name: bound.standard_error.numpy() for name, bound in self.estimates.items()})
        size = pd.DataFrame(
            {
                name: bound.effective_sample_size.numpy()
                for name, bound in self.estimates.items()
                if not name.startswith("elbo_")
            }
        )
        finite = pd.Series((np.isfinite(value) & np.isfinite(error)).all(axis=1), index=value.index)
        if int(finite.sum()) < 2:
            worst = (~np.isfinite(value)).sum().idxmax()
            raise UserError(
                f"Bounds are finite at only {int(finite.sum())} of {len(value)} data points, and {worst} is not "
                f"finite at most of the others; look at log p(x, z) at samples of q(z|x)."
            )
        excluded = int((~finite).sum())
        return Bounds(value.loc[finite], error.loc[finite], excluded, effective_sample_size=size.loc[finite])

    def columns(self) -> dict[str, pd.Series]:
        """Return residuals, and what there is to say of each point."""
        columns = {f"residual_{name}": pd.Series(each.numpy()) for name, each in self.residuals.items()}
        count = len(next(iter(self.estimates.values())).value)
        flags: list[list[str]] = [[] for _ in range(count)]

        def mark(where: Tensor | np.ndarray, words: str) -> None:
            for point in np.flatnonzero(np.asarray(where)):
                flags[point].append(words)

        for name, residual in self.residuals.items():
            mark(residual > MOST_RESIDUAL, f"q* of {name} not converged")
        for name, bound in self.estimates.items():
            if name.startswith(("iwae_", "ais_")):
                enough = trusted(bound.effective_sample_size.numpy(), bound.standard_error.numpy())
                mark(~enough, f"{name} loose")
            mark(~torch.isfinite(bound.value), f"{name} not finite")
        for name in self.acceptance:
            mark(self.acceptance[name] < LOW_ACCEPTANCE, f"chains of {name} stuck")
        for low, high in self._orders():
            mark(self._out_of_order(low, high), f"{high} below {low}")
        columns["flags"] = pd.Series(["; ".join(words) for words in flags])
        return columns

    def _orders(self) -> list[tuple[str, str]]:
        """Return pairs of which the first is at most the second."""
        local = [name for name in self.estimates if name.startswith("elbo_local_")]
        family = "ffg" if self.q is not None else self.family
        own = f"elbo_local_{FAMILIES[family].key}" if family else ""
        pairs = [("elbo_amortized", own)] if own in local else []
        pairs += [
            ("elbo_local_ffg", name)
            for name in local
            if name != "elbo_local_ffg" and "elbo_local_ffg" in local
        ]
        return pairs

    def _out_of_order(self, low: str, high: str) -> Tensor:
        first, second = self.estimates[low], self.estimates[high]
        error = torch.hypot(first.standard_error, second.standard_error)
        allowed = _APART * error + _ROUNDING * first.value.abs()
        return first.value - second.value > allowed

    def out_of_order(self) -> dict[tuple[str, str], int]:
        """Return at how many points each order is violated by more than four standard errors."""
        return {pair: int(self._out_of_order(*pair).sum()) for pair in self._orders()}

    def bad_chains(self) -> dict[str, int]:
        """Return at how many points chains hardly move."""
        return {name: stuck(acceptance.numpy()) for name, acceptance in self.acceptance.items()}


def _cat(parts: Sequence[Tensor | None]) -> Tensor | None:
    known = [part for part in parts if part is not None]
    return torch.cat(known) if known else None


def _on_cpu(bound: Bound) -> Bound:
    return Bound(*(each.detach().double().cpu() for each in vars(bound).values()))


def find(
    found: Found,
    families: Sequence[str],
    vae: Vae,
    x: Tensor,
    two_sided: Sequence[Bidirectional],
    simulated: Tensor | None,
) -> list[Check]:
    """Return what the bounds say of the model and of themselves.

    Args:
        found: at all points.
        families: of q*.
        vae: the model.
        x: data [B, ...].
        two_sided: what bidirectional Monte Carlo found.
        simulated: the data that it used.
    """
    bounds = found.bounds()
    checks = []
    if bounds.excluded:
        checks.append(
            Check(
                "finite",
                "warning",
                f"Bounds are not finite at {counted(bounds.excluded, 'data point')}, left out of all means.",
            )
        )
    checks += _estimates(bounds)
    checks += _optima(found, families)
    for (low, high), count in found.out_of_order().items():
        if count:
            checks.append(
                Check(
                    "order",
                    "warning",
                    f"{high} lies below {low} by more than four standard errors at {counted(count, 'point')}: the "
                    f"optimisation of q* stopped too early there; raise steps or max_cycles.",
                )
            )
    if not any(found.out_of_order().values()):
        checks.append(Check("order", "passed", "No bound lies below one that it should lie above."))
    for name, count in found.bad_chains().items():
        if count:
            checks.append(
                Check(
                    "chains",
                    "warning",
                    f"At {counted(count, 'point')} the chains of {name} hardly move: fewer than "
                    f"{LOW_ACCEPTANCE:.0%} of proposals are accepted; raise distributions or leapfrog_steps.",
                )
            )
    checks += _widths(found)
    checks += _two_sided(vae, x, two_sided, simulated)
    if found.q is None and families and families[0] != found.family:
        checks.append(
            Check(
                "family",
                "note",
                f"q(z|x) is no factorised Gaussian, and q* is sought among {label_of(families[0])}: where q "
                f"is no member of that family, the amortization gap L[q*] - L[q] may be negative.",
            )
        )
    return checks


def _estimates(bounds: Bounds) -> list[Check]:
    sizes = bounds.effective_sample_size
    assert sizes is not None
    loose = [str(name) for name in sizes if not bounds.trusted(str(name))]
    if not loose:
        return [
            Check("effective sample size", "passed", "Enough weights count in every estimate of log p(x).")
        ]
    level: Level = "warning" if len(loose) == sizes.shape[1] else "note"
    least = {name: float(sizes[name].median()) for name in loose}
    listed = ", ".join(f"{name} (median effective sample size {size:.1f})" for name, size in least.items())
    remedy = (
        "raise distributions and chains, or samples"
        if level == "warning"
        else "they do not stand for log p(x)"
    )
    return [
        Check("effective sample size", level, f"Lower bounds, loose, without an error: {listed}; {remedy}.")
    ]


def _optima(found: Found, families: Sequence[str]) -> list[Check]:
    checks = []
    for name, residual in found.residuals.items():
        left = int((residual > MOST_RESIDUAL).sum())
        if left:
            worst = int(residual.argmax())
            checks.append(
                Check(
                    "convergence",
                    "warning",
                    f"The last cycle of q* ({name}) still gained more than {MOST_RESIDUAL:g} nats at "
                    f"{counted(left, 'point')}, most at point {worst}, {float(residual[worst]):.2f}; "
                    f"raise steps or max_cycles.",
                )
            )
    if not checks and found.residuals:
        checks.append(
            Check("convergence", "passed", "The last cycle of q* gained nothing to speak of at any point.")
        )
    return checks


def _widths(found: Found) -> list[Check]:
    if found.q is None or found.q_star is None:
        return []
    ratio = float((0.5 * (found.q - found.q_star)).median())
    if abs(ratio) <= _WIDTH:
        return [Check("widths", "passed", "q(z|x) is about as wide as q*.")]
    wider = "wider" if ratio > 0 else "narrower"
    return [
        Check(
            "widths",
            "warning",
            f"q(z|x) is typically {math.exp(abs(ratio)):.1f} times {wider} than q*: so much is rarely the "
            f"encoder's doing. Check whether encode returns log variances (not standard deviations), "
            f"whether the likelihood is summed (not averaged) over a data point, and whether sigma and the "
            "weight of the KL are those of the training.",
        )
    ]


def _two_sided(
    vae: Vae, x: Tensor, two_sided: Sequence[Bidirectional], simulated: Tensor | None
) -> list[Check]:
    if not two_sided:
        reason = (
            "data cannot be drawn from a model given by functions alone"
            if not vae.can_simulate
            else "not asked for"
        )
        return [Check("BDMC", "note", f"There is no upper bound on log p(x): {reason}.")]
    checks = []
    for each in two_sided:
        if each.width > 1.0:
            checks.append(
                Check(
                    "BDMC",
                    "warning",
                    f"On simulated data, AIS from {each.start} leaves log p(x) open by {each.width:.2f} "
                    f"nats; raise distributions or chains.",
                )
            )
    if simulated is not None and x.is_floating_point():
        grey = bool(((x > 0) & (x < 1)).any()) and not bool(((simulated > 0) & (simulated < 1)).any())
        if grey:
            checks.append(
                Check(
                    "BDMC",
                    "note",
                    "x has values between 0 and 1, simulated data are 0 or 1: BDMC speaks of the latter, "
                    "and log p(x) of grey values is minus a cross-entropy, not a log probability.",
                )
            )
    if not any(check.level == "warning" for check in checks):
        checks.append(Check("BDMC", "passed", "On simulated data, AIS from both sides meets."))
    return checks
