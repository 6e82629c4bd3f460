"""What a job of a run with a server does: it hands its command to the server, or runs it in this process.

Imports nothing that takes time. To whoever started it, this process is the job: it passes on the signals that it
gets, it ends as the job ends, and when it is killed, so is the job.
"""

import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

__all__ = ["SERVER", "main"]

SERVER = "INFERENCE_GAPS_SERVER"
"""The environment variable with the path of the server's socket."""

_FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP, signal.SIGCONT)
_LOST = "the process that ran this job has ended unexpectedly; run the same command again."


def main() -> int:
    """Run ``inference-gaps`` and return its exit status."""
    path = os.environ.get(SERVER)
    status = _run_warm(path) if path else None
    if status is not None:
        return status
    from inference_gaps.replication.cli import main as run_here

    return run_here()


def _run_warm(path: str) -> int | None:
    """Have the server at ``path`` run the command; return its exit status, or None if it did not begin."""
    with socket.socket(socket.AF_UNIX) as connection, _passing_on(connection) as passed_on:
        outcome = _outcome(connection) if _handed_over(connection, path) else "cold"
    if outcome == "cold":
        for number in passed_on:
            os.kill(os.getpid(), number)
        return None
    how, _, which = outcome.partition(" ")
    if how == "signal":
        _end_by(int(which))
    if how == "exit":
        return int(which)
    print(f"{' '.join(['inference-gaps', *sys.argv[1:2]])}: {_LOST}", file=sys.stderr)
    return 1


@contextlib.contextmanager
def _passing_on(connection: socket.socket) -> Iterator[list[int]]:
    """Send signals to the server as bytes while the block runs; yield those that came."""
    passed_on: list[int] = []

    def pass_on(number: int, frame: FrameType | None) -> None:
        passed_on.append(number)
        stops = number == signal.SIGTSTP
        with contextlib.suppress(OSError):  # Where the server is gone, so is the job, as `_outcome` finds.
            connection.send(bytes([signal.SIGSTOP if stops else number]))
        if stops:
            os.kill(os.getpid(), signal.SIGSTOP)

    # What is ignored stays ignored, here and in the job.
    heard = [number for number in _FORWARDED if signal.getsignal(number) is not signal.SIG_IGN]
    # To the server, a signal is what comes after the request.
    signal.pthread_sigmask(signal.SIG_BLOCK, heard)
    before = {number: signal.signal(number, pass_on) for number in heard}
    try:
        yield passed_on
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, heard)


def _handed_over(connection: socket.socket, path: str) -> bool:
    try:
        connection.connect(path)
        request = _request()
        sent = socket.send_fds(connection, [request], [0, 1, 2])
        connection.sendall(request[sent:])
    except OSError:
        return False  # There is no server, or not all of what it needs; nothing was begun.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _FORWARDED)
    return True


def _request() -> bytes:
    """Return, as a line of JSON, all of this process that a command can see, but for its open files."""
    umask = os.umask(0o077)
    os.umask(umask)
    ignored = [number for number in signal.valid_signals() if signal.getsignal(number) is signal.SIG_IGN]
    content = {
        "program": [sys.prefix, str(Path(__file__).parents[2])],
        "arguments": sys.argv,
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "umask": umask,
        "ignored": [int(number) for number in ignored],
    }
    return json.dumps(content).encode() + b"\n"


def _outcome(connection: socket.socket) -> str:
    """Return ``cold``, ``exit STATUS`` or ``signal NUMBER``; an empty text if the server is gone."""
    try:
        with connection.makefile("rb") as answers:
            if answers.readline() != b"started\n":
                return "cold"
            return answers.readline().decode().strip()
    except ConnectionError:
        return ""


def _end_by(number: int) -> None:
    """End this process as the job was ended."""
    if number != signal.SIGKILL:
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
