"""What is tried before anything is measured: whether a model is what its description says.

Each mistake here would give numbers that look like any others. Those that make them meaningless are refused by a
sentence; those that only may are noted beside the numbers.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from inference_gaps.errors import UserError, counted, is_out_of_memory
from inference_gaps.foreign.priors import StandardNormal
from inference_gaps.foreign.vae import Vae
from inference_gaps.numerics.device import random_generator

__all__ = ["Check", "Level", "probe"]

Level = Literal["passed", "note", "warning"]

FEW_POINTS = 30
_PROBED = 64
_SAME = 1.0e-4
_LARGEST_LOG_VARIANCE, _MEANINGLESS_LOG_VARIANCE = 20.0, 40.0
_ACTIVE_ABOVE = 0.01
_RESIDUALS = 0.5, 2.0
_AGGREGATE = 3.0


@dataclass(frozen=True)
class Check:
    """What was looked at and what was found, in a sentence."""

    name: str
    level: Level
    sentence: str


def probe(vae: Vae, x: Tensor, seed: int) -> list[Check]:
    """Try a model on a few data points.

    Args:
        vae: as its owner describes it.
        x: data [B, ...].
        seed: of the samples that are tried.

    Returns:
        What was found and does not stand in the way.

    Raises:
        UserError: numbers of this model would mean nothing.
    """
    vae.modules.require_evaluation_mode()
    vae.modules.require_finite()
    vae.modules.require_like(x)
    before = vae.modules.state()
    checks = [Check("modules", "passed", _modules_sentence(vae))]
    if vae.likelihood is not None and (sentence := vae.likelihood.outside(x)):
        raise UserError(sentence)
    # Spread over the data, which may be sorted.
    some = x[torch.linspace(0, len(x) - 1, min(len(x), _PROBED), device=x.device).long()]
    rng = random_generator(seed, x.device, stream=7)
    try:
        checks += _encoder(vae, x, some, rng)
        z = _samples(vae, some, rng)
        checks += _decoder(vae, some, z)
        checks += _prior(vae, z)
    except UserError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise
        raise UserError(
            f"The functions of this Vae failed on {counted(len(some), 'data point')} of shape "
            f"{tuple(some.shape[1:])} with {type(error).__name__}: {_first_line(error)}. Try "
            f"encode(x[:2]) and decode(z[:2]) by hand."
        ) from error
    finally:
        unchanged = vae.modules.unchanged_since(before)
    if not unchanged:
        raise UserError(
            "Calling encode and decode changed the weights, buffers or mode of a module; its buffers were "
            "put back. Let neither of them call train() or update statistics."
        )
    if len(x) < FEW_POINTS:
        checks.append(
            Check(
                "points",
                "warning",
                f"{len(x)} data points are few: an interval over them covers less often than it says; take "
                f"at least {FEW_POINTS}.",
            )
        )
    if vae.likelihood is not None and vae.likelihood.continuous:
        checks.append(
            Check(
                "density",
                "note",
                "x is continuous, so that log p(x) is a density: nats depend on the scale of x, and only "
                "differences between bounds do not.",
            )
        )
    return checks


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [""])[0][:200].rstrip(".")


def _modules_sentence(vae: Vae) -> str:
    names = ", ".join(type(module).__name__ for module in vae.modules.list) or "none found"
    return f"Modules in evaluation mode, all weights finite: {names}."


def _differs(first: Any, second: Any) -> bool:
    """Say whether two things that a function returned for the same rows differ by more than rounding."""
    if isinstance(first, Tensor):
        scale = 1 + float(first.abs().max()) if first.numel() else 1.0
        return first.shape != second.shape or float((first - second).abs().max()) > _SAME * scale
    if isinstance(first, tuple | list):
        return any(_differs(one, other) for one, other in zip(first, second, strict=True))
    return False


def _rows(given: Any, rows: slice) -> Any:
    if isinstance(given, Tensor):
        return given[rows]
    return type(given)(_rows(each, rows) for each in given) if isinstance(given, tuple | list) else given


def _require_function(name: str, function: Callable[[Tensor], Any], rows: Tensor, remedy: str) -> Any:
    """Call a function twice, and on one row alone; return what it gave, which has to be one for each row."""
    first = function(rows)
    if _differs(first, function(rows)):
        raise UserError(
            f"{name} returns other values when it is called again with the same {remedy}; take randomness "
            f"out of it (dropout, sampling), and call eval() on its modules."
        )
    alone = function(rows[:1])
    if _differs(_rows(first, slice(0, 1)), alone):
        raise UserError(
            f"{name} returns another value for a row alone than for the same row in a batch; q(z|x) and "
            f"p(x|z) of a data point may not depend on others (batch normalisation in training mode, "
            "attention over the batch)."
        )
    return first


def _encoder(vae: Vae, x: Tensor, some: Tensor, rng: torch.Generator) -> list[Check]:
    if vae.encoded(some[:1]) is None:
        return [Check("encoder", "passed", "q(z|x) is given by its samples and their densities.")]

    def moments(rows: Tensor) -> Any:
        found = vae.encoded(rows)
        assert found is not None
        return found

    _require_function("encode", moments, some, "x")
    found = [moments(rows) for rows in x.split(_PROBED)]
    mean, log_variance = torch.cat([m for m, _ in found]), torch.cat([v for _, v in found])
    for what, values in (("mean", mean), ("log variance", log_variance)):
        bad = (~torch.isfinite(values)).nonzero()
        if len(bad):
            raise UserError(
                f"encode gives a {what} that is not finite at {counted(len(bad), 'place')}, first at data point "
                f"{int(bad[0, 0])}, latent dimension {int(bad[0, 1])}; look at x there, and at the weights "
                "of the encoder."
            )
    checks = [Check("encoder", "passed", "encode is a function of each data point alone.")]
    point, unit = divmod(int(log_variance.abs().argmax()), vae.latent_dim)
    extreme = float(log_variance[point, unit])
    where = f"encode gives a log variance of {extreme:.4g} at data point {point}, latent dimension {unit}"
    if abs(extreme) > _MEANINGLESS_LOG_VARIANCE:
        raise UserError(
            f"{where}, which is no width that floating-point numbers can hold; clamp it as in training, or "
            f"leave out the point."
        )
    if abs(extreme) > _LARGEST_LOG_VARIANCE:
        checks.append(Check("log variance", "warning", f"{where}, beyond ±{_LARGEST_LOG_VARIANCE:g}."))
    elif bool((log_variance >= 0).all()):
        checks.append(
            Check(
                "log variance",
                "warning",
                f"All log variances are positive, {float(log_variance.min()):.3g} to "
                f"{float(log_variance.max()):.3g}: q(z|x) would be wider than N(0, I) everywhere. If encode "
                f"returns variances or standard deviations, write (mean, variance.log()) or (mean, 2 * "
                "sigma.log()).",
            )
        )
    if len(x) > 1:
        active = int((mean.double().var(0) > _ACTIVE_ABOVE).sum())
        if active:
            sentence = f"{active} of {vae.latent_dim} latent units are active (their mean varies with x)."
            checks.append(Check("active units", "passed", sentence))
        else:
            checks.append(
                Check(
                    "active units",
                    "warning",
                    "No latent unit is active: the posterior has collapsed to the prior, so that all gaps are "
                    "trivially near zero and say nothing of the encoder.",
                )
            )
    return checks


def _samples(vae: Vae, some: Tensor, rng: torch.Generator) -> Tensor:
    """Return one z for each row [B, d]."""
    moments = vae.encoded(some)
    if moments is None:
        z, log_q = vae.sampled(some, 2, rng)
        if not bool(torch.isfinite(z).all() & torch.isfinite(log_q).all()):
            raise UserError(
                "Samples of q(z|x) or their log densities are not finite; look at the weights behind them."
            )
        return z[:, 0]
    mean, log_variance = moments
    noise = torch.randn(mean.shape, generator=rng, device=mean.device, dtype=mean.dtype)
    return mean + (0.5 * log_variance).exp() * noise


def _decoder(vae: Vae, some: Tensor, z: Tensor) -> list[Check]:
    checks = []
    with torch.no_grad():
        if vae.decode is not None and vae.likelihood is not None:
            decoded = _require_function("decode", vae.decoded, z, "z")
            for tensor in decoded if isinstance(decoded, tuple | list) else (decoded,):
                if isinstance(tensor, Tensor) and not bool(torch.isfinite(tensor).all()):
                    raise UserError(
                        "decode returns values that are not finite for samples of q(z|x); look at the "
                        "weights of the decoder, and whether z is what it was trained with."
                    )
            value = vae.likelihood.log_prob(some, decoded)
            if sentence := vae.likelihood.suspicion(decoded):
                raise UserError(sentence)
            checks += _residuals(vae, some, decoded)
        value = vae.log_joint_rows(some, z)
    if bool(torch.isnan(value).any()):
        raise UserError(
            "log p(x, z) is not a number at samples of q(z|x); look at the likelihood, the prior and x for "
            "values that they do not allow."
        )
    with torch.enable_grad():
        leaf = z[:1].detach().requires_grad_()
        value = vae.log_joint_rows(some[:1], leaf).sum()
        gradient = torch.autograd.grad(value, leaf, allow_unused=True)[0] if value.requires_grad else None
    if gradient is None:
        raise UserError(
            "log p(x, z) has no gradient with respect to z, without which no q* can be found; let decode "
            "keep the graph (no torch.no_grad, no detach, no numpy in it)."
        )
    if vae.decode is not None and vae.prior is not None:
        with torch.enable_grad():
            decoded = vae.decoded(leaf)
            first = decoded[0] if isinstance(decoded, tuple | list) else decoded
            if isinstance(first, Tensor) and not first.requires_grad:
                raise UserError(
                    "What decode returns has no gradient with respect to z, without which no q* can be found; let "
                    "decode keep the graph (no torch.no_grad, no detach, no numpy in it)."
                )
    if not bool(torch.isfinite(gradient).all()):
        raise UserError(
            "The gradient of log p(x, z) with respect to z is not finite at a sample of q(z|x); look at "
            "the decoder and the likelihood for logarithms of zero (Bernoulli() of logits has none)."
        )
    return [*checks, Check("decoder", "passed", "decode is a differentiable function of each z alone.")]


def _residuals(vae: Vae, some: Tensor, decoded: Any) -> list[Check]:
    assert vae.likelihood is not None
    residuals = vae.likelihood.residuals(some, decoded)
    if residuals is None:
        return []
    size = float(residuals.double().square().mean().sqrt())
    if _RESIDUALS[0] <= size <= _RESIDUALS[1]:
        return []
    return [
        Check(
            "sigma",
            "warning",
            f"Errors of reconstruction are {size:.3g} times the sigma of the likelihood, where a sigma that "
            f"fits the data gives about 1: check sigma, unless the model was trained with just this one. "
            f"Gaps depend on it, and no other check can see it.",
        )
    ]


def _prior(vae: Vae, z: Tensor) -> list[Check]:
    if vae.given_prior is not None or not isinstance(vae.prior, StandardNormal):
        return []
    words = ("prior", "pseudo", "vamp")
    named = [name for name, _ in vae.modules.tensors() if any(word in name.lower() for word in words)]
    if named:
        return [
            Check(
                "prior",
                "warning",
                f"The model has weights named {named[0]}, but prior=None means N(0, I); if it has a prior "
                f"of its own, give it as prior=, for a VampPrior gaps.GaussianMixture(mean, log_variance) "
                "at the pseudo-inputs.",
            )
        ]
    size = float(z.double().square().mean().sqrt())
    if len(z) >= 2 and (size > math.sqrt(_AGGREGATE) or size < 1 / math.sqrt(_AGGREGATE)):
        return [
            Check(
                "prior",
                "warning",
                f"Samples of q(z|x) have a root mean square of {size:.3g} over all x, where those of N(0, "
                f"I) have 1; check whether the prior is N(0, I), and whether encode gives log variances.",
            )
        ]
    return [
        Check("prior", "passed", "Samples of q(z|x), over all x, are about as large as those of N(0, I).")
    ]
