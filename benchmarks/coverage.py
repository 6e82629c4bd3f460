"""How often intervals of estimates from importance weights cover, on weights whose mean is known.

  python -m benchmarks.coverage

Weights are those of AIS as one finds them (log-normal), of a Gaussian q that is wider than a Gaussian
posterior, and of one that is so narrow that its weights have no variance. A study is 100 data points; its
error is 0 minus the mean of their log mean weights. Printed per kind: median effective sample size, share of
points at which enough weights count, the mean error, and how often 1.96 errors cover it: by the plain
standard error, and by the one that is printed.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from inference_gaps.bounds.importance import log_mean_weight
from inference_gaps.summary.intervals import monte_carlo_standard_error
from inference_gaps.summary.trust import MOST_UNTRUSTED, mean_error, trusted

_POINTS, _STUDIES = 100, 300
_DIMENSIONS = 10

Draw = Callable[[torch.Generator, int, int], Tensor]


def _log_normal(spread: float) -> Draw:
    def draw(rng: torch.Generator, points: int, weights: int) -> Tensor:
        return spread * torch.randn(points, weights, generator=rng, dtype=torch.float64) - spread**2 / 2

    return draw


def _gaussian(variance: float) -> Draw:
    """log p(z) / q(z) for p = N(0, I) and q = N(0, variance I) in ten dimensions."""

    def draw(rng: torch.Generator, points: int, weights: int) -> Tensor:
        shape = torch.full((points, weights), _DIMENSIONS / 2, dtype=torch.float64)
        squared = 2 * variance * torch._standard_gamma(shape, generator=rng)
        return 0.5 * (squared / variance - squared + _DIMENSIONS * np.log(variance))

    return draw


_KINDS: list[tuple[str, int, Draw]] = [
    ("log-normal, 0.5", 16, _log_normal(0.5)),
    ("log-normal, 0.7", 16, _log_normal(0.7)),
    ("log-normal, 1.5", 16, _log_normal(1.5)),
    ("log-normal, 3", 16, _log_normal(3.0)),
    ("log-normal, 1", 1000, _log_normal(1.0)),
    ("log-normal, 1.7", 1000, _log_normal(1.7)),
    ("log-normal, 3", 1000, _log_normal(3.0)),
    ("log-normal, 5", 1000, _log_normal(5.0)),
    ("q wider (variance 2.5)", 1000, _gaussian(2.5)),
    ("q narrower (variance 0.6)", 1000, _gaussian(0.6)),
    ("q far narrower (variance 0.4)", 1000, _gaussian(0.4)),
    ("q far narrower (variance 0.25)", 1000, _gaussian(0.25)),
]


def main() -> None:
    """Simulate and print a table in Markdown."""
    print("| weights | k | median ESS | enough | error of the mean | plain | printed |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name, weights, draw in _KINDS:
        rng = torch.Generator().manual_seed(0)
        sizes, enough, errors, plain, printed = [], [], [], [], []
        for _ in range(_STUDIES):
            bound = log_mean_weight(draw(rng, _POINTS, weights))
            error = bound.standard_error.numpy()
            sizes.append(bound.effective_sample_size.median().item())
            enough.append(trusted(bound.effective_sample_size.numpy(), error).mean())
            errors.append(bound.value.mean().item())
            plain.append(abs(errors[-1]) <= 1.96 * monte_carlo_standard_error(error))
            printed.append(abs(errors[-1]) <= 1.96 * mean_error(error))
        loose = np.mean(enough) < 1 - MOST_UNTRUSTED
        print(
            f"| {name} | {weights} | {np.median(sizes):.0f} | {np.mean(enough):.0%} | {np.mean(errors):+.3f} | "
            f"{np.mean(plain):.0%} | {'none: loose' if loose else f'{np.mean(printed):.0%}'} |"
        )


if __name__ == "__main__":
    main()
