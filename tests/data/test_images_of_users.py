"""Folders of images as people have them: each image is read as it looks, or refused with all others like it."""

import io
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from inference_gaps.errors import UserError
from inference_gaps.replication.data.images import read_image_folder
from inference_gaps.replication.data.raw_files import unpinned_digests
from tests.data.raw import dataset, grey_levels, image, write_images

SHAPE = [3, 4, 5]
FOLDER = dataset(format="image-folder", files=[], shape=SHAPE)
COLOURS = grey_levels(4, 5, 3)


def saved(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def deep(colour_type: int, channels: int) -> bytes:
    """A PNG of 16 bits a channel whose low bytes hold what 8 bits lose."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 5, 4, 16, colour_type, 0, 0, 0)
    rows = b"".join(b"\0" + bytes(range(5 * channels * 2)) for _ in range(4))
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def with_alpha(alpha: int) -> Image.Image:
    picture = Image.fromarray(COLOURS)
    picture.putalpha(alpha)
    return picture


def with_hidden_colour() -> bytes:
    palette = Image.fromarray(COLOURS).quantize(8)
    return saved(palette, transparency=0)


def write(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "birds"
    write_images(folder, {f"train/{name}/{i}.png": COLOURS for name in ("cat", "dog") for i in range(3)})
    return folder


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (deep(2, 3), "are deeper than 8 bits a channel; convert to 8 bits first"),
        (deep(4, 2), "are deeper than 8 bits a channel; convert to 8 bits first"),
        (deep(6, 4), "are deeper than 8 bits a channel; convert to 8 bits first"),
        (saved(with_alpha(100)), "are transparent; put a colour behind the pixels first"),
        (saved(with_alpha(100).convert("LA")), "are transparent; put a colour behind the pixels first"),
        (with_hidden_colour(), "are transparent; put a colour behind the pixels first"),
        (b"", "are not readable PNG or JPEG images; replace by the originals"),
    ],
    ids=["deep RGB", "deep grey-alpha", "deep RGBA", "RGBA", "grey-alpha", "palette", "empty"],
)
def test_what_would_be_lost_is_refused_with_a_count(images: Path, content: bytes, said: str) -> None:
    for name in ("a", "b", "c"):
        write(images, f"train/cat/{name}.png", content)
    with pytest.raises(UserError, match=f"train/cat/a.png and 2 other files {said}"):
        read_image_folder(images, SHAPE)


def test_opaque_alpha_is_no_loss(images: Path) -> None:
    write(images, "test/cat/1.png", saved(with_alpha(255)))
    assert np.array_equal(read_image_folder(images, SHAPE)["test"][0], COLOURS.transpose(2, 0, 1).ravel())


@pytest.mark.parametrize(("kind", "options"), [("PNG", {}), ("JPEG", {"quality": 100, "subsampling": 0})])
@pytest.mark.parametrize(("orientation", "turns"), [(3, 2), (6, -1), (8, 1)])
def test_images_are_turned_upright(
    tmp_path: Path, kind: str, options: dict[str, int], orientation: int, turns: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    bright = np.zeros((4, 5, 3), np.uint8)
    bright[0, :] = 255
    stored = Image.fromarray(np.ascontiguousarray(np.rot90(bright, -turns)))
    write(tmp_path, f"train/a/1.{kind.lower()}", saved(stored, kind, exif=exif, **options))
    found = read_image_folder(tmp_path, SHAPE)["train"].reshape(3, 4, 5)
    assert np.abs(found.astype(int) - bright.transpose(2, 0, 1)).max() < 60


@pytest.mark.parametrize("suffix", ["webp", "bmp", "gif", "tiff", "heic", "npy", "", "jpg~"])
def test_files_that_are_not_read_are_refused_with_a_count(images: Path, suffix: str) -> None:
    for name in ("a", "b"):
        write(images, f"train/cat/{name}.{suffix}".rstrip("."), b"?")
    with pytest.raises(UserError, match="and 1 other file are no PNG or JPEG images; only these are read"):
        read_image_folder(images, SHAPE)


def test_links_are_followed(images: Path, tmp_path: Path) -> None:
    (images / "train/dog").rename(tmp_path / "dog")
    (images / "train/dog").symlink_to(tmp_path / "dog")  # a class
    (images / "test").symlink_to("train")  # a part
    (images / "train/cat/9.png").symlink_to("0.png")  # a file
    (images / "train/cat/again").symlink_to(images / "train")  # a circle
    assert {part: len(rows) for part, rows in read_image_folder(images, SHAPE).items()} == {
        "test": 7,
        "train": 7,
    }


def test_names_in_other_encodings_are_read(images: Path) -> None:
    try:
        write(images, os.fsdecode(b"train/cat/caf\xe9.png"), image(COLOURS))
    except OSError:
        pytest.skip("this file system has names in UTF-8 only")
    assert len(read_image_folder(images, SHAPE)["train"]) == 7
    assert unpinned_digests(FOLDER, images)
    write(images, os.fsdecode(b"train/cat/\xe9.png"), b"")
    with pytest.raises(UserError) as refused:
        read_image_folder(images, SHAPE)
    str(refused.value).encode(errors="backslashreplace")


STRAY = [
    ".DS_Store",
    "train/cat/.DS_Store",
    "train/Thumbs.db",
    "train/cat/desktop.ini",
    "train/cat/labels.csv",
]
STRAY += [
    "__MACOSX/train/cat/._0.png",
    "README",
    "train/cat/.ipynb_checkpoints/0.png",
    "train/cat/@eaDir/0.png",
]


@pytest.mark.parametrize("name", STRAY)
def test_what_programs_leave_behind_is_no_change(images: Path, name: str) -> None:
    before = unpinned_digests(FOLDER, images)
    write(images, name, b"stray")
    assert unpinned_digests(FOLDER, images) == before
    assert len(read_image_folder(images, SHAPE)["train"]) == 6


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: write(folder, "train/cat/0.png", image(grey_levels(4, 5, 3, seed=1))),
        lambda folder: write(folder, "train/cat/9.png", image(COLOURS)),
        lambda folder: (folder / "train/cat/0.png").rename(folder / "train/cat/7.png"),
        lambda folder: (folder / "train/dog/0.png").unlink(),
    ],
    ids=["changed", "added", "renamed", "removed"],
)
def test_what_is_read_counts(images: Path, change: Callable[[Path], object]) -> None:
    before = unpinned_digests(FOLDER, images)
    change(images)
    assert unpinned_digests(FOLDER, images) != before


@pytest.mark.skipif(os.getuid() == 0, reason="root reads everything")
def test_a_folder_that_cannot_be_read_is_not_left_out(images: Path) -> None:
    (images / "train/dog").chmod(0)
    try:
        with pytest.raises(UserError, match=r"train/dog.* cannot be read"):
            read_image_folder(images, SHAPE)
    finally:
        (images / "train/dog").chmod(0o755)
