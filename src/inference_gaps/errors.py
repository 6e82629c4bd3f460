"""Errors that a user can act on, and words for their sentences."""

import errno

__all__ = ["UserError", "counted", "is_out_of_memory"]

# PyTorch raises a plain RuntimeError on a CPU, and an OutOfMemoryError only for its own pool on a GPU.
_MEMORY_WORDS = ("can't allocate memory", "not enough memory", "out of memory", "alloc_failed")


class UserError(Exception):
    """Something a user can correct; its message is one or two whole sentences.

    The message says what is wrong, in which key or file, and what to write or do instead.
    The command line prints it without a traceback and exits with status 1.
    """


def counted(number: int, noun: str) -> str:
    """Return such as ``1 image`` or ``3 images``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}{'es' if noun.endswith('s') else 's'}"


def is_out_of_memory(error: BaseException) -> bool:
    """Say whether ``error`` means that the memory of the machine or of the GPU did not suffice."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    words = str(error).lower()
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(word in words for word in _MEMORY_WORDS)
    )
