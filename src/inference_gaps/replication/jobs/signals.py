"""Signals that ask a process to end: said in a sentence, with the exit status that shells give."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

__all__ = ["Interrupted", "Received", "interruptible", "noting_signals"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """A signal ended the job; the text is for the user. Not an Exception, so that no handler of those takes it."""

    def __init__(self, number: int, sentence: str) -> None:
        super().__init__(sentence)
        self.number = number

    @property
    def status(self) -> int:
        """The exit status, as shells count: 130 after SIGINT, 143 after SIGTERM."""
        return 128 + self.number


@contextlib.contextmanager
def _handled_by(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # What is ignored stays ignored: nohup, and jobs that a shell put in the background, ask for that.
    heard = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, handler) for number in heard}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Raise :class:`Interrupted` where the block is when a signal asks it to end."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Interrupted(
            number, f"interrupted by {signal.Signals(number).name}; run the same command to go on."
        )

    with _handled_by(stop):
        yield


class Received:
    """The last signal that asked the process to end, or None."""

    number: int | None = None

    @property
    def name(self) -> str:
        """Such as ``SIGTERM``."""
        return signal.Signals(self.number).name if self.number else ""


@contextlib.contextmanager
def noting_signals() -> Iterator[Received]:
    """Note signals instead of ending the block, which looks at what was received where it can stop."""
    received = Received()

    def note(number: int, frame: FrameType | None) -> None:
        received.number = number

    with _handled_by(note):
        yield received
