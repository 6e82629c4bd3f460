"""Writing and reading artifacts: tables of values, tensors, and documents, texts and pictures of any kind.

The files are what any program writes. What made them stands in their record, see
:mod:`inference_gaps.replication.artifacts.records`; whoever reads one here has it compared with that.
"""

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from inference_gaps.errors import UserError
from inference_gaps.replication.artifacts.atomic import atomic_path, write_bytes
from inference_gaps.replication.artifacts.outputs import all_or_none, record_output
from inference_gaps.replication.artifacts.records import (
    DIGEST,
    Provenance,
    check_content,
    file_sha256,
    find_record,
    read_provenance,
    require_digest,
    require_made_by,
)
from inference_gaps.replication.artifacts.tensor_files import (
    load_tensors,
    raise_if_out_of_memory,
    save_tensors,
)

if TYPE_CHECKING:
    import pandas as pd
    import torch

__all__ = [
    "Provenance",
    "all_or_none",
    "check_content",
    "read_provenance",
    "read_tensors",
    "read_values",
    "write_bytes",
    "write_document",
    "write_tensors",
    "write_values",
]


def write_document(path: Path | str, content: bytes, provenance: Provenance) -> None:
    """Write a document, text, picture or PDF, and its record, atomically."""
    path = Path(path)
    with all_or_none():
        write_bytes(path, content)
        record_output(path, provenance, hashlib.sha256(content).hexdigest(), len(content))


def write_values(path: Path | str, frame: "pd.DataFrame", provenance: Provenance) -> None:
    """Write a data frame as CSV, and its record, atomically.

    Floating-point numbers keep all their digits, so reading returns the same bits.
    """
    write_document(path, frame.to_csv(index=False, lineterminator="\n").encode(), provenance)


def write_tensors(path: Path | str, tensors: Mapping[str, "torch.Tensor"], provenance: Provenance) -> None:
    """Write named tensors as safetensors that hold their provenance, too, and their record, atomically."""
    path = Path(path)
    with all_or_none(), atomic_path(path) as temporary:
        save_tensors(temporary, tensors, provenance)
        record_output(path, provenance, file_sha256(temporary), temporary.stat().st_size)


def read_tensors(path: Path | str, *commands: str) -> tuple[dict[str, "torch.Tensor"], Provenance]:
    """Read what :func:`write_tensors` wrote; a file that was moved away from its record speaks for itself.

    Args:
        path: the file.
        commands: the subcommands that make such files; without them, any does.

    Raises:
        UserError: the file is missing, truncated, altered, or not one of ours.
    """
    path = Path(path)
    if path.is_file() and find_record(path) is None:
        tensors, provenance = load_tensors(path)
        provenance = {**provenance, DIGEST: file_sha256(path)}
        require_made_by(path, provenance, *commands)
        return tensors, provenance
    provenance = check_content(path, *commands)
    return load_tensors(path)[0], provenance


def read_values(path: Path | str, *commands: str) -> tuple["pd.DataFrame", Provenance]:
    """Read what :func:`write_values` wrote.

    Args:
        path: the file.
        commands: the subcommands that make such files; without them, any does.

    Raises:
        UserError: the file is missing, truncated, altered, or not one of ours.
    """
    import pandas as pd

    path = Path(path)
    provenance = read_provenance(path, *commands)
    try:
        content = path.read_bytes()
        require_digest(path, provenance, hashlib.sha256(content).hexdigest())
        return pd.read_csv(io.BytesIO(content)), provenance
    except (OSError, ValueError) as error:
        raise_if_out_of_memory(error)
        raise UserError(
            f"{path} cannot be read as a table of values ({error}); name a .csv file that a stage made."
        ) from error
