"""Files that appear whole or not at all, and that say what made them.

Three kinds of file carry a *provenance*, a JSON object with the command, its specification, the
fingerprint of the job, and the fingerprints of what it read:

- tensors (``.safetensors``): in the metadata, under ``provenance``;
- tables of values (``.csv``): in a first line that starts with ``# ``;
- documents (``.json``): under the key ``provenance``.

Beside it stands the SHA-256 of provenance and content, which is checked whenever the content is read.
"""

import contextlib
import hashlib
import io
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inference_gaps.errors import UserError

if TYPE_CHECKING:
    import pandas as pd
    import torch

__all__ = [
    "Provenance",
    "atomic_path",
    "read_provenance",
    "read_tensors",
    "read_values",
    "write_bytes",
    "write_tensors",
    "write_values",
]

Provenance = dict[str, Any]
_DIGEST = "sha256"
_ALTERED = "its content is not what was written: it was altered or damaged"


@contextlib.contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` that replaces it when the block ends without an error.

    Raises:
        UserError: the folder cannot be written, or the disk is full.
    """
    path = Path(path)
    temporary = None
    try:
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
        temporary.replace(path)
    except OSError as error:
        raise UserError(
            f"Could not write {path}: {error.strerror or error}. Free some space or make the folder "
            f"writable, then run the same command again; nothing else was changed."
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def write_bytes(path: Path | str, content: bytes) -> None:
    """Write ``content`` to ``path`` atomically."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def _canonical(provenance: Mapping[str, Any]) -> str:
    return json.dumps(provenance, sort_keys=True, separators=(",", ":"))


def _tensors_digest(tensors: Mapping[str, "torch.Tensor"], provenance: str) -> str:
    """Hash names, types, shapes and bytes of contiguous tensors, and what made them."""
    import torch

    digest = hashlib.sha256(provenance.encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"\0{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _values_digest(rows: str, provenance: str) -> str:
    return hashlib.sha256(f"{provenance}\n{rows}".encode()).hexdigest()


def write_tensors(path: Path | str, tensors: Mapping[str, "torch.Tensor"], provenance: Provenance) -> None:
    """Write named tensors and their provenance as safetensors, atomically."""
    from safetensors.torch import save_file

    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    made_by = _canonical(provenance)
    metadata = {"provenance": made_by, _DIGEST: _tensors_digest(contiguous, made_by)}
    with atomic_path(path) as temporary:
        save_file(contiguous, temporary, metadata=metadata)


def read_tensors(path: Path | str) -> tuple[dict[str, "torch.Tensor"], Provenance]:
    """Read what :func:`write_tensors` wrote.

    Raises:
        UserError: the file is missing, truncated, altered, or not one of ours.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if metadata[_DIGEST] != _tensors_digest(tensors, metadata["provenance"]):
            raise ValueError(_ALTERED)
        return tensors, json.loads(metadata["provenance"])
    except FileNotFoundError as error:
        raise UserError(f"{path} does not exist; run the stage that makes it first.") from error
    except (SafetensorError, OSError, KeyError, ValueError) as error:
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
    digest = _values_digest(rows.getvalue(), _canonical(provenance))
    first = _canonical({**provenance, _DIGEST: digest})
    write_bytes(path, f"# {first}\n{rows.getvalue()}".encode())


def read_values(path: Path | str) -> tuple["pd.DataFrame", Provenance]:
    """Read what :func:`write_values` wrote.

    Raises:
        UserError: the file is missing, truncated, altered, or not one of ours.
    """
    import pandas as pd

    try:
        first, _, rows = Path(path).read_bytes().decode().partition("\n")
        if not first.startswith("# "):
            raise ValueError("its first line does not say what made it")
        provenance = json.loads(first[2:])
        if provenance.pop(_DIGEST) != _values_digest(rows, _canonical(provenance)):
            raise ValueError(_ALTERED)
        frame = pd.read_csv(io.StringIO(rows))
    except FileNotFoundError as error:
        raise UserError(f"{path} does not exist; run the stage that makes it first.") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{path} cannot be read as a values file of this project ({error}); delete it and run again "
            f"the stage that makes it."
        ) from error
    return frame, provenance


def read_provenance(path: Path | str) -> Provenance:
    """Return the provenance of a tensor, values or JSON file without reading the rest of it.

    Raises:
        UserError: the file is missing or carries none.
    """
    path = Path(path)
    if path.suffix == ".csv":
        return read_values(path)[1]
    if path.suffix == ".json":
        try:
            return json.loads(path.read_text(encoding="utf-8"))["provenance"]
        except FileNotFoundError as error:
            raise UserError(f"{path} does not exist; run the stage that makes it first.") from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"{path} does not say what made it; delete it and run its stage again."
            ) from error
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            return json.loads((file.metadata() or {})["provenance"])
    except FileNotFoundError as error:
        raise UserError(f"{path} does not exist; run the stage that makes it first.") from error
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise UserError(f"{path} does not say what made it; delete it and run its stage again.") from error
