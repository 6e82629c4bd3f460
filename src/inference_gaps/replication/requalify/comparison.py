"""Whether two files hold the same numbers, to the bit."""

import csv
import itertools
from collections.abc import Iterator
from pathlib import Path

__all__ = ["difference"]

# What no code decides.
_TIMES = ("seconds", "images_per_second")


def difference(one: Path, other: Path) -> str | None:
    """Say where two tensor files or tables first differ, times of training aside; ``None`` if they do not."""
    if not (one.is_file() and other.is_file()):
        return None if one.is_file() == other.is_file() else "only one of the two was made"
    return next(_tables(one, other) if one.suffix == ".csv" else _tensors(one, other), None)


def _tensors(one: Path, other: Path) -> Iterator[str]:
    import torch
    from safetensors.torch import load_file

    ours, theirs = load_file(one), load_file(other)
    if set(ours) != set(theirs):
        yield f"it holds other tensors: {', '.join(sorted(set(ours) ^ set(theirs)))}"
        return
    for name, tensor in ours.items():
        if tensor.dtype != theirs[name].dtype or tensor.shape != theirs[name].shape:
            yield f"{name} has another type or shape"
            continue
        bits = [each.contiguous().reshape(-1).view(torch.uint8) for each in (tensor, theirs[name])]
        if not torch.equal(*bits):
            yield f"{name} differs"


def _tables(one: Path, other: Path) -> Iterator[str]:
    for index, (ours, theirs) in enumerate(itertools.zip_longest(_rows(one), _rows(other))):
        if ours is None or theirs is None or list(ours) != list(theirs):
            yield f"line {index + 2} has other columns, or is in one file alone"
            return
        for column in ours:
            if column not in _TIMES and not _same(ours[column], theirs[column]):
                yield f"{column} of line {index + 2} is {ours[column]}, and was {theirs[column]}"


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(line for line in file if not line.startswith("#"))


def _same(one: str, other: str) -> bool:
    try:
        return one == other or float(one).hex() == float(other).hex()
    except ValueError:
        return False
