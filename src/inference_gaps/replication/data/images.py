"""The images of a folder or a tar archive, ``<split>/<class>/*.png|jpg``."""

import io
import math
import os
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from inference_gaps.errors import UserError, is_out_of_memory
from inference_gaps.replication.data.archives import tar_members
from inference_gaps.replication.data.image_files import image_names, names_below, several
from inference_gaps.replication.jobs.progress_bar import progress_bar

__all__ = ["read_image_folder", "read_image_tar"]

Bytes = npt.NDArray[np.uint8]

_FORMATS = ("PNG", "JPEG")
# Eight bits a channel; deeper images would lose grey levels without a word.
_MODES = frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "YCbCr"})
# A PNG says how many bits a channel has in the byte at 24; Pillow cuts 16 bits of colour to 8.
_DEPTH_OF_PNG = 24
_DAMAGE = (
    *(OSError, EOFError, LookupError, SyntaxError, ValueError, struct.error, zlib.error),
    Image.DecompressionBombError,
)
_MAX_FILE_BYTES = 64 << 20
_MOST_CHARACTERS = 200
_ORDER_SEED = 0


@dataclass(frozen=True)
class _Fault:
    """Why images are not taken: what they are, the remedy, and how that is said of a single one if otherwise."""

    are: str
    remedy: str
    is_: str = ""


_UNREADABLE = _Fault("not readable", "make readable what these names lead to")
_DAMAGED = _Fault(
    "not readable PNG or JPEG images", "replace by the originals", is_="not a readable PNG or JPEG image"
)
_ANIMATED = _Fault("animated", "keep one frame")
_FOR_PRINT = _Fault("in colours for print (CMYK)", "convert to RGB first")
_DEEP = _Fault("deeper than 8 bits a channel", "convert to 8 bits first")
_TRANSPARENT = _Fault("transparent", "put a colour behind the pixels first")


class _Unfit(Exception):
    """An image is not taken; ``detail`` is on this one."""

    def __init__(self, fault: _Fault, detail: str = "") -> None:
        super().__init__(fault.are)
        self.fault, self.detail = fault, detail


def read_image_folder(folder: Path, shape: Sequence[int]) -> dict[str, Bytes]:
    """Read the images below ``folder``; links to files and folders are followed.

    Images of a part come in a fixed random order of their sorted paths, so that the first ones mix classes.

    Args:
        folder: holds ``train/``, ``validation/`` or ``test/``.
        shape: channels, height, width that every image must have, turned upright as its EXIF orientation says;
            1 channel converts to grey, 3 to RGB.

    Returns:
        Grey levels [N, D] by part, channel first.

    Raises:
        UserError: no images, or some that are damaged, transparent, deeper than 8 bits, of another size, of another
            format, or elsewhere.
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
                raise _Unfit(_UNREADABLE, error.strerror or "") from error

        return read

    try:
        files = {name: reader(folder / name) for name in names_below(folder)}
    except OSError as error:
        raise UserError(f"{error.filename} cannot be read ({error.strerror}); make it readable.") from error
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
    if shape[0] not in (1, 3):
        raise UserError(f"{label}: images have 1 channel or 3, not {shape[0]}; correct shape.")
    names = image_names(files, label)
    parts = {}
    unfit: dict[_Fault, dict[str, str]] = {}
    with progress_bar(sum(map(len, names.values())), "read images", "image") as bar:
        for part, found in names.items():
            order = np.random.Generator(np.random.PCG64(_ORDER_SEED)).permutation(len(found))
            rows = np.empty((len(found), math.prod(shape)), np.uint8)
            for row, index in enumerate(order):
                try:
                    rows[row] = _pixels(files[found[index]](), shape)
                except _Unfit as error:
                    unfit.setdefault(error.fault, {})[found[index]] = error.detail
                bar.update()
            parts[part] = rows
    if unfit:
        raise UserError(f"{label}: {' '.join(_sentence(*each) for each in unfit.items())}")
    return parts


def _sentence(fault: _Fault, details: Mapping[str, str]) -> str:
    names = sorted(details, key=os.fsencode)
    detail = f" ({details[names[0]]})" if details[names[0]] else ""
    return f"{several(names, fault.is_ or fault.are, fault.are)}{detail}; {fault.remedy}."


def _pixels(content: bytes, shape: Sequence[int]) -> Bytes:
    channels, height, width = shape
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            # Before anything is decompressed, so that a small file cannot fill the memory.
            _check_size(image, (width, height), (height, width))
            _check_content(image, content)
            upright = ImageOps.exif_transpose(image)
            _check_size(upright, (width, height))
            pixels = np.asarray(upright.convert({1: "L", 3: "RGB"}[channels]))
        # Decoding stops with the last pixel; this reads the checksums, too, of formats that have some.
        with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            image.verify()
    except Image.UnidentifiedImageError as error:
        raise _Unfit(_DAMAGED) from error
    except _DAMAGE as error:
        if is_out_of_memory(error):
            raise
        raise _Unfit(_DAMAGED, " ".join(str(error).split())[:_MOST_CHARACTERS]) from error
    return pixels.reshape(height, width, channels).transpose(2, 0, 1).ravel()


def _check_size(image: Image.Image, wanted: tuple[int, int], turned: tuple[int, int] = (0, 0)) -> None:
    if image.size not in (wanted, turned):
        size = "of another size than {} x {} pixels".format(*wanted)
        raise _Unfit(_Fault(size, "scale to one size first"), "{} x {}".format(*image.size))


def _check_content(image: Image.Image, content: bytes) -> None:
    """Raise :class:`_Unfit` if an image holds what grey levels or RGB of 8 bits cannot hold."""
    frames = getattr(image, "n_frames", 1)
    if frames > 1:
        raise _Unfit(_ANIMATED, f"{frames} frames")
    if image.mode == "CMYK":
        raise _Unfit(_FOR_PRINT)
    if image.mode not in _MODES or (image.format == "PNG" and content[_DEPTH_OF_PNG] > 8):
        raise _Unfit(_DEEP)
    if image.has_transparency_data and np.asarray(image.convert("RGBA"))[:, :, 3].min() < 255:
        raise _Unfit(_TRANSPARENT)
