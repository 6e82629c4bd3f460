"""What is printed reaches whoever reads it: in the encoding of the terminal, and until the reader goes away."""

import codecs
import contextlib
import os
import sys
from collections.abc import Iterator

__all__ = ["CLOSED", "readable_output"]

CLOSED = 141
"""The exit status of a command whose reader went away, as shells count SIGPIPE."""

_PLAIN = {
    "−": "-", "–": "-", "—": "-", "×": "x", "÷": "/", "±": "+-", "≤": "<=", "≥": ">=", "≈": "~", "…": "...",
    "·": "*", "→": "->", "½": "1/2", "²": "^2", "∞": "inf", "“": '"', "”": '"', "’": "'", "‘": "'",
}  # fmt: skip


def _plain(error: UnicodeError) -> tuple[str, int]:
    """Return what stands for characters that an encoding lacks."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(
        _PLAIN.get(character, "?") for character in error.object[error.start : error.end]
    ), error.end


@contextlib.contextmanager
def readable_output() -> Iterator[None]:
    """Let the standard output of the block be written in any encoding.

    Raises:
        BrokenPipeError: whoever read the output reads no more; nothing more is written to it.
    """
    codecs.register_error("plain", _plain)
    # Tests put something else in its place.
    if isinstance(getattr(sys.stdout, "errors", None), str) and hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="plain")
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        # What is left in the buffer would be written once more at the end.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise
