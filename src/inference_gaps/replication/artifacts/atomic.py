"""Files that appear whole or not at all."""

import contextlib
import contextvars
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from inference_gaps.errors import UserError

__all__ = ["atomic_path", "together", "write_bytes"]

# Files of a `together` block that are whole but have not appeared yet: temporary and final path.
_Waiting = list[tuple[Path, Path]]
_waiting: contextvars.ContextVar[_Waiting | None] = contextvars.ContextVar("waiting", default=None)


@contextlib.contextmanager
def together() -> Iterator[None]:
    """Let the files that are written inside the block appear at its end, in the order of writing, or none of them.

    Several files would otherwise leave the first ones beside missing or older ones when the disk fills up.
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

    Inside a block of :func:`together` it does so when that block ends.

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
