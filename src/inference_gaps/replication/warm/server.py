"""The process that has imported everything, and forks a child for each job.

    python -P -m inference_gaps.replication.warm.server PATH SOCKET LIFELINE

SOCKET is the file descriptor of a socket that listens at PATH; LIFELINE is that of a pipe: when it has nobody at
its other end, and no child is left, the server ends. Clients that come while it still imports wait. A client sends
one line of JSON with the descriptors of its standard streams (:mod:`.client`), then the number
of each signal as a byte. It is told ``cold``, if it has to do the job itself, or ``started``, and at the end
``exit STATUS`` or ``signal NUMBER``.

A child must not differ from a process of its own. So it is forked while this process has one thread, has run no
parallel code and has not touched a GPU; and only for a job whose environment is the one that the libraries here
were imported in.
"""

import atexit
import contextlib
import ctypes
import gc
import importlib
import json
import os
import pkgutil
import selectors
import signal
import socket
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

import inference_gaps
from inference_gaps.replication.artifacts.code import LEDGER, code_of, package_versions, standing
from inference_gaps.replication.jobs.state_file import code_of_states
from inference_gaps.replication.stages import STAGES
from inference_gaps.specs.families import FAMILIES

__all__ = ["Request", "Server", "become", "main", "preload", "reseed", "unfit", "unlike"]

_PACKAGE = Path(inference_gaps.__file__).parent
# What commands import where they need it; torch._dynamo is what the first optimiser imports.
_LIBRARIES = ("pandas.api.types", "safetensors.torch", "torch._dynamo")
# Variables that no library reads when it is imported, or that Python reads anew.
_MAY_DIFFER = ("PATH", "PWD", "OLDPWD", "SHLVL", "_", "TMPDIR", "TMP", "TEMP", "TEMPDIR")
_MAY_DIFFER_PREFIX = "INFERENCE_GAPS_"
_PR_SET_PDEATHSIG = 1

Request = dict[str, Any]


def preload() -> None:
    """Import all that commands need, and note the digests of the code that was imported.

    Raises:
        RuntimeError: a source file changed meanwhile; what was imported may be neither the old nor the new code.
    """
    before = _sources()
    for module in pkgutil.walk_packages([str(_PACKAGE)], "inference_gaps."):
        if module.name != "inference_gaps.__main__":
            importlib.import_module(module.name)
    for name in _LIBRARIES:
        importlib.import_module(name)
    # A file that is edited later on must not give its digest to results of the code that runs.
    for stage in STAGES:
        standing(code_of(stage, tuple(FAMILIES)))
        package_versions(stage)
    code_of_states()
    if _sources() != before:
        raise RuntimeError("a source file was edited while it was imported")


def _sources() -> dict[Path, tuple[int, int]]:
    found = {path: path.stat() for path in [LEDGER, *_PACKAGE.rglob("*.py")]}
    return {path: (stat.st_mtime_ns, stat.st_size) for path, stat in found.items()}


def unfit() -> str | None:
    """Return why this process must not be forked now; ``None`` if it may be."""
    threads = len(os.listdir("/proc/self/task"))
    if threads != 1:
        return f"it has {threads} threads"
    open_files = []
    for descriptor in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):  # The one that the list itself was read from.
            open_files.append(os.readlink(f"/proc/self/fd/{descriptor}"))
    if any(name.startswith("/dev/nvidia") for name in open_files):
        return "it has opened a GPU"
    return None


def _relevant(environment: dict[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in environment.items()
        if name not in _MAY_DIFFER and not name.startswith(_MAY_DIFFER_PREFIX)
    }


def unlike(request: Request, environment: dict[str, str]) -> str | None:
    """Return why a child would not do a job as a process of its own; ``None`` if it would.

    Args:
        request: of the client.
        environment: that libraries were imported in.
    """
    if request["program"] != [sys.prefix, str(_PACKAGE)]:
        return f"it is a job of {request['program']}"
    here, there = _relevant(environment), _relevant(request["environment"])
    names = sorted(name for name in here.keys() | there.keys() if here.get(name) != there.get(name))
    return f"its environment differs in {', '.join(names)}" if names else None


@dataclass(eq=False)
class _Client:
    """A client, and the child that does its job."""

    connection: socket.socket
    received: bytes = b""
    descriptors: list[int] = field(default_factory=list)
    child: int | None = None
    watch: int = -1

    def tell(self, words: str) -> None:
        """Send a line, unless the client is gone, as the next look at its connection will show."""
        with contextlib.suppress(OSError):
            self.connection.send(f"{words}\n".encode())

    def close_descriptors(self) -> None:
        """Close what was received; a child has copies of its own."""
        for descriptor in self.descriptors:
            os.close(descriptor)
        self.descriptors.clear()

    def signal(self, number: int) -> None:
        """Send a signal to the child."""
        with contextlib.suppress(ProcessLookupError):  # It has ended; its end is about to be told.
            signal.pidfd_send_signal(self.watch, number)


class Server:
    """Waits for clients and for children.

    Args:
        listening: where clients connect.
        lifeline: the end for reading of a pipe; at its end no more jobs are taken.
        environment: that libraries were imported in.
    """

    def __init__(self, listening: socket.socket, lifeline: int, environment: dict[str, str]) -> None:
        self._listening, self._lifeline, self._environment = listening, lifeline, environment
        self._clients: set[_Client] = set()
        self._selector = selectors.DefaultSelector()
        self._watch(listening, self._accept)
        self._watch(lifeline, self._run_ended)
        self._open = True

    def _watch(self, file: Any, call: Callable[[], tuple[Request, list[int]] | None]) -> None:
        self._selector.register(file, selectors.EVENT_READ, call)

    def serve(self) -> tuple[Request, list[int]] | None:
        """Return, in a child, its request and the descriptors of its standard streams; here, at the end, None."""
        while self._open or self._clients:
            # One event at a time: what one means to do may be what another has done away with.
            key, _ = self._selector.select()[0]
            request = key.data()
            if request is not None:
                return request
        return None

    def _run_ended(self) -> None:
        self._selector.unregister(self._listening)
        self._selector.unregister(self._lifeline)
        self._listening.close()
        self._open = False

    def _accept(self) -> None:
        connection, _ = self._listening.accept()
        client = _Client(connection)
        self._clients.add(client)
        self._watch(connection, lambda: self._read(client))

    def _read(self, client: _Client) -> tuple[Request, list[int]] | None:
        try:
            content, descriptors, _, _ = socket.recv_fds(client.connection, 65536, 3)
        except ConnectionError:
            content, descriptors = b"", []
        client.descriptors += descriptors
        if not content:
            self._gone(client)
            return None
        client.received += content
        if client.child is None:
            line, ending, rest = client.received.partition(b"\n")
            if not ending:
                return None
            client.received = rest
            request = self._begin(client, json.loads(line))
            if request is not None:
                return request
        for number in client.received:
            client.signal(number)
        client.received = b""
        return None

    def _begin(self, client: _Client, request: Request) -> tuple[Request, list[int]] | None:
        reason = unfit() or unlike(request, self._environment)
        parent = os.getpid()
        try:
            child = os.fork() if reason is None else None
        except OSError as error:
            child, reason = None, str(error)
        if child == 0:
            _die_with(parent)
            return request, self._left_by_child(client)
        if child is None:
            print(f"{request['arguments'][1:2]} runs cold: {reason}", file=sys.stderr, flush=True)
            client.tell("cold")
            self._gone(client)
            return None
        client.child, client.watch = child, os.pidfd_open(child)
        self._watch(client.watch, lambda: self._child_ended(client))
        client.close_descriptors()
        client.tell("started")
        return None

    def _left_by_child(self, client: _Client) -> list[int]:
        """Close what a child has of its parent; return the descriptors that are its own."""
        descriptors, client.descriptors = client.descriptors, []
        for other in self._clients:
            other.close_descriptors()
            other.connection.close()
            if other.child is not None:
                os.close(other.watch)
        self._selector.close()
        self._listening.close()
        os.close(self._lifeline)
        return descriptors

    def _gone(self, client: _Client) -> None:
        """Take leave of a client; a child of it is killed, and its end awaited."""
        self._selector.unregister(client.connection)
        client.connection.close()
        client.close_descriptors()
        if client.child is None:
            self._clients.remove(client)
        else:
            client.signal(signal.SIGKILL)

    def _child_ended(self, client: _Client) -> None:
        assert client.child is not None
        _, status = os.waitpid(client.child, 0)
        self._selector.unregister(client.watch)
        os.close(client.watch)
        client.child = None
        if client.connection.fileno() < 0:
            self._clients.remove(client)
            return
        ended_by = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
        client.tell(f"exit {os.WEXITSTATUS(status)}" if ended_by is None else f"signal {ended_by}")
        self._gone(client)


def _die_with(parent: int) -> None:
    """Let the system kill this process when the process ``parent``, which forked it, ends."""
    if ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) or os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def reseed() -> None:
    """Give random numbers that nobody seeds another seed in each child, as each process has another.

    Python does this by itself for its own.
    """
    np.random.seed()  # noqa: NPY002
    torch.default_generator.seed()


def become(request: Request, descriptors: list[int]) -> None:
    """Turn a child into the process that its client would have been."""
    for standard, descriptor in enumerate(descriptors):
        os.dup2(descriptor, standard)
        os.close(descriptor)
    # Anew: a stream remembers of what it was opened on whether it can seek there.
    buffering = 1 if os.isatty(1) else -1
    sys.stdout = open(  # noqa: SIM115
        1, "w", buffering, encoding=sys.stdout.encoding, errors=sys.stdout.errors, closefd=False
    )
    os.chdir(request["folder"])
    os.umask(request["umask"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv[:] = request["arguments"]
    tempfile.tempdir = None
    reseed()
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        default = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
        signal.signal(number, signal.SIG_IGN if number in request["ignored"] else default)


class _QuickEnd:
    """Ends a child without taking apart all that was imported, which takes longer than many a job.

    Called after all that was to be done at exit; what cannot be written is left to Python, which then says so.
    """

    status: int | None = None

    def __call__(self) -> None:
        if self.status is not None:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(self.status)


def main(arguments: list[str]) -> int:
    """Serve at a socket until the run has ended, or do one job, in a child; return the exit status."""
    path, listening, lifeline = Path(arguments[0]), socket.socket(fileno=int(arguments[1])), int(arguments[2])
    end = _QuickEnd()
    atexit.register(end)  # Before others are, and so called after them.
    # Some libraries change it when they are imported.
    server, environment = os.getpid(), dict(os.environ)
    try:
        preload()
        reason = unfit()
        if reason is not None:
            print(f"All jobs run cold: the server must not be forked, as {reason}.", file=sys.stderr)
            return 1
        # What is there now stays; to look through it again would copy the memory that children share.
        gc.collect()
        gc.freeze()
        mine = Server(listening, lifeline, environment).serve()
    finally:
        if os.getpid() == server:
            path.unlink(missing_ok=True)
            path.parent.rmdir()
    if mine is None:
        return 0
    become(*mine)
    from inference_gaps.replication.cli import main as run_here

    end.status = run_here()
    return end.status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
