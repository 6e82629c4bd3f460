"""What each data point gives, a few points at a time, so that memory does not grow with their number."""

from collections.abc import Callable

import torch
from torch import Tensor

from inference_gaps.bounds.batches import point_batches

__all__ = ["by_points"]


def by_points(
    work: Callable[[slice], Tensor], points: int, rows_per_point: int, device: torch.device
) -> Tensor:
    """Return what ``work`` gives for some of the points [B, ...], for all of them [P, ...].

    Args:
        work: what it gives for a point depends on no other point.
        points: how many there are.
        rows_per_point: of each, how many rows go through the generator together.
        device: where ``work`` computes.
    """
    return torch.cat([work(rows) for rows in point_batches(points, rows_per_point, device)])
