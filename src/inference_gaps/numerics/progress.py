"""How a long computation says how far it is."""

from collections.abc import Callable

__all__ = ["Report", "unheard"]

Report = Callable[[int, int, str], None]
"""Hears how many units of the work are done, how many there are, and what there is to say of the last one."""


def unheard(done: int, total: int, note: str) -> None:
    """Say nothing: a :data:`Report` for whoever does not wait."""
