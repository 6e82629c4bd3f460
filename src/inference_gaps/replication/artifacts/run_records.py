"""Run records: when a job ran, how long it took and on what, beside the results and outside every artifact.

The bytes of an artifact must not depend on the clock or the machine, so this stands in a file of its own,
``results/<preset>/records/<fingerprint>.json``.
"""

import contextlib
import datetime
import importlib.metadata
import json
import os
import platform
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from inference_gaps.errors import UserError
from inference_gaps.replication.artifacts.files import read_provenance, write_bytes
from inference_gaps.replication.artifacts.layout import Layout, preset_of

__all__ = ["read_record", "recorded"]

_PACKAGES = ("inference-gaps", "torch", "numpy", "scipy", "pandas", "matplotlib", "safetensors", "typst")


@contextlib.contextmanager
def recorded(arguments: Sequence[str], options: dict[str, Any], made: Sequence[Path]) -> Iterator[None]:
    """Write the record of the job that runs inside the block, if it ends well and its outputs belong to a preset.

    Args:
        arguments: the command line, the subcommand first.
        options: what it was parsed to.
        made: the files that it makes, the main one first.
    """
    started, clock, computing = datetime.datetime.now(datetime.UTC), time.perf_counter(), time.process_time()
    yield
    seconds, cpu_seconds = time.perf_counter() - clock, time.process_time() - computing
    preset = preset_of(made[0])
    if preset is None:
        return
    try:
        fingerprint = read_provenance(made[0])["fingerprint"]
        record = {
            "fingerprint": fingerprint,
            "arguments": list(arguments),
            "outputs": [str(path) for path in made],
            "started": started.isoformat(timespec="milliseconds"),
            "ended": datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
            "seconds": round(seconds, 3),
            "cpu_seconds": round(cpu_seconds, 3),
            "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            "machine": _machine(options.get("device")),
            "threads": options.get("threads", 1),
            "python": platform.python_version(),
            "packages": {name: importlib.metadata.version(name) for name in _PACKAGES},
        }
        text = json.dumps(record, indent=1) + "\n"
        write_bytes(Layout(preset).record(fingerprint), text.encode())
    except UserError as error:
        # The outputs are there and whole; that nobody knows how long they took makes them no worse.
        print(f"inference-gaps {arguments[0]}: no record of this run was kept: {error}", file=sys.stderr)


def read_record(preset: str, fingerprint: str) -> dict[str, Any] | None:
    """Return the record of the job that has a fingerprint, or ``None`` if there is none that can be read."""
    try:
        return json.loads(Layout(preset).record(fingerprint).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


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
