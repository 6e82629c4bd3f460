"""Running a notebook from top to bottom, in a kernel that is this Python and knows nothing of its user."""

import asyncio
import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jupytext
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from traitlets import default
from traitlets.config import Config

from inference_gaps.errors import UserError
from inference_gaps.replication.artifacts.finished_run import PRESET_VARIABLE
from inference_gaps.replication.notebooks.source import text_of

__all__ = ["executed"]

# The address of a socket in a file system may have no more characters on some systems.
_LONGEST_SOCKET = 90


class _Kernel(AsyncKernelManager):
    """A kernel that runs in this Python, whatever kernels the user has installed."""

    @default("kernel_spec_manager")
    def _without_installed_kernels(self) -> KernelSpecManager:
        return KernelSpecManager(kernel_dirs=[])


class _Loop(asyncio.SelectorEventLoop):
    """An event loop that leaves signals to the command: they end it, and with it the kernel."""

    def add_signal_handler(self, sig: int, callback: Callable[..., Any], *args: Any) -> None:  # type: ignore[override]
        raise RuntimeError("signals belong to the command")

    def remove_signal_handler(self, sig: int) -> bool:
        return False

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        # Of a kernel that was stopped, because the command was, nobody waits to hear that it is dead.
        if not isinstance(context.get("exception"), DeadKernelError):
            super().default_exception_handler(context)


def executed(notebook: Path, preset: str, top: Path) -> NotebookNode:
    """Return a notebook with its results.

    What it writes to the standard error goes to that of this process: warnings name folders of this machine.

    Args:
        notebook: file in jupytext's percent format.
        preset: whose results it reads.
        top: the folder that it runs in, which holds ``results/``.

    Raises:
        UserError: the notebook cannot be read, or one of its cells fails.
    """
    cells = jupytext.reads(text_of(notebook), fmt="py:percent")
    for number, cell in enumerate(cells.cells, start=1):
        cell["id"] = f"cell-{number}"
    with _kernel_settings(preset) as (config, environment, log):
        client = NotebookClient(
            cells,
            config=config,
            kernel_name="python3",
            kernel_manager_class=_Kernel,
            timeout=None,
            record_timing=False,
            coalesce_streams=True,
            resources={"metadata": {"path": str(top)}},
        )
        try:
            with asyncio.Runner(loop_factory=_Loop) as runner, log.open("wb") as said:
                runner.run(client.async_execute(env=environment, stdout=said, stderr=said))
        except (CellExecutionError, CellTimeoutError) as error:
            raise UserError(_failure(notebook, cells)) from error
        except (DeadKernelError, RuntimeError) as error:
            raise UserError(
                f"{notebook}: its kernel ended before it did ({_last_line(log) or error}); it was stopped, or the "
                f"memory did not suffice."
            ) from error
    return _clean(cells)


@contextlib.contextmanager
def _kernel_settings(preset: str) -> Iterator[tuple[Config, dict[str, str], Path]]:
    """Yield settings, variables and log of a kernel; its files are in a folder that is removed at the end."""
    with tempfile.TemporaryDirectory(prefix="kernel-") as folder:
        settings = {"connection_file": f"{folder}/connection.json"}
        if os.name == "posix" and len(folder) < _LONGEST_SOCKET:
            # Not by ports: those of two kernels that start together may be the same.
            settings |= {"transport": "ipc", "ip": f"{folder}/socket"}
        own = {"IPYTHONDIR": folder, "JUPYTER_CONFIG_DIR": folder, "JUPYTER_DATA_DIR": folder}
        # The order of additions, and so the last digits, depends on the number of threads.
        threads = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        environment = {**os.environ, **own, **threads, "JUPYTER_RUNTIME_DIR": folder, PRESET_VARIABLE: preset}
        yield Config({"KernelManager": settings}), environment, Path(folder) / "kernel.log"


def _failure(notebook: Path, cells: NotebookNode) -> str:
    """Name the cell that failed and say why."""
    for number, cell in enumerate(cells.cells, start=1):
        for output in cell.get("outputs", []):
            if output["output_type"] == "error":
                begins = cell["source"].strip().splitlines()[0]
                reason = " ".join(f"{output['ename']}: {output['evalue']}".split())
                return (
                    f"{notebook}: cell {number}, which begins with '{begins}', failed ({reason}); correct it."
                )
    return f"{notebook}: a cell failed and does not say why; run it in Jupyter."


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n") if log.is_file() else []
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _clean(cells: NotebookNode) -> NotebookNode:
    """Take out of an executed notebook what depends on when and where it ran."""
    for cell in cells.cells:
        cell["metadata"] = NotebookNode()
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":
                sys.stderr.write(output["text"])
        if "outputs" in cell:
            cell["outputs"] = [output for output in cell["outputs"] if output.get("name") != "stderr"]
    return cells
