"""Notebooks: scripts in jupytext's percent format, run from top to bottom and shown as HTML.

What is made depends on the script and on what it reads alone: no times, no names of machines, no counters.
"""

import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import jupytext
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbconvert import HTMLExporter

from inference_gaps.errors import UserError

__all__ = ["run_notebook"]

_TIMEOUT = 900


def run_notebook(path: Path, variables: Mapping[str, str]) -> bytes:
    """Run a notebook in the working directory and return it with its outputs, as HTML.

    Args:
        path: script in percent format.
        variables: of the environment that it runs in.

    Raises:
        UserError: it cannot be read, or a cell fails.
    """
    try:
        notebook = jupytext.read(path, fmt="py:percent")
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read as a notebook in percent format ({error}).") from error
    for number, cell in enumerate(notebook.cells, start=1):
        cell["id"] = f"cell-{number}"
    # Kernels write where they like in the home of a user, and take the first Python of the PATH.
    with tempfile.TemporaryDirectory() as private:
        places = ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR")
        environment = {**os.environ, **dict.fromkeys(places, private), **variables}
        environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", "")])
        # Over files, not over the network.
        kernel = AsyncKernelManager(kernel_name="python3", transport="ipc")
        client = NotebookClient(notebook, km=kernel, timeout=_TIMEOUT, record_timing=False)
        try:
            client.execute(cwd=str(Path.cwd()), env=environment)
        except CellExecutionError as error:
            failed = next(
                number
                for number, cell in enumerate(notebook.cells, start=1)
                if _failed(cell.get("outputs", []))
            )
            reason = f"{error.ename}: {error.evalue}"
            raise UserError(
                f"Cell {failed} of {path} failed ({reason}); correct it, or run 'make' first."
            ) from error
        except (DeadKernelError, TimeoutError) as error:
            raise UserError(f"{path} did not come to its end ({error}); run it again.") from error
    notebook.metadata = {"language_info": {"name": "python"}, "title": path.stem.replace("_", " ")}
    html, _ = HTMLExporter(embed_images=True).from_notebook_node(notebook)
    return html.encode()


def _failed(outputs: list[Mapping[str, str]]) -> bool:
    return any(output["output_type"] == "error" for output in outputs)
