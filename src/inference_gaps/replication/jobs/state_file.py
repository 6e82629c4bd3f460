"""The file that keeps a record: tensors and JSON in one safetensors file, with a digest as artifacts have it.

Nothing is ever unpickled. A file that was cut off, or in which a bit has flipped, is noticed by its digest.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from inference_gaps.errors import UserError
from inference_gaps.numerics.checkpoint import Record
from inference_gaps.replication.artifacts.atomic import atomic_path
from inference_gaps.replication.artifacts.code import SOURCES
from inference_gaps.replication.artifacts.tensor_files import load_tensors, save_tensors

__all__ = ["UnusableState", "code_of_states", "read_record", "write_record"]


# What makes a record, adds to it, gives it the form of a file, and writes that file. Fingerprints have what
# computes; an edit of anything else must not cost days of training.
_CODE_OF_STATES = (
    "inference_gaps.numerics.checkpoint",
    "inference_gaps.replication.jobs.job",
    "inference_gaps.replication.jobs.state_file",
    "inference_gaps.replication.artifacts.tensor_files",
)


class UnusableState(Exception):
    """A file does not hold a record that this job can go on from; the text says why."""


def code_of_states() -> str:
    """Return a digest of the code that makes records and goes on from them, which fingerprints leave out."""
    texts = "\0".join(SOURCES.text(module) for module in _CODE_OF_STATES)
    return hashlib.sha256(texts.encode()).hexdigest()[:8]


def _separate(value: Any, tensors: dict[str, Tensor], storages: set[int]) -> Any:
    """Return ``value`` as JSON, with a name for each tensor, which goes into ``tensors``."""
    if isinstance(value, Tensor):
        kept = value.detach()
        whole = kept.untyped_storage()
        # A file holds each tensor once and in full, so views of one storage have to part.
        if whole.data_ptr() in storages or whole.nbytes() != kept.nbytes:
            kept = kept.clone()
        storages.add(kept.untyped_storage().data_ptr())
        name = f"t{len(tensors)}"
        layout = kept.dim() == 4 and kept.is_contiguous(memory_format=torch.channels_last)
        tensors[name] = kept.cpu().contiguous()
        return {"tensor": name, "device": kept.device.type, "channels_last": layout}
    if isinstance(value, dict):
        return {"dict": [[key, _separate(item, tensors, storages)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        kind = "list" if isinstance(value, list) else "tuple"
        return {kind: [_separate(item, tensors, storages) for item in value]}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"A state holds tensors, numbers and text, not {type(value).__name__}.")


def _join(form: Any, tensors: dict[str, Tensor], device: torch.device) -> Any:
    if not isinstance(form, dict):
        return form
    if "tensor" in form:
        # A copy in memory of PyTorch's own: kernels may round differently at another alignment or layout.
        layout = torch.channels_last if form["channels_last"] else torch.contiguous_format
        own = tensors[form["tensor"]].clone(memory_format=layout)
        return own if form["device"] == "cpu" else own.to(device)
    if "dict" in form:
        return {key: _join(item, tensors, device) for key, item in form["dict"]}
    if "list" in form:
        return [_join(item, tensors, device) for item in form["list"]]
    return tuple(_join(item, tensors, device) for item in form["tuple"])


def write_record(path: Path, record: Record, work: str, device: torch.device) -> None:
    """Write a record, atomically.

    Raises:
        UserError: the folder cannot be written, or the disk is full; an older file is then untouched.
    """
    tensors: dict[str, Tensor] = {}
    form = json.dumps(_separate(record, tensors, set()))
    about = {"command": "resume", "fingerprint": work, "spec": {}}
    with atomic_path(path) as temporary:
        save_tensors(temporary, tensors, {**about, "device": device.type, "form": form})


def read_record(path: Path, work: str, device: torch.device) -> Record:
    """Read what :func:`write_record` wrote, with its tensors where they were.

    Raises:
        UnusableState: the file is damaged, or comes from another job or another kind of device.
    """
    try:
        tensors, about = load_tensors(path)
        if about["fingerprint"] != work:
            raise UnusableState("belongs to another job")
        if about["device"] != device.type:
            raise UnusableState(
                f"comes from a run on {about['device']}, and this one computes on {device.type}"
            )
        return _join(json.loads(about["form"]), tensors, device)
    except (UserError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise UnusableState("is damaged") from error
