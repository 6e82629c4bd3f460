"""Loops that can be taken up where an earlier process left them.

A function whose work is a loop over small steps takes a :class:`Checkpoint` and lets it count::

    def walk(x, steps, rng, checkpoint=NO_CHECKPOINT):
        path = Path(x)
        for step in checkpoint.loop(path, steps, rng):
            path.x = path.x + torch.randn(3, generator=rng)
        return path.x

``path`` says by ``state_dict`` and ``load_state_dict``, as modules and optimisers of PyTorch do, what the body
needs from the steps before. With :data:`NO_CHECKPOINT` this is a plain ``range``. With a :class:`KeptCheckpoint`,
the state and that of the generators may be saved between any two steps, and where an earlier process left such a
record, the loop starts from there.

What a body does in loops of its own is a ``part`` of it. A part is kept while the step that it belongs to is
unfinished; everything before it in that step is done again, with the random numbers that it had.
"""

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import torch

__all__ = [
    "NO_CHECKPOINT",
    "Checkpoint",
    "Keeper",
    "KeptCheckpoint",
    "Record",
    "Results",
    "State",
    "Stateful",
    "numbered",
    "position",
]

State = dict[Any, Any]
"""Tensors, numbers, strings, None, and dicts, lists and tuples of these."""

Record = dict[str, Any]
"""What a :class:`KeptCheckpoint` needs to go on; a :data:`State`, too."""

Where = Callable[[int], str]
"""Names a step of a loop for people."""


class Stateful(Protocol):
    """What changes from step to step of a loop."""

    def state_dict(self) -> State:
        """Return all that later steps need; lists that grow are copied, tensors need not be."""

    def load_state_dict(self, state: State, /) -> Any:
        """Take over what :meth:`state_dict` returned in an earlier process."""


class Results(list[State]):
    """What the steps of a loop returned, one after the other."""

    def state_dict(self) -> State:
        """See :class:`Stateful`."""
        return {"results": list(self)}

    def load_state_dict(self, state: State) -> None:
        """See :class:`Stateful`."""
        self[:] = state["results"]

    def joined(self, name: str) -> Any:
        """Return tensors of the results, or dictionaries of tensors, joined along the first dimension."""
        return _joined([result[name] for result in self])


def _joined(parts: list[Any]) -> Any:
    if isinstance(parts[0], torch.Tensor):
        return torch.cat(parts)
    return {name: _joined([part[name] for part in parts]) for name in parts[0]}


def numbered(unit: str) -> Where:
    """Return what calls step 0 of a loop, for instance, ``batch 1``."""
    return lambda step: f"{unit} {step + 1}"


_STEP = numbered("step")


class Checkpoint:
    """Counts steps and keeps nothing."""

    def loop(
        self, state: Stateful, total: int, *generators: torch.Generator, where: Where = _STEP
    ) -> Iterator[int]:
        """Yield the numbers of the steps that are still to be done, of 0 to ``total`` - 1.

        Args:
            state: what the body changes. It may change only in the body of the step, and after the parts of that
                step are through.
            total: number of steps.
            generators: all that the body draws from.
            where: how to call a step when a person is told where the job went on.
        """
        return iter(range(total))

    def part(self, name: str) -> "Checkpoint":
        """Return the checkpoint of a loop within the present step."""
        return self


NO_CHECKPOINT = Checkpoint()


class Keeper(Protocol):
    """Decides when a record is kept."""

    def due(self) -> bool:
        """Return whether to keep a record now; asked after every step, so it has to be quick."""

    def keep(self, record: Record) -> None:
        """Keep ``record``; an exception ends the job here."""


class KeptCheckpoint(Checkpoint):
    """A checkpoint whose state, with that of its parts, a :class:`Keeper` keeps.

    Args:
        keeper: asked after every step.
        record: of an earlier process, or empty.
    """

    def __init__(self, keeper: Keeper, record: Record | None = None) -> None:
        self._keeper, self._earlier = keeper, record or {}
        self._root = self
        self._parts: dict[str, KeptCheckpoint] = {}
        self._state: Stateful | None = None
        self._end: State | None = None
        self._step, self._random, self._where = 0, list[torch.Tensor](), ""

    def part(self, name: str) -> "KeptCheckpoint":
        """See :meth:`Checkpoint.part`."""
        if name not in self._parts:
            part = KeptCheckpoint(self._keeper, self._earlier.get("parts", {}).get(name))
            part._root = self._root
            self._parts[name] = part
        return self._parts[name]

    def loop(
        self, state: Stateful, total: int, *generators: torch.Generator, where: Where = _STEP
    ) -> Iterator[int]:
        """See :meth:`Checkpoint.loop`."""
        first = self._take_up(state, generators)
        self._at(first, total, generators, where)
        self._state = state
        try:
            for step in range(first, total):
                yield step
                self._parts.clear()
                self._earlier = {}
                self._at(step + 1, total, generators, where)
                if self._keeper.due():
                    self._keeper.keep(self._root.record())
        except GeneratorExit:
            # The body said break: as far as the loop is concerned, all is done.
            self._at(total, total, generators, where)
            raise
        # What comes after the loop may go on changing the object, and is not part of the loop.
        self._end = state.state_dict()

    def _take_up(self, state: Stateful, generators: tuple[torch.Generator, ...]) -> int:
        if "state" not in self._earlier:
            return 0
        state.load_state_dict(self._earlier["state"])
        for generator, random in zip(generators, self._earlier["random"], strict=True):
            generator.set_state(random)
        first = self._earlier["step"]
        # Its parts are still to be taken up; the rest may be large.
        self._earlier = {"parts": self._earlier["parts"]}
        return first

    def _at(self, step: int, total: int, generators: tuple[torch.Generator, ...], where: Where) -> None:
        self._step, self._random = step, [generator.get_state() for generator in generators]
        self._where = where(step) if step < total else ""

    def record(self) -> Record:
        """Return what another process needs to go on from here."""
        record: Record = {"parts": {name: part.record() for name, part in self._parts.items()}}
        if self._state is not None:
            record |= {
                "state": self._state.state_dict() if self._end is None else self._end,
                "step": self._step,
                "random": self._random,
                "where": self._where,
            }
        return record


def position(record: Record) -> str:
    """Return where a record goes on, in words: of the loop, and of the last of its parts that is unfinished."""
    inner = [position(part) for part in record["parts"].values()]
    return ", ".join(word for word in (record.get("where", ""), *inner[-1:]) if word)
