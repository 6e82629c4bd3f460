"""What raw files hold, where the description of a data set does not pin it."""

import hashlib
import os
from pathlib import Path

from inference_gaps.errors import UserError
from inference_gaps.replication.data.image_files import image_names, names_below
from inference_gaps.replication.data.raw_files import find_file
from inference_gaps.specs.data import DatasetSpec

__all__ = ["unpinned_digests"]

_DIGITS = 16


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
