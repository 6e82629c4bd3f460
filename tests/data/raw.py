"""Raw files made for tests: IDX, amat, CIFAR, tar archives, and descriptions of data sets that hold them."""

import gzip
import hashlib
import io
import math
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from inference_gaps.replication.specs.data import DatasetSpec

__all__ = ["dataset", "grey_levels", "idx", "image", "sha256", "tar", "write_images"]

Bytes = npt.NDArray[np.uint8]


def grey_levels(*shape: int, seed: int = 0) -> Bytes:
    """Random bytes in which the two grey levels beside one half are common."""
    random = np.random.default_rng(seed)
    return np.where(
        random.random(shape) < 0.3, random.integers(127, 129, shape), random.integers(0, 256, shape)
    ).astype(np.uint8)


def idx(images: Bytes) -> bytes:
    """Return images [N, ...] as an IDX file."""
    return bytes([0, 0, 8, images.ndim]) + np.array(images.shape, ">u4").tobytes() + images.tobytes()


def sha256(content: bytes) -> str:
    """Return the digest as hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def image(pixels: Bytes, kind: str = "PNG") -> bytes:
    """Return pixels [H, W] or [H, W, 3] as an image file."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def tar(members: Mapping[str, bytes]) -> bytes:
    """Return an uncompressed tar archive."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


def write_images(folder: Path, images: Mapping[str, Bytes]) -> None:
    """Write ``<split>/<class>/<name>.png`` below ``folder``."""
    for name, pixels in images.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(image(pixels))


def dataset(folder: Path | None = None, images: Bytes | None = None, **changes: Any) -> DatasetSpec:
    """Describe an IDX data set of 2 x 3 images; with ``folder`` and ``images``, write its one file, too."""
    file: dict[str, Any] = {"name": "images.gz", "part": "train"}
    if folder is not None and images is not None:
        content = idx(images)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "images.gz").write_bytes(gzip.compress(content))
        file["sha256"] = sha256(content)
        assert math.prod(images.shape[1:]) == 6
    description = {
        "title": "Tiny",
        "licence": "CC0",
        "format": "idx",
        "shape": [1, 2, 3],
        "folder": "tiny",
        "files": [file],
        "splits": {"train": {"part": "train"}},
    }
    return DatasetSpec.model_validate({**description, **changes})
