"""Files that appear whole or not at all, and that say what made them.

Every artifact carries a *provenance*, a JSON object with the command, its specification, the fingerprint of the
job, and the fingerprints of what it read:

- tensors (``.safetensors``): in the metadata, under ``provenance``;
- tables of values (``.csv``): in a first line that starts with ``# ``;
- documents, texts and pictures: as :mod:`inference_gaps.replication.artifacts.signing` says.

With it stands the SHA-256 of provenance and content, which is checked whenever the content is read. What is read
holds it under the key ``sha256``.
"""

import contextlib
import contextvars
import errno
import hashlib
import io
import json
import os
import struct
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inference_gaps.errors import UserError, is_out_of_memory
from inference_gaps.replication.artifacts.signing import (
    ALTERED,
    DIGEST,
    SIGNED_SUFFIXES,
    canonical,
    digest_of,
    signature,
    signed,
)

if TYPE_CHECKING:
    import pandas as pd
    import torch

__all__ = [
    "Provenance",
    "all_or_none",
    "atomic_path",
    "check_content",
    "read_provenance",
    "read_tensors",
    "read_values",
    "write_bytes",
    "write_signed",
    "write_tensors",
    "write_values",
]

Provenance = dict[str, Any]

# Files of an `all_or_none` block that are whole but have not appeared yet: temporary and final path.
_Waiting = list[tuple[Path, Path]]
_waiting: contextvars.ContextVar[_Waiting | None] = contextvars.ContextVar("waiting", default=None)


@contextlib.contextmanager
def all_or_none() -> Iterator[None]:
    """Let the files that are written inside the block appear together at its end, or none of them.

    A stage with several outputs would otherwise leave the first ones beside missing or older ones when the disk
    fills up.
    """
    written: _Waiting = []
    token = _waiting.set(written)
    try:
        yield
        while written:
            temporary, path = written[0]
            try:
                temporary.replace(path)
            except OSError as error:
                raise UserError(_not_written(path, error)) from error
            written.pop(0)
    finally:
        _waiting.reset(token)
        for temporary, _ in written:
            temporary.unlink(missing_ok=True)


def _not_written(path: Path, error: OSError) -> str:
    return (
        f"Could not write {path}: {error.strerror or error}. Free some space or make the folder "
        f"writable, then run the same command again; nothing else was changed."
    )


@contextlib.contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` that replaces it when the block ends without an error.

    Inside a block of :func:`all_or_none` it does so when that block ends.

    Raises:
        UserError: the folder cannot be written, the disk is full, or ``path`` is a folder.
    """
    path = Path(path)
    temporary = None
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "It is a folder", str(path))
        path.parent.mkdir(parents=True, exist_ok=True)
        # mkstemp makes the file readable for its owner alone; an artifact follows the umask instead.
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        waiting = _waiting.get()
        if waiting is None:
            temporary.replace(path)
        else:
            waiting.append((temporary, path))
            temporary = None
    except OSError as error:
        raise UserError(_not_written(path, error)) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def write_bytes(path: Path | str, content: bytes) -> None:
    """Write ``content`` to ``path`` atomically."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def write_signed(path: Path | str, content: bytes, provenance: Provenance) -> None:
    """Write a document, text, picture or PDF with its provenance in it, atomically."""
    write_bytes(path, signed(Path(path).suffix, content, provenance))


def _tensors_digest(tensors: Mapping[str, "torch.Tensor"], provenance: Provenance) -> str:
    """Hash names, types, shapes and bytes of contiguous tensors, and what made them."""
    import torch

    digest = hashlib.sha256(digest_of(provenance, b"").encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"\0{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _parsed(text: str) -> Provenance:
    try:
        return _checked(json.loads(text))
    except RecursionError as error:
        raise ValueError("what made it is nested too deeply") from error


def _checked(provenance: Any) -> Provenance:
    """Make sure that ``provenance`` says the least that every reader asks for.

    Raises:
        ValueError: it does not.
    """
    kinds = {"command": str, "fingerprint": str, "spec": dict}
    if not isinstance(provenance, dict) or not all(
        isinstance(provenance.get(key), kind) for key, kind in kinds.items()
    ):
        raise ValueError("what it says of its making lacks a command, a fingerprint or a specification")
    return provenance


def _raise_if_out_of_memory(error: Exception) -> None:
    """Raise the error that means a lack of memory, if ``error`` does: the file is not at fault."""
    if is_out_of_memory(error):
        raise MemoryError(str(error)) from error


def write_tensors(path: Path | str, tensors: Mapping[str, "torch.Tensor"], provenance: Provenance) -> None:
    """Write named tensors and their provenance as safetensors, atomically."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    made_by = {**provenance, DIGEST: _tensors_digest(contiguous, provenance)}
    # One entry only: safetensors writes several in an order that changes from run to run.
    metadata = {"provenance": canonical(made_by)}
    with atomic_path(path) as temporary:
        try:
            save_file(contiguous, temporary, metadata=metadata)
        except SafetensorError as error:
            # A full disk is no OSError to this library.
            raise OSError(str(error)) from error


def read_tensors(path: Path | str) -> tuple[dict[str, "torch.Tensor"], Provenance]:
    """Read what :func:`write_tensors` wrote.

    Raises:
        UserError: the file is missing, truncated, altered, or not one of ours.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            made_by = _parsed((file.metadata() or {})["provenance"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if made_by[DIGEST] != _tensors_digest(tensors, made_by):
            raise ValueError(ALTERED)
        return tensors, made_by
    except FileNotFoundError as error:
        raise UserError(f"{path} does not exist; run the stage that makes it first.") from error
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        _raise_if_out_of_memory(error)
        raise UserError(
            f"{path} cannot be read as a tensor file of this project ({error}); delete it and run again "
            f"the stage that makes it."
        ) from error


def write_values(path: Path | str, frame: "pd.DataFrame", provenance: Provenance) -> None:
    """Write a data frame as CSV below one ``# {provenance}`` line, atomically.

    Floating-point numbers keep all their digits, so reading returns the same bits.
    """
    rows = io.StringIO()
    frame.to_csv(rows, index=False, lineterminator="\n")
    content = rows.getvalue().encode()
    first = canonical({**provenance, DIGEST: digest_of(provenance, content)})
    write_bytes(path, f"# {first}\n".encode() + content)


def read_values(path: Path | str) -> tuple["pd.DataFrame", Provenance]:
    """Read what :func:`write_values` wrote.

    Raises:
        UserError: the file is missing, truncated, altered, or not one of ours.
    """
    import pandas as pd

    try:
        first, _, rows = Path(path).read_bytes().partition(b"\n")
        provenance = _values_header(first)
        if provenance[DIGEST] != digest_of(provenance, rows):
            raise ValueError(ALTERED)
        frame = pd.read_csv(io.BytesIO(rows))
    except FileNotFoundError as error:
        raise UserError(f"{path} does not exist; run the stage that makes it first.") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        _raise_if_out_of_memory(error)
        raise UserError(
            f"{path} cannot be read as a values file of this project ({error}); delete it and run again "
            f"the stage that makes it."
        ) from error
    return frame, provenance


def _values_header(first: bytes) -> Provenance:
    if not first.startswith(b"# "):
        raise ValueError("its first line does not say what made it")
    return _parsed(first[2:].decode())


def _tensors_header(path: Path) -> Provenance:
    # The file starts with the length of its header in eight bytes; no library is needed to read so much of it.
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        if length > path.stat().st_size:
            raise ValueError("it is truncated")
        return _parsed(json.loads(file.read(length))["__metadata__"]["provenance"])


def read_provenance(path: Path | str) -> Provenance:
    """Return the provenance of an artifact of any kind; of tensors and values, without reading their content.

    Raises:
        UserError: the file is missing or carries none.
    """
    path = Path(path)
    try:
        if path.suffix == ".safetensors":
            found = _tensors_header(path)
        elif path.suffix == ".csv":
            with path.open("rb") as file:
                found = _values_header(file.readline())
        elif path.suffix in SIGNED_SUFFIXES:
            found = signature(path.suffix, path.read_bytes())
        else:
            raise ValueError("files of its kind never do")
        if DIGEST not in _checked(found):
            raise ValueError("it names no digest")
        return found
    except FileNotFoundError as error:
        raise UserError(f"{path} does not exist; run the stage that makes it first.") from error
    except (OSError, ValueError, KeyError, TypeError, RecursionError, struct.error) as error:
        raise UserError(
            f"{path} does not say what made it ({error}); delete it and run its stage again."
        ) from error


def check_content(path: Path | str) -> Provenance:
    """Read the whole of an artifact, whatever its kind, and return its provenance.

    Raises:
        UserError: the file is missing, truncated or altered, or not one of ours.
    """
    readers = {".safetensors": read_tensors, ".csv": read_values}
    if Path(path).suffix in readers:
        readers[Path(path).suffix](path)
    return read_provenance(path)
