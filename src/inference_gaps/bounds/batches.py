"""How many rows (points x samples, or points x chains) go through the generator at once."""

from collections.abc import Iterator

import torch

__all__ = ["point_batches", "rows_at_once"]

_CPU_ROWS = 512
_GPU_ROWS = 131072


def rows_at_once(device: torch.device) -> int:
    """Return a number of rows whose activations fit the caches of a CPU, or fill a GPU."""
    return _GPU_ROWS if device.type == "cuda" else _CPU_ROWS


def point_batches(points: int, rows_per_point: int, device: torch.device) -> Iterator[slice]:
    """Yield slices of the points so that each holds about :func:`rows_at_once` rows."""
    size = max(1, rows_at_once(device) // rows_per_point)
    for start in range(0, points, size):
        yield slice(start, min(start + size, points))
