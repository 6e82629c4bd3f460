"""Starting the server of a run."""

import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from inference_gaps.replication.warm.client import SERVER

__all__ = ["ONE_THREAD", "SWITCH", "start_server"]

SWITCH = "INFERENCE_GAPS_WARM"
"""The environment variable that is ``no`` where all jobs are to run cold."""

_LIBRARIES = ("OMP", "GOTO", "OPENBLAS", "MKL", "NUMEXPR")
ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in _LIBRARIES} | {"VECLIB_MAXIMUM_THREADS": "1"}
"""What Snakemake sets for a job with one thread. A job with more has another environment, and runs cold."""


def start_server(log: Path) -> None:
    """Start a server for the jobs that this process, or what it becomes, will start; it ends with the run.

    Jobs find it by the environment variable :data:`~.client.SERVER`. Where there is none, they
    run cold.

    Args:
        log: where the server says why a job ran cold.
    """
    os.environ.pop(SERVER, None)
    if sys.platform != "linux" or not hasattr(os, "pidfd_open") or os.environ.get(SWITCH) == "no":
        return
    listening = socket.socket(socket.AF_UNIX)
    try:
        path = _bound(listening)
    except OSError as error:
        listening.close()
        log.write_text(f"All jobs run cold: {tempfile.gettempdir()} cannot hold a socket ({error}).\n")
        return
    # The end for writing is kept for the rest of the run, and closed by whatever ends it.
    lifeline, kept = os.pipe()
    os.set_inheritable(kept, True)
    with listening, log.open("wb") as said:
        listening.listen(64)
        os.environ[SERVER] = path
        descriptors = [listening.fileno(), lifeline]
        subprocess.Popen(
            [
                sys.executable,
                "-P",
                "-m",
                "inference_gaps.replication.warm.server",
                path,
                *map(str, descriptors),
            ],
            env={**os.environ, **ONE_THREAD},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            pass_fds=descriptors,
            # A Ctrl-C in the terminal is for the run, which passes it on.
            start_new_session=True,
        )
    os.close(lifeline)


def _bound(listening: socket.socket) -> str:
    """Bind a socket in a new folder for temporary files and return its path.

    Raises:
        OSError: there is no such folder, or its path is too long for a socket.
    """
    folder = tempfile.mkdtemp(prefix="inference-gaps-")
    path = os.path.join(folder, "socket")
    try:
        listening.bind(path)
    except OSError:
        os.rmdir(folder)
        raise
    return path
