"""How many rows (points x samples, or points x chains) go through the generator at once."""

from collections.abc import Callable, Iterator

import torch

from inference_gaps.numerics.checkpoint import Checkpoint, Results, State, numbered
from inference_gaps.numerics.progress import Report, unheard

__all__ = ["in_batches", "point_batches", "rows_at_once"]

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


def in_batches(
    work: Callable[[slice], State],
    points: int,
    rows_per_point: int,
    rng: torch.Generator,
    checkpoint: Checkpoint,
    report: Report = unheard,
) -> State:
    """Work on the points batch by batch, and join the results.

    Args:
        work: returns tensors [B, ...] by name for some of the points, or dictionaries of such.
        points: how many there are.
        rows_per_point: of each, how many rows go through the generator together.
        rng: all that ``work`` draws from.
        checkpoint: where an earlier process may have left this loop.
        report: hears after each batch how many points are done.
    """
    batches = list(point_batches(points, rows_per_point, rng.device))
    results = Results()
    for index in checkpoint.loop(results, len(batches), rng, where=numbered("batch")):
        results.append(work(batches[index]))
        report(batches[index].stop, points, "")
    return {name: results.joined(name) for name in results[0]}
