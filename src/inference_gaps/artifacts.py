"""Files that appear whole or not at all, and that say what made them.

Three kinds of file carry a *provenance*, a JSON object with the command, its specification, the
fingerprint of the job, and the fingerprints of what it read:

- tensors (``.safetensors``): in the metadata, under ``provenance``;
- tables of values (``.csv``): in a first line that starts with ``# ``;
- documents (``.json``): under the key ``provenance``.
"""

import contextlib
import contextvars
import errno
import io
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inference_gaps.errors import UserError, is_out_of_memory

if TYPE_CHECKING:
    import pandas as pd
    import torch

__all__ = [
    "Provenance",
    "all_or_none",
    "atomic_path",
    "read_provenance",
    "read_tensors",
    "read_values",
    "write_bytes",
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


def _canonical(provenance: Mapping[str, Any]) -> str:
    return json.dumps(provenance, sort_keys=True, separators=(",", ":"))


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
    with atomic_path(path) as temporary:
        try:
            save_file(contiguous, temporary, metadata={"provenance": _canonical(provenance)})
        except SafetensorError as error:
            # A full disk is no OSError to this library.
            raise OSError(str(error)) from error


def read_tensors(path: Path | str) -> tuple[dict[str, "torch.Tensor"], Provenance]:
    """Read what :func:`write_tensors` wrote.

    Raises:
        UserError: the file is missing, truncated, or not one of ours.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return tensors, _parsed(metadata["provenance"])
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
    text = io.StringIO()
    text.write(f"# {_canonical(provenance)}\n")
    frame.to_csv(text, index=False, lineterminator="\n")
    write_bytes(path, text.getvalue().encode())


def read_values(path: Path | str) -> tuple["pd.DataFrame", Provenance]:
    """Read what :func:`write_values` wrote.

    Raises:
        UserError: the file is missing, truncated, or not one of ours.
    """
    import pandas as pd

    try:
        with Path(path).open(encoding="utf-8") as file:
            first = file.readline()
            if not first.startswith("# "):
                raise ValueError("its first line does not say what made it")
            provenance = _parsed(first[2:])
            frame = pd.read_csv(file)
    except FileNotFoundError as error:
        raise UserError(f"{path} does not exist; run the stage that makes it first.") from error
    except (OSError, ValueError) as error:
        _raise_if_out_of_memory(error)
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
            return _checked(json.loads(path.read_text(encoding="utf-8"))["provenance"])
        except FileNotFoundError as error:
            raise UserError(f"{path} does not exist; run the stage that makes it first.") from error
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise UserError(
                f"{path} does not say what made it; delete it and run its stage again."
            ) from error
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            return _parsed((file.metadata() or {})["provenance"])
    except FileNotFoundError as error:
        raise UserError(f"{path} does not exist; run the stage that makes it first.") from error
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise UserError(f"{path} does not say what made it; delete it and run its stage again.") from error
