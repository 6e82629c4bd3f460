"""The pieces in which two states of the code differ."""

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from inference_gaps.replication.requalify.pieces import Code, Piece, Unit

__all__ = ["Changes", "changes"]


@dataclass(frozen=True)
class Changes:
    """What has changed.

    Attributes:
        before: pieces that are no longer there.
        after: pieces that were not there before.
    """

    before: list[Piece]
    after: list[Piece]


def changes(before: Code, after: Code) -> Changes:
    """Return the pieces that only one of two states of the code has.

    A unit is the same as one of its name with the same text, wherever that is: a moved function has not changed.
    Nor has one whose local variables have other names. Other units are compared with one of their name, piece by
    piece in their order.
    """
    old, new = list(before.units), list(after.units)
    _match(old, new, lambda unit: (unit.name, unit.module, unit.digest))
    _match(old, new, lambda unit: (unit.name, unit.digest))
    _match(old, new, lambda unit: (unit.name, unit.digest_renamed))
    found = Changes([], [])
    pairs = _match(old, new, lambda unit: (unit.name, unit.module.rpartition(".")[2]))
    pairs += _match(old, new, lambda unit: unit.name)
    for one, other in pairs:
        _compare(one.pieces, other.pieces, found)
    found.before.extend(piece for unit in old for piece in unit.pieces)
    found.after.extend(piece for unit in new for piece in unit.pieces)
    return found


def _match(old: list[Unit], new: list[Unit], key: Callable[[Unit], object]) -> list[tuple[Unit, Unit]]:
    """Take units that agree in a key out of both lists, two by two, and return them."""
    by_key: dict[object, list[Unit]] = {}
    for unit in old:
        by_key.setdefault(key(unit), []).append(unit)
    pairs = [(found.pop(0), unit) for unit in new if (found := by_key.get(key(unit)))]
    _remove(old, (one for one, _ in pairs))
    _remove(new, (other for _, other in pairs))
    return pairs


def _remove(units: list[Unit], taken: Iterable[Unit]) -> None:
    gone = set(map(id, taken))
    units[:] = [unit for unit in units if id(unit) not in gone]


def _compare(old: list[Piece], new: list[Piece], found: Changes) -> None:
    one, other = ([(piece.place, piece.text) for piece in pieces] for pieces in (old, new))
    for kind, a, b, c, d in difflib.SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if kind != "equal":
            found.before.extend(old[a:b])
            found.after.extend(new[c:d])
