"""The owner's own ELBO beside ours: whether they agree, and what the difference looks like if not."""

import math

import torch
from torch import Tensor

from inference_gaps.bounds.importance import Bound
from inference_gaps.foreign.likelihoods.continuous import Gaussian
from inference_gaps.foreign.probes import Check
from inference_gaps.foreign.vae import Vae
from inference_gaps.numerics.device import random_generator

__all__ = ["compare"]

_APART = 4.0
_ROUNDING = 1.0e-5
_SAMPLES = 16
_ALIKE = 0.02


def compare(ours: Bound, samples: int, theirs: Tensor | None, vae: Vae, x: Tensor) -> Check:
    """Compare two estimates of the mean ELBO at the same points.

    Args:
        ours: at each point [B].
        samples: behind each of ours.
        theirs: the owner's, a mean or [B], for which each point is taken to have had one sample of q(z|x).
        vae: the model.
        x: data [B, ...].
    """
    if theirs is None:
        return Check(
            "elbo",
            "note",
            "elbo= was not given: your own ELBO at these points is the strongest check of likelihood, prior and "
            "constants.",
        )
    points = len(ours.value)
    mean, given = float(ours.value.mean()), float(theirs.mean())
    error = float(ours.standard_error.square().sum().sqrt()) / points
    # The error of a mean of k values is their standard deviation / sqrt(k).
    allowed = _APART * error * math.sqrt(1 + samples) + _ROUNDING * abs(mean)
    difference = mean - given
    if abs(difference) <= allowed:
        return Check(
            "elbo",
            "passed",
            f"Your ELBO {given:.3f} and ours {mean:.3f} agree (a difference of up to {allowed:.3f} is noise).",
        )
    looks = _explanation(given, vae, x, allowed)
    advice = (
        f"It looks like {looks}."
        if looks
        else "Compare likelihood, sigma, prior and constants with your training."
    )
    return Check(
        "elbo",
        "warning",
        f"Your ELBO is {given:.3f} and ours {mean:.3f}, a difference of {difference:+.3f} nats where "
        f"{allowed:.3f} would be noise: this description is not the model that you trained. {advice}",
    )


@torch.no_grad()
def _terms(vae: Vae, x: Tensor) -> tuple[Tensor, Tensor] | None:
    """Return the means of log p(x|z) and of log q - log p(z), each [B]; None where the first is not known."""
    if vae.likelihood is None or vae.prior is None:
        return None
    rng = random_generator(0, x.device, stream=11)
    rows = max(1, vae.rows or 64)
    likelihood, divergence = [], []
    for some in x.split(rows):
        moments = vae.encoded(some)
        sums = [torch.zeros(len(some), dtype=torch.float64) for _ in range(2)]
        for _ in range(_SAMPLES):
            if moments is None:
                drawn, density = vae.sampled(some, 1, rng)
                z, log_q = drawn[:, 0], density[:, 0]
            else:
                mean, log_variance = moments
                noise = torch.randn(mean.shape, generator=rng, device=mean.device, dtype=mean.dtype)
                z = mean + (0.5 * log_variance).exp() * noise
                log_q = -0.5 * (noise.square() + log_variance + math.log(2 * math.pi)).sum(1)
            sums[0] += vae.likelihood.log_prob(some, vae.decoded(z)).double().cpu() / _SAMPLES
            sums[1] += (log_q - vae.prior.log_prob(z)).double().cpu() / _SAMPLES
        likelihood.append(sums[0])
        divergence.append(sums[1])
    return torch.cat(likelihood), torch.cat(divergence)


def _explanation(given: float, vae: Vae, x: Tensor, allowed: float) -> str | None:
    terms = _terms(vae, x)
    dimension = x[0].numel()
    if terms is None:
        return None
    likelihood, divergence = float(terms[0].mean()), float(terms[1].mean())
    elbo = likelihood - divergence
    half = 0.5 * dimension * math.log(2 * math.pi)
    candidates = {
        "the constant D/2 log 2π of the Gaussian, which you leave out": elbo + half,
        "the negative, a loss in place of a bound": -elbo,
        "a mean over the D elements of x in place of their sum": likelihood / dimension - divergence,
        "the ELBO divided by the number of elements of x": elbo / dimension,
        "bits per dimension": -elbo / dimension / math.log(2),
        "bits in place of nats": elbo / math.log(2),
        "a sum over data points in place of their mean": elbo * len(x),
        "log p(x|z) alone, without the KL": likelihood,
    }
    if isinstance(vae.likelihood, Gaussian):
        candidates["squared errors without their factor 1/2 (and without the constant)"] = (
            2 * (likelihood + half) - divergence
        )
        if vae.likelihood.sigma is not None:
            log_sigma = float(vae.likelihood.sigma.double().log().mean()) * dimension
            constants = "all constants of the Gaussian, D/2 log 2π + D log sigma, which you leave out"
            candidates[constants] = elbo + half + log_sigma
            sigma = float(vae.likelihood.sigma.double().mean())
            if abs(sigma - 1) > _ALIKE:
                unit = (likelihood + half + log_sigma) * sigma**2
                candidates["sigma=1 (a loss of squared errors / 2) in your ELBO"] = unit - half - divergence
                candidates["sigma=1 in your ELBO, without its constant D/2 log 2π"] = unit - divergence
    best = min(candidates, key=lambda name: abs(candidates[name] - given))
    near = max(allowed, _ALIKE * abs(given), 1e-3)
    return best if abs(candidates[best] - given) <= near else None
