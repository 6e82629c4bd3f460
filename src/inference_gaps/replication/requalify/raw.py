"""Small raw files of every format that images are read from."""

import gzip
import hashlib
import io
import lzma
import tarfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from inference_gaps.replication.specs.data import DatasetSpec

__all__ = ["RAW", "datasets", "write_raw_files"]

RAW = Path("raw")
"""The folder that jobs find them in."""

_GREY, _LARGE, _COLOUR = (1, 4, 4), (1, 8, 8), (3, 32, 32)
_COUNTS = {"train": 32, "test": 8}
_SPLITS = {
    "train": {"part": "train", "stop": 24},
    "validation": {"part": "train", "start": 24},
    "test": {"part": "test", "stop": 7},
}


def _pixels(part: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return random grey levels [N, C, H, W] with smooth shapes in them."""
    rng = np.random.Generator(np.random.PCG64(len(part)))
    coarse = rng.integers(0, 256, (_COUNTS[part], shape[0], 2, 2))
    fine = np.kron(coarse, np.ones((1, 1, shape[1] // 2, shape[2] // 2)))
    return np.clip(fine + rng.integers(-40, 41, fine.shape), 0, 255).astype(np.uint8)


def _idx(part: str, shape: tuple[int, ...]) -> bytes:
    pixels = _pixels(part, shape)
    pixels = pixels[:, 0] if shape[0] == 1 else pixels
    return bytes([0, 0, 8, pixels.ndim]) + np.array(pixels.shape, ">u4").tobytes() + pixels.tobytes()


def _amat(part: str) -> bytes:
    bits = (_pixels(part, _GREY) >= 128).reshape(_COUNTS[part], -1).astype(int)
    return "".join(" ".join(map(str, row)) + "\n" for row in bits.tolist()).encode()


def _images(*kinds: str) -> dict[str, bytes]:
    """Return image files of some formats and modes, one after the other, by their place below a folder."""
    found = {}
    for part in _COUNTS:
        for index, pixels in enumerate(_pixels(part, _COLOUR)):
            kind, mode = kinds[index % len(kinds)].split()
            file = io.BytesIO()
            Image.fromarray(pixels.transpose(1, 2, 0)).convert(mode).save(file, kind)
            found[f"{part}/{index % 3}/{index}.{kind.lower()}"] = file.getvalue()
    return found


def _tar(members: Mapping[str, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


@cache
def _contents() -> dict[str, bytes]:
    """Return the content of each file, by its name."""
    found = {f"bits-{part}.amat": _amat(part) for part in _COUNTS}
    for name, shape in (("grey", _GREY), ("large", _LARGE), ("colour", _COLOUR)):
        found |= {f"{name}-{part}.gz": gzip.compress(_idx(part, shape), mtime=0) for part in _COUNTS}
    records = {
        name: b"".join(bytes([1]) + image.tobytes() for image in _pixels(part, _COLOUR))
        for name, part in (("data_batch_1.bin", "train"), ("test_batch.bin", "test"))
    }
    found["cifar.tar.xz"] = lzma.compress(_tar(records))
    found["photos.tar"] = _tar(_images("JPEG RGB", "JPEG L"))
    pictures = _images("PNG RGB", "PNG L", "PNG P", "PNG RGBA", "PNG 1")
    return found | {f"folder/{name}": content for name, content in pictures.items()}


def write_raw_files(folder: Path) -> None:
    """Write the files of all :func:`datasets` below a folder."""
    for name, content in _contents().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def datasets() -> dict[str, DatasetSpec]:
    """Return a data set of each format, by name; their folders are below :data:`RAW`."""

    def described(kind: str, shape: tuple[int, ...], *files: dict[str, str], **more: Any) -> DatasetSpec:
        about = {"title": "Probe", "licence": "none", "format": kind, "shape": list(shape), "splits": _SPLITS}
        return DatasetSpec.model_validate({"folder": f"{RAW}", **about, "files": list(files), **more})

    def of_parts(name: str, digest: str | None = None) -> list[dict[str, str]]:
        files = [{"name": name.format(part), "part": part} for part in _COUNTS]
        if digest:
            for file in files:
                file[digest] = hashlib.sha256(_plain(_contents()[file["name"]])).hexdigest()
        return files

    def archive(name: str) -> dict[str, str]:
        return {"name": name, "part": "all"}

    return {
        "grey": described("idx", _GREY, *of_parts("grey-{}.gz", "sha256")),
        "shrunk": described("idx", _LARGE, *of_parts("large-{}.gz"), shrink=2),
        "colour": described("idx", _COLOUR, *of_parts("colour-{}.gz")),
        "bits": described("amat", _GREY, *of_parts("bits-{}.amat", "archive_sha256")),
        "cifar": described("cifar-binary", _COLOUR, archive("cifar.tar.xz")),
        "photos": described("image-folder", _COLOUR, archive("photos.tar")),
        "folder": described("image-folder", _COLOUR, folder=f"{RAW}/folder"),
        "folder in grey": described("image-folder", (1, 32, 32), folder=f"{RAW}/folder"),
    }


def _plain(content: bytes) -> bytes:
    return gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
