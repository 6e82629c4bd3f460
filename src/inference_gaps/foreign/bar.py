"""How far a measurement is, for a person who waits."""

import sys
from typing import Any

from tqdm import tqdm

__all__ = ["Bar"]


class Bar:
    """A bar of passes through the decoder."""

    def __init__(self, shown: bool) -> None:
        # In a log, a line now and then.
        often = sys.stderr.isatty()
        self._bar = tqdm(
            total=0,
            unit="pass",
            unit_scale=True,
            disable=not shown,
            leave=False,
            dynamic_ncols=often,
            mininterval=0.1 if often else 15.0,
            maxinterval=10.0 if often else 60.0,
        )

    def __enter__(self) -> "Bar":
        return self

    def __exit__(self, *error: Any) -> None:
        self._bar.close()

    def expect(self, passes: int) -> None:
        """Hear how many there will be."""
        self._bar.total = passes
        self._bar.refresh()

    def count(self, passes: int) -> None:
        """Hear of some more."""
        if self._bar.total and self._bar.n + passes > self._bar.total:
            self._bar.total = self._bar.n + passes
        self._bar.update(passes)

    def say(self, what: str) -> None:
        """Say what is being done."""
        self._bar.set_description(what)
