"""Progress of long stages: a bar in a terminal, a line now and then in a log file."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from tqdm import tqdm

from inference_gaps.numerics.progress import Report

__all__ = ["progress_bar", "reported"]

_LOG_INTERVAL_SECONDS = 15.0


class _Log:
    """Standard error, as far as it can be written: a full disk under a log must not end a job of hours."""

    def write(self, text: str) -> None:
        """Write, or do without."""
        with suppress(OSError):
            sys.stderr.write(text)

    def flush(self) -> None:
        """Flush, or do without."""
        with suppress(OSError):
            sys.stderr.flush()

    def isatty(self) -> bool:
        """Say whether a person is looking."""
        return sys.stderr.isatty()


@contextmanager
def progress_bar(total: int | None, description: str, unit: str, **options: Any) -> Iterator[tqdm]:
    """Yield a ``tqdm`` bar on standard error that shows rate, time left, and what ``set_postfix_str`` gets."""
    terminal = sys.stderr.isatty()
    with tqdm(
        total=total,
        desc=description,
        unit=unit,
        dynamic_ncols=terminal,
        mininterval=0.2 if terminal else _LOG_INTERVAL_SECONDS,
        maxinterval=10.0 if terminal else 4 * _LOG_INTERVAL_SECONDS,
        file=_Log(),
        **options,
    ) as bar:
        yield bar


@contextmanager
def reported(description: str, unit: str) -> Iterator[Report]:
    """Yield what a function of the library reports to; a bar shows it."""
    with progress_bar(None, description, unit) as bar:

        def report(done: int, total: int, note: str) -> None:
            bar.total = total
            bar.set_postfix_str(note, refresh=False)
            bar.update(done - bar.n)

        yield report
