"""Files of tensors that speak for themselves: safetensors with a description and a digest in their metadata.

The description is a JSON object under the key ``provenance``; with it stands the SHA-256 of the description and of
all tensors. So weights can be loaded where they lie without their record; the state of a job has none.

The description leaves out the exact code, which the record has: what is made from a file refers to its bytes, and
an edit that is shown to change no result must not change them.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from inference_gaps.errors import UserError, is_out_of_memory
from inference_gaps.replication.artifacts.records import DIGEST, Provenance, canonical, checked

if TYPE_CHECKING:
    import torch

__all__ = ["load_tensors", "raise_if_out_of_memory", "save_tensors"]

_KEY = "provenance"
_IN_RECORD_ONLY = "exact_code"


def _digest(tensors: Mapping[str, "torch.Tensor"], about: Provenance) -> str:
    """Hash names, types, shapes and bytes of contiguous tensors, and what is said of them."""
    import torch

    said = {name: value for name, value in about.items() if name != DIGEST}
    first = hashlib.sha256(canonical(said).encode() + b"\n").hexdigest()
    digest = hashlib.sha256(first.encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"\0{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def save_tensors(path: Path, tensors: Mapping[str, "torch.Tensor"], about: Provenance) -> None:
    """Write named tensors and what is said of them to ``path``, directly.

    Raises:
        OSError: the file cannot be written.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    about = {key: value for key, value in about.items() if key != _IN_RECORD_ONLY}
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    # One entry only: safetensors writes several in an order that changes from run to run.
    metadata = {_KEY: canonical({**about, DIGEST: _digest(contiguous, about)})}
    try:
        save_file(contiguous, path, metadata=metadata)
    except SafetensorError as error:
        # A full disk is no OSError to this library.
        raise OSError(str(error)) from error


def load_tensors(path: Path) -> tuple[dict[str, "torch.Tensor"], Provenance]:
    """Read what :func:`save_tensors` wrote.

    Raises:
        UserError: the file is missing, truncated, altered, or not one of ours.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            about = checked(json.loads((file.metadata() or {})[_KEY]))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if about[DIGEST] != _digest(tensors, about):
            raise ValueError("its content is not what was written")
        return tensors, about
    except FileNotFoundError as error:
        raise UserError(f"{path} does not exist; run the stage that makes it first.") from error
    except (SafetensorError, OSError, KeyError, ValueError, RecursionError) as error:
        raise_if_out_of_memory(error)
        raise UserError(
            f"{path} cannot be read as a tensor file of this project ({error}); name one that a stage of "
            f"inference-gaps made."
        ) from error


def raise_if_out_of_memory(error: Exception) -> None:
    """Raise the error that means a lack of memory, if ``error`` does: the file is not at fault."""
    if is_out_of_memory(error):
        raise MemoryError(str(error)) from error
