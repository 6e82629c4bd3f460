"""A run with a server, and jobs of it, as processes of their own."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from inference_gaps.replication.warm.client import SERVER
from inference_gaps.replication.warm.start import ONE_THREAD

__all__ = ["Run", "job", "running", "until"]

_COMMAND = str(Path(sys.executable).parent / "inference-gaps")
_RUN = """
import os, sys
from pathlib import Path
from inference_gaps.replication.warm.client import SERVER
from inference_gaps.replication.warm.start import start_server
start_server(Path(sys.argv[1]))
print(os.environ.get(SERVER), flush=True)
sys.stdin.read()
"""


def until(condition: Callable[[], object]) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + 90
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _environment(**variables: str) -> dict[str, str]:
    # The test runner says in a variable which test is running.
    inherited = {
        name: value for name, value in os.environ.items() if name not in (SERVER, "PYTEST_CURRENT_TEST")
    }
    return {**inherited, **ONE_THREAD, **variables}


def job(arguments: list[str], **variables: str) -> subprocess.Popen[str]:
    """Start a command with the environment of a job, and ``variables``."""
    environment = _environment(**variables)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([_COMMAND, *arguments], env=environment, text=True, **pipes)  # type: ignore[call-overload]


@dataclass
class Run:
    """A run that has a server."""

    process: subprocess.Popen[str]
    socket: str
    log: Path
    server: psutil.Process

    def job(self, arguments: list[str], **variables: str) -> subprocess.Popen[str]:
        """Start a command as a job of the run."""
        return job(arguments, **{SERVER: self.socket, **variables})

    def child(self) -> psutil.Process:
        """Return the one child of the server, once there is one."""
        found: list[psutil.Process] = []
        until(lambda: found.extend(self.server.children()) or found)
        (child,) = found
        return child


@contextlib.contextmanager
def running(folder: Path, **variables: str) -> Iterator[Run]:
    """Start a run with a server; end it with the block."""
    log = folder / "warm.log"
    with subprocess.Popen(
        [sys.executable, "-c", _RUN, str(log)],
        env=_environment(**variables),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        path = process.stdout.readline().strip()
        (server,) = psutil.Process(process.pid).children()
        try:
            yield Run(process, path, log, server)
        finally:
            process.kill()
