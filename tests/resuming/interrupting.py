"""A process that stops after a number of steps, played in this one: a keeper that writes the record and raises."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch

from inference_gaps.numerics.checkpoint import Checkpoint, KeptCheckpoint, Record
from inference_gaps.replication.jobs.state_file import read_record, write_record

__all__ = ["Stopped", "interrupted_every"]

CPU = torch.device("cpu")
T = TypeVar("T")


class Stopped(Exception):
    """The end of a process."""


class _Stopper:
    def __init__(self, path: Path, steps: int) -> None:
        self.path, self.left = path, steps

    def due(self) -> bool:
        self.left -= 1
        return self.left == 0

    def keep(self, record: Record) -> None:
        write_record(self.path, record, "fingerprint", CPU)
        raise Stopped


def interrupted_every(steps: int, folder: Path, process: Callable[[Checkpoint], T]) -> tuple[T, int]:
    """Run ``process`` again and again, each time for ``steps`` steps of whichever loop, until it returns.

    Returns:
        What the last process returned, and how many were stopped before.
    """
    path, stopped, record = folder / "state", 0, None
    while True:
        try:
            return process(KeptCheckpoint(_Stopper(path, steps), record)), stopped
        except Stopped:
            stopped += 1
            record = read_record(path, "fingerprint", CPU)
