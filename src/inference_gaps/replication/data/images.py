"""Folders of images, ``<split>/<class>/*.png|jpg``, on disk or in a tar archive."""

import io
import math
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import get_args

import numpy as np
import numpy.typing as npt
from PIL import Image

from inference_gaps.errors import UserError, is_out_of_memory
from inference_gaps.replication.data.archives import tar_members
from inference_gaps.replication.jobs.progress import progress_bar
from inference_gaps.specs.data import Part

__all__ = ["read_image_folder", "read_image_tar"]

Bytes = npt.NDArray[np.uint8]

_SUFFIXES = frozenset({".png", ".jpg", ".jpeg"})
_FORMATS = ("PNG", "JPEG")
# Eight bits a channel; deeper images would lose grey levels without a word.
_MODES = frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "YCbCr"})
_DAMAGE = (
    *(OSError, EOFError, LookupError, SyntaxError, ValueError, struct.error, zlib.error),
    Image.DecompressionBombError,
)
_MAX_FILE_BYTES = 64 << 20
_ORDER_SEED = 0


def read_image_folder(folder: Path, shape: Sequence[int]) -> dict[str, Bytes]:
    """Read the images below ``folder``.

    Images of a part come in a fixed random order of their sorted paths, so that the first ones mix classes.

    Args:
        folder: holds ``train/``, ``validation/`` or ``test/``.
        shape: channels, height, width that every image must have; 1 channel converts to grey, 3 to RGB.

    Returns:
        Grey levels [N, D] by part, channel first.

    Raises:
        UserError: no images, or one that is damaged, of another size, or elsewhere.
    """
    if not folder.is_dir():
        raise UserError(
            f"the folder {folder} does not exist; name the folder that holds <split>/<class>/*.png."
        )

    def reader(path: Path) -> Callable[[], bytes]:
        def read() -> bytes:
            try:
                with path.open("rb") as file:
                    return file.read(_MAX_FILE_BYTES)
            except OSError as error:
                raise UserError(f"{path} cannot be read ({error.strerror}); make it readable.") from error

        return read

    files = {
        path.relative_to(folder).as_posix(): reader(path) for path in folder.rglob("*") if path.is_file()
    }
    return _read_images(files, shape, str(folder))


def read_image_tar(content: bytes, shape: Sequence[int], label: str) -> dict[str, Bytes]:
    """Read the same from an uncompressed tar archive; see :func:`read_image_folder`."""

    def reader(member: bytes) -> Callable[[], bytes]:
        return lambda: member

    files = {name: reader(member) for name, member in tar_members(content, label)}
    return _read_images(files, shape, label)


def _read_images(
    files: Mapping[str, Callable[[], bytes]], shape: Sequence[int], label: str
) -> dict[str, Bytes]:
    names: dict[str, list[str]] = {}
    for name in sorted(files):
        path = PurePosixPath(name)
        if path.suffix.lower() not in _SUFFIXES or any(part.startswith(".") for part in path.parts):
            continue
        if path.parts[0] not in get_args(Part) or len(path.parts) != 3:
            raise UserError(
                f"{label}: {name} is not where an image belongs; put images at <split>/<class>/<file>, with "
                f"{', '.join(get_args(Part)[:-1])} or {get_args(Part)[-1]} as the split."
            )
        names.setdefault(path.parts[0], []).append(name)
    if not names:
        raise UserError(f"{label} holds no images; put PNG or JPEG files at <split>/<class>/<file>.")

    parts = {}
    with progress_bar(sum(map(len, names.values())), "read images", "image") as bar:
        for part, found in names.items():
            order = np.random.Generator(np.random.PCG64(_ORDER_SEED)).permutation(len(found))
            rows = np.empty((len(found), math.prod(shape)), np.uint8)
            for row, index in enumerate(order):
                rows[row] = _pixels(files[found[index]](), shape, f"{label}: {found[index]}")
                bar.update()
            parts[part] = rows
    return parts


def _pixels(content: bytes, shape: Sequence[int], label: str) -> Bytes:
    channels, height, width = shape
    converted = {1: "L", 3: "RGB"}
    if channels not in converted:
        raise UserError(f"{label}: images have 1 channel or 3, not {channels}; correct shape.")
    try:
        # The size is compared before anything is decompressed, so that a small file cannot fill the memory.
        with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            if image.size != (width, height):
                raise UserError(
                    f"{label} is {image.width} x {image.height} pixels, not {width} x {height}; "
                    f"scale it first."
                )
            if image.mode == "CMYK":
                raise UserError(f"{label} holds colours for print (CMYK); convert it to RGB first.")
            if image.mode not in _MODES:
                raise UserError(
                    f"{label} has more than 8 bits a channel (mode {image.mode}); convert it first."
                )
            frames = getattr(image, "n_frames", 1)
            if frames > 1:
                raise UserError(f"{label} is animated ({frames} frames); keep one of them.")
            pixels = np.asarray(image.convert(converted[channels]))
        # Decoding stops with the last pixel; this reads the checksums, too, of formats that have some.
        with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            image.verify()
    except _DAMAGE as error:
        if is_out_of_memory(error):
            raise
        raise UserError(
            f"{label} is not a readable PNG or JPEG image ({error}); replace or remove it."
        ) from error
    return pixels.reshape(height, width, channels).transpose(2, 0, 1).ravel()
