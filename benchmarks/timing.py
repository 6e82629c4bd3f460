"""Two processes that take turns, the rate of matrix products in between, and what a comparison came to.

Ours and plain code run in a process each, because a stage changes how its process keeps memory, and plain code
must not gain by it. They never run at the same time. With one thread a time is that of the processor, which leaves
out what other programs took from it. It is still noisy on a shared machine, so ratios are taken within each turn,
and their median and range are given.
"""

import multiprocessing
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Self

import torch

from inference_gaps.bounds.importance import Bound
from inference_gaps.numerics.device import keep_freed_memory

__all__ = ["PRODUCTS", "Comparison", "Outcome", "Turns", "clock", "product_rate", "timed"]

# Rows, inputs and outputs of products: a training batch and a block of samples, through the layers of the decoder.
PRODUCTS = [
    (rows, *layer) for rows in (100, 512) for layer in ((50, 200), (200, 200), (200, 784), (784, 200))
]
_SECONDS = 0.02


def clock() -> float:
    """Return the seconds that this process has computed; with several threads, those on the clock."""
    return time.process_time() if torch.get_num_threads() == 1 else time.perf_counter()


@dataclass(frozen=True)
class Outcome:
    """What a call took, and what it estimated for each data point, in nats, perhaps with Monte-Carlo errors."""

    seconds: float
    values: list[float] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)


def timed(work: Callable[[], Bound | torch.Tensor | None]) -> Outcome:
    """Time one call."""
    started = clock()
    result = work()
    seconds = clock() - started
    if isinstance(result, Bound):
        return Outcome(seconds, result.value.tolist(), result.standard_error.tolist())
    return Outcome(seconds, [] if result is None else result.double().tolist())


def product_rate(precision: str, shape: tuple[int, int, int] = (512, 784, 200)) -> float:
    """Return multiplications and additions per second of products of ``shape`` (rows, inputs, outputs)."""
    rows, inputs, outputs = shape
    dtype = getattr(torch, precision)
    left, right = torch.rand(rows, inputs).to(dtype), torch.rand(inputs, outputs).to(dtype)
    rates: list[float] = []
    end = clock() + 5 * _SECONDS
    while clock() < end or len(rates) < 3:
        started, count = clock(), 0
        while clock() < started + _SECONDS or not count:
            torch.mm(left, right)
            count += 1
        rates.append(2.0 * rows * inputs * outputs * count / (clock() - started))
    return statistics.median(rates)


@dataclass(frozen=True)
class Comparison:
    """Turns of ours and of a baseline.

    Attributes:
        ours: what each turn of ours gave.
        theirs: what each turn of the baseline gave.
        rates: operations per second of matrix products in each turn.
    """

    ours: list[Outcome]
    theirs: list[Outcome]
    rates: list[float]

    @property
    def ratios(self) -> list[float]:
        """How many times faster ours was, turn by turn."""
        return [plain.seconds / mine.seconds for mine, plain in zip(self.ours, self.theirs)]

    def per_second(self, amount: float) -> tuple[float, float]:
        """Return the median rates of ours and of the baseline, of ``amount`` per call."""
        mine, plain = (
            amount / statistics.median(each.seconds for each in of) for of in (self.ours, self.theirs)
        )
        return mine, plain

    def share(self, operations: float) -> float:
        """Return the median share of the rate of products that ours had, with ``operations`` per call."""
        return statistics.median(
            operations / mine.seconds / rate for mine, rate in zip(self.ours, self.rates)
        )

    def difference(self) -> tuple[float, float]:
        """Return the mean of ours less theirs over data points, and the standard error of that, in nats.

        The error is taken from the spread over data points, whose estimates are independent.
        """
        mine, plain = (
            torch.tensor([each.values for each in of], dtype=torch.float64) for of in (self.ours, self.theirs)
        )
        apart = mine.mean(0) - plain.mean(0)
        return apart.mean().item(), (apart.std() / len(apart) ** 0.5).item()


class Turns:
    """The two processes.

    Args:
        threads: CPU threads of each.
        repetitions: turns of a comparison, after one call of each that does not count.
    """

    def __init__(self, threads: int, repetitions: int) -> None:
        self.repetitions = repetitions
        self._ours, self._plain = (
            ProcessPoolExecutor(
                1, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(threads, keep)
            )
            for keep in (True, False)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ours.shutdown()
        self._plain.shutdown()

    def ours(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function of a module, in the process of ours."""
        return self._ours.submit(work, *arguments).result()

    def plain(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function of a module, in the process of plain code."""
        return self._plain.submit(work, *arguments).result()

    def compare(
        self,
        ours: Sequence[Any],
        theirs: Sequence[Any],
        precision: str = "float32",
        repetitions: int | None = None,
    ) -> Comparison:
        """Call ``ours`` and ``theirs``, each a function and its arguments, in turn."""
        comparison = Comparison([], [], [])
        for turn in range(1 + (repetitions or self.repetitions)):
            mine, plain = self.ours(*ours), self.plain(*theirs)
            rate = self.ours(product_rate, precision)
            if turn:
                comparison.ours.append(mine)
                comparison.theirs.append(plain)
                comparison.rates.append(rate)
        return comparison


def _begin(threads: int, keep: bool) -> None:
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(0)
    if keep:
        keep_freed_memory()
