"""One process at a time makes an output: a lock that the system takes back however its holder ends."""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from inference_gaps.errors import UserError

__all__ = ["locked"]


def _try(path: Path) -> int | None:
    """Return a descriptor of the locked file, or None while another process holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Its last holder may have removed the file between the two calls: then this locks nothing.
        if os.fstat(descriptor).st_nlink:
            return descriptor
    except BlockingIOError:
        pass
    except OSError:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


@contextlib.contextmanager
def locked(path: Path, wait: Callable[[], None]) -> Iterator[bool]:
    """Hold the lock ``path`` in the block; yield whether another process held it first.

    Args:
        path: a file made for the purpose and removed at the end. One that a killed process left is taken over.
        wait: called again and again while another process holds the lock; it sleeps, or raises to give up.

    Raises:
        UserError: the folder cannot be written, or its file system has no locks.
    """
    waited = False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        while (descriptor := _try(path)) is None:
            waited = True
            wait()
    except OSError as error:
        raise UserError(
            f"Could not lock {path}: {error.strerror}. Make its folder writable, or put it on a file system with "
            f"locks, then run the same command again; nothing was changed."
        ) from error
    try:
        yield waited
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)
