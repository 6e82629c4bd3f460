"""One run at a time in a folder, and none that was killed in the way of the next.

Snakemake's own locks are files, which stay when it is killed. This one is of the operating system, and ends with
the process that holds it, however it ends. So whoever holds it knows that a lock of Snakemake's is out of date.
"""

import contextlib
import errno
import fcntl
import os
import shutil
from pathlib import Path

from inference_gaps.errors import UserError

__all__ = ["begin_run", "hold_run", "refuse_while_running", "running"]

_NAME = "run.lock"


def hold_run(state: Path = Path(".snakemake")) -> bool:
    """Hold the lock of a folder until this process ends; return whether it was free.

    A record lock belongs to the process: what the process becomes keeps it, and the children that it starts do not
    get it, so that a job that outlives a killed run is not in the way of the next. A process that asks again for
    what it holds gets it.

    Args:
        state: the folder of Snakemake's records, which is made where there is none.

    Raises:
        OSError: the folder cannot be written, or its file system has no locks.
    """
    state.mkdir(exist_ok=True)
    if not os.access(state, os.W_OK | os.X_OK):
        # The file may be there from a run of another user.
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(state))
    descriptor = os.open(state / _NAME, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        os.close(descriptor)
        return False
    # Never closed: to close any descriptor of the file would give up the lock.
    os.set_inheritable(descriptor, True)
    os.ftruncate(descriptor, 0)
    os.write(descriptor, str(os.getpid()).encode())
    return True


def running(state: Path = Path(".snakemake")) -> str:
    """Say which process holds a lock that was not free: ``process 123``, or ``another process``."""
    try:
        number = (state / _NAME).read_text(encoding="ascii")
    except (OSError, ValueError):
        number = ""
    return f"process {number}" if number.isdecimal() else "another process"


def refuse_while_running(outcome: str) -> None:
    """Hold the lock of this folder until this process ends.

    Args:
        outcome: how the sentence ends that refuses.

    Raises:
        UserError: a run is going on, or the folder cannot be locked.
    """
    try:
        free = hold_run()
    except OSError as error:
        raise UserError(
            f"this folder cannot be locked ({error.strerror}); make it writable. {outcome}"
        ) from error
    if not free:
        raise UserError(
            f"a run is going on in this folder ({running()}); wait until it has ended, or stop it. {outcome}"
        )


def begin_run(state: Path = Path(".snakemake")) -> bool:
    """Hold the lock if it is free, and then remove Snakemake's own locks; return whether there were any.

    Where it is not free, or the folder has no locks, Snakemake's own decide.
    """
    locks = state / "locks"
    with contextlib.suppress(OSError):
        if hold_run(state) and locks.is_dir() and any(locks.iterdir()):
            shutil.rmtree(locks)
            return True
    return False
