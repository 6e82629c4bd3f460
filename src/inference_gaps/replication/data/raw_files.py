"""Raw files: found, decompressed and verified each time they are read."""

import contextlib
import gzip
import hashlib
import lzma
import os
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from inference_gaps.errors import UserError
from inference_gaps.replication.data.image_files import image_names, names_below
from inference_gaps.replication.specs.data import DatasetSpec, FileSpec

__all__ = ["find_file", "opened", "plain", "read_content", "unpinned_digests", "verify"]

# Far above every data set here; stops a file that decompresses without end before it fills the memory.
_MAX_BYTES = 1 << 30
_CHUNK = 1 << 20
# By content, not by suffix: some programs decompress on download and keep the name.
_COMPRESSIONS: dict[bytes, Callable[..., Any]] = {b"\x1f\x8b": gzip.open, b"\xfd7zXZ\x00": lzma.open}
# Of the digest of a file that is not pinned.
_DIGITS = 16
_SUFFIXES = (".gz", ".xz")


def find_file(folder: Path, file: FileSpec) -> Path | None:
    """Return the file in ``folder``, compressed or not, or ``None``.

    A file whose digest is pinned only as an archive counts only as that archive. One whose content is pinned may
    have a name with other separators, such as ``train-images.idx3-ubyte``, and lie where other tools unpack it:
    in a folder of its own name, or in ``raw/``.
    """
    stem = _without_suffix(file.name)
    names = [file.name]
    if file.sha256 or not file.archive_sha256:
        names += [stem, *(stem + suffix for suffix in _SUFFIXES)]
    found = next((folder / name for name in names if (folder / name).is_file()), None)
    if found or not file.sha256 or not folder.is_dir():
        return found
    wanted = plain(stem)
    below = [
        path for path in sorted(folder.iterdir()) if path.is_dir() and plain(path.name) in (wanted, "raw")
    ]
    candidates = [path for place in (folder, *below) for path in sorted(place.iterdir())]
    return next((path for path in candidates if _plain_stem(path) == wanted and path.is_file()), None)


def plain(name: str) -> str:
    """Return the letters and digits of a name, in lower case."""
    return "".join(filter(str.isalnum, name)).lower()


def _without_suffix(name: str) -> str:
    for suffix in _SUFFIXES:
        name = name.removesuffix(suffix)
    return name


def _plain_stem(path: Path) -> str:
    return plain(_without_suffix(path.name))


def read_content(folder: Path, file: FileSpec) -> tuple[Path, bytes]:
    """Find, decompress and verify a file.

    Returns:
        The path that was read and its decompressed content.

    Raises:
        UserError: the file is missing, truncated, damaged, or not the one that was pinned.
    """
    path = find_file(folder, file)
    if path is None:
        raise UserError(
            f"{folder} does not exist or holds no {file.name}; copy the file there, or let "
            f"inference-gaps fetch-data download it."
        )
    try:
        _verify_archive(path, file)
        content = b"".join(_decompressed(path))
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise UserError(_damaged(path, error)) from error
    if file.sha256:
        _compare(path, "decompressed content", hashlib.sha256(content).hexdigest(), file.sha256)
    return path, content


def verify(path: Path, file: FileSpec) -> None:
    """Check the digests of a file without keeping its content.

    A file without a digest must at least decompress.

    Raises:
        UserError: as :func:`read_content`.
    """
    digest = hashlib.sha256()
    try:
        _verify_archive(path, file)
        if file.sha256 or not file.archive_sha256:
            for chunk in _decompressed(path):
                digest.update(chunk)
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise UserError(_damaged(path, error)) from error
    if file.sha256:
        _compare(path, "decompressed content", digest.hexdigest(), file.sha256)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Yield the decompressed content of a file as a stream."""
    with path.open("rb") as raw:
        start = raw.read(max(map(len, _COMPRESSIONS)))
        raw.seek(0)
        opener = next((opener for magic, opener in _COMPRESSIONS.items() if start.startswith(magic)), None)
        yield opener(raw) if opener else raw


def _decompressed(path: Path) -> Iterator[bytes]:
    with opened(path) as stream:
        total = 0
        while chunk := stream.read(_CHUNK):
            total += len(chunk)
            if total > _MAX_BYTES:
                raise UserError(
                    f"{path} decompresses to more than {_MAX_BYTES >> 30} GiB, which no data set here does; "
                    f"replace it by the original."
                )
            yield chunk


def _verify_archive(path: Path, file: FileSpec) -> None:
    if file.archive_sha256:
        with path.open("rb") as raw:
            _compare(path, "content", hashlib.file_digest(raw, "sha256").hexdigest(), file.archive_sha256)


def _compare(path: Path, what: str, found: str, pinned: str) -> None:
    if found != pinned:
        raise UserError(
            f"{path} is damaged, incomplete or another file: the SHA-256 of its {what} is {found}, not "
            f"{pinned}. Replace it by the original, which inference-gaps fetch-data downloads."
        )


def _damaged(path: Path, error: Exception) -> str:
    if isinstance(error, PermissionError | IsADirectoryError):
        return f"{path} cannot be read ({error.strerror}); make it a readable file."
    return (
        f"{path} is truncated or damaged ({error}). Replace it by the original, which inference-gaps fetch-data "
        f"downloads."
    )


def unpinned_digests(dataset: DatasetSpec, folder: Path) -> dict[str, str]:
    """Return the start of the SHA-256 of each file that has no digest in ``dataset``, by name.

    The images of a folder count as one file, called ``images``. What is not there is left out.

    Raises:
        UserError: a file cannot be read, or one is no image where images are.
    """
    try:
        if not dataset.files:
            return {"images": _of_images(folder)} if folder.is_dir() else {}
        unpinned = [file for file in dataset.files if not (file.sha256 or file.archive_sha256)]
        found = {file.name: find_file(folder, file) for file in unpinned}
        return {name: _of_file(path).hex()[:_DIGITS] for name, path in found.items() if path}
    except OSError as error:
        raise UserError(f"{error.filename} cannot be read ({error.strerror}); make it readable.") from error


def _of_file(path: Path | str) -> bytes:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _of_images(folder: Path) -> str:
    digest = hashlib.sha256()
    top = os.fspath(folder)
    for names in image_names(names_below(folder), top).values():
        for name in names:
            digest.update(os.fsencode(name) + b"\0" + _of_file(f"{top}/{name}"))
    return digest.hexdigest()[:_DIGITS]
