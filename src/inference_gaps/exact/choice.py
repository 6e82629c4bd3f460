"""The choice of a few images among many, by a rule that uses nothing but their gaps."""

import numpy as np
from numpy.typing import NDArray

from inference_gaps.errors import UserError

__all__ = ["LARGEST_APPROXIMATION", "choose_images"]

LARGEST_APPROXIMATION = "largest approximation gap"
_LOWEST, _HIGHEST = 10, 90


def choose_images(
    approximation: NDArray[np.float64], amortization: NDArray[np.float64], count: int
) -> dict[int, str]:
    """Choose images by the quantiles of the amortization gap, and the one with the largest approximation gap.

    All but one of the images lie at evenly spaced percentiles of the amortization gap, from the 10th to the 90th
    (two images: the 50th); the last one is that with the largest approximation gap among the others. Of images in
    the same place, the first is taken.

    Args:
        approximation: gap of each image [P] in nats.
        amortization: gap of each image [P] in nats.
        count: how many to choose.

    Returns:
        Why each was chosen, by its index, in order of the amortization gap, the last one last.

    Raises:
        UserError: there are fewer images than are to be chosen.
    """
    if count > len(amortization):
        raise UserError(
            f"{count} images are to be chosen among {len(amortization)}; lower images, or raise points."
        )
    order = np.argsort(amortization, kind="stable")
    quantiles = [50.0] if count == 2 else np.linspace(_LOWEST, _HIGHEST, count - 1).tolist()
    chosen: dict[int, str] = {}
    for percent in quantiles:
        ranks = np.abs(np.arange(len(order)) - percent / 100 * (len(order) - 1))
        nearest = next(
            int(order[rank]) for rank in np.argsort(ranks, kind="stable") if order[rank] not in chosen
        )
        chosen[nearest] = f"{percent:.0f}th percentile of the amortization gap"
    left = np.where(np.isin(np.arange(len(order)), list(chosen)), -np.inf, approximation)
    chosen[int(np.argmax(left))] = LARGEST_APPROXIMATION
    return chosen
