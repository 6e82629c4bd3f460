"""When a job runs, how long it takes and on what: a part of its record, and of no artifact.

The bytes of an artifact must not depend on the clock or the machine.
"""

import contextlib
import contextvars
import datetime
import importlib.metadata
import os
import platform
import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["earlier_processes", "goes_on_from", "run_facts", "running", "spent"]

_PACKAGES = ("inference-gaps", "torch", "numpy", "scipy", "pandas", "matplotlib", "safetensors", "typst")

_facts: contextvars.ContextVar[Callable[[], dict[str, Any]] | None] = contextvars.ContextVar(
    "facts", default=None
)
_earlier: contextvars.ContextVar[Sequence[dict[str, Any]]] = contextvars.ContextVar("earlier", default=())
_OF_A_PROCESS = ("started", "ended", "seconds", "cpu_seconds", "machine")


@contextlib.contextmanager
def running(arguments: Sequence[str], options: dict[str, Any]) -> Iterator[None]:
    """Let the records that are written inside the block say when and on what their stage ran.

    Args:
        arguments: the command line, the subcommand first.
        options: what it was parsed to.
    """
    started, clock, computing = datetime.datetime.now(datetime.UTC), time.perf_counter(), time.process_time()

    def facts() -> dict[str, Any]:
        return {
            "arguments": list(arguments),
            "started": started.isoformat(timespec="milliseconds"),
            "ended": datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
            "seconds": round(time.perf_counter() - clock, 3),
            "cpu_seconds": round(time.process_time() - computing, 3),
            "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            "machine": _machine(options.get("device")),
            "threads": options.get("threads", 1),
            "python": platform.python_version(),
            "packages": {name: importlib.metadata.version(name) for name in _PACKAGES},
        } | ({"earlier": list(_earlier.get())} if _earlier.get() else {})

    token, first = _facts.set(facts), _earlier.set(())
    try:
        yield
    finally:
        _facts.reset(token)
        _earlier.reset(first)


def goes_on_from(processes: Sequence[dict[str, Any]]) -> None:
    """Say that the job of this process was begun by others, as :func:`earlier_processes` named them there."""
    _earlier.set(processes)


def earlier_processes() -> list[dict[str, Any]]:
    """Return when, how long and on what the job was worked at until now, one entry per process."""
    now = run_facts()
    return [*_earlier.get(), *([{key: now[key] for key in _OF_A_PROCESS}] if now else [])]


def spent(run: Mapping[str, Any], kind: str = "seconds") -> float:
    """Return the seconds of a job by its record, those of interrupted processes included; or ``cpu_seconds``."""
    return float(sum(process[kind] for process in (run, *run.get("earlier", ()))))


def run_facts() -> dict[str, Any] | None:
    """Return what is known now of the run that is going on; ``None`` outside of :func:`running`."""
    facts = _facts.get()
    return facts() if facts else None


def _machine(device: str | None) -> dict[str, str | int]:
    found: dict[str, str | int] = {
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": _cpu(),
        "cpus": os.cpu_count() or 1,
    }
    torch = sys.modules.get("torch")
    if device in {"auto", "cuda"} and torch is not None and torch.cuda.is_available():
        found["gpu"] = torch.cuda.get_device_name()
    return found


def _cpu() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"
