"""Run Snakemake in this folder: one run at a time, and without unlocking by hand after one that was killed.

    python scripts/run_snakemake.py ARGUMENTS OF SNAKEMAKE

The run holds a lock of the operating system, which ends with it however it ends; Snakemake's own lock is a file,
which stays when Snakemake is killed. So while this lock is held, a lock of Snakemake's is out of date, unless
somebody has called Snakemake directly: its processes in this folder are looked for.
"""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import psutil

from inference_gaps.replication.warm.start import start_server

__all__ = ["main"]

_STATE = Path(".snakemake")
_SNAKEMAKE = str(Path(sys.executable).parent / "snakemake")


def _lock() -> int | None:
    """Return the descriptor of the locked file, or None if another run holds the lock.

    A record lock belongs to the process: Snakemake, which takes this process over, keeps it, and its jobs do not
    get it, so that a job that outlives a killed Snakemake is not in the way of the next run.
    """
    _STATE.mkdir(exist_ok=True)
    descriptor = os.open(_STATE / "run.lock", os.O_RDWR | os.O_CREAT, 0o666)
    os.set_inheritable(descriptor, True)
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _direct_runs() -> list[int]:
    """Return the process numbers of Snakemakes that somebody started in this folder without the lock."""
    here, found = os.getcwd(), []
    for process in psutil.process_iter():
        try:
            words = [Path(word).name for word in process.cmdline()[:2]]
            if process.pid != os.getpid() and "snakemake" in words and process.cwd() == here:
                found.append(process.pid)
        except psutil.Error:
            continue  # It has ended meanwhile, or belongs to somebody else.
    return found


def main(arguments: list[str]) -> int:
    """Become Snakemake with ``arguments``, or return an exit status."""
    try:
        held = _lock() is not None
    except OSError as error:
        print(
            f"snakemake: {_STATE.resolve()} cannot be locked ({error.strerror}); make this folder writable.",
            file=sys.stderr,
        )
        return 1
    running = _direct_runs() if held else []
    if not held or running:
        which = f" (process {', '.join(map(str, running))})" if running else ""
        print(
            f"snakemake: another run is going on in this folder{which}; wait until it has ended, or stop it. "
            f"Nothing was started.",
            file=sys.stderr,
        )
        return 1
    locks = _STATE / "locks"
    if locks.is_dir() and any(locks.iterdir()):
        print("The last run was killed; what it was making goes on from where it was.", flush=True)
        unlocked = subprocess.run([_SNAKEMAKE, "--unlock", "--quiet", "all"], capture_output=True, text=True)
        if unlocked.returncode:
            print(unlocked.stderr, end="", file=sys.stderr)
            return unlocked.returncode
    start_server(_STATE / "warm.log")
    os.execv(_SNAKEMAKE, [_SNAKEMAKE, *arguments])
    raise AssertionError("execv does not return")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
