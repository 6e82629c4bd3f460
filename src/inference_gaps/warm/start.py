"""Starting the server of a run."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from inference_gaps.warm.client import SERVER

__all__ = ["SWITCH", "start_server"]

SWITCH = "INFERENCE_GAPS_WARM"
"""The environment variable that is ``no`` where all jobs are to run cold."""

# As Snakemake sets them for a job with one thread. A job with more has another environment, and runs cold.
_THREADS = ("OMP", "GOTO", "OPENBLAS", "MKL", "NUMEXPR")
_ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in _THREADS} | {"VECLIB_MAXIMUM_THREADS": "1"}


def start_server(log: Path) -> None:
    """Start a server for the jobs that this process, or what it becomes, will start; it ends with the run.

    Jobs find it by the environment variable :data:`~inference_gaps.warm.client.SERVER`. Until it has imported
    everything, and wherever there is none, they run cold.

    Args:
        log: where the server says why a job ran cold.
    """
    os.environ.pop(SERVER, None)
    if sys.platform != "linux" or not hasattr(os, "pidfd_open") or os.environ.get(SWITCH) == "no":
        return
    path = Path(tempfile.mkdtemp(prefix="inference-gaps-")) / "socket"
    os.environ[SERVER] = str(path)
    # The end for writing is kept for the rest of the run, and closed by whatever ends it.
    lifeline, kept = os.pipe()
    os.set_inheritable(kept, True)
    with log.open("wb") as said:
        subprocess.Popen(
            [sys.executable, "-P", "-m", "inference_gaps.warm.server", str(path), str(lifeline)],
            env={**os.environ, **_ONE_THREAD},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            pass_fds=[lifeline],
            # A Ctrl-C in the terminal is for the run, which passes it on.
            start_new_session=True,
        )
    os.close(lifeline)
