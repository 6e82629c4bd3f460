"""Image folders and archives: order, channels, and images that are not what they should be."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from inference_gaps.errors import UserError
from inference_gaps.replication.data.images import read_image_folder, read_image_tar
from tests.data.raw import grey_levels, image, tar, write_images

SHAPE = [3, 4, 5]


def colours(number: int) -> dict[str, np.ndarray]:
    """Two classes of images; the first pixel holds 100 * class + number."""
    images = {}
    for label, name in enumerate(("cat", "dog")):
        for index in range(number):
            pixels = grey_levels(4, 5, 3, seed=index)
            pixels[0, 0, 0] = 100 * label + index
            images[f"train/{name}/{index:04d}.png"] = pixels
    return images


def test_rows_are_channel_first(tmp_path: Path) -> None:
    pixels = grey_levels(4, 5, 3)
    write_images(tmp_path, {"train/cat/1.png": pixels})
    rows = read_image_folder(tmp_path, SHAPE)["train"]
    assert np.array_equal(rows.reshape(3, 4, 5), pixels.transpose(2, 0, 1))


def test_the_first_images_mix_classes_and_the_order_is_fixed(tmp_path: Path) -> None:
    images = colours(50)
    write_images(tmp_path, dict(reversed(images.items())))
    marks = read_image_folder(tmp_path, SHAPE)["train"][:, 0]
    expected = [pixels[0, 0, 0] for pixels in images.values()]
    assert marks.tolist() == [expected[i] for i in np.random.Generator(np.random.PCG64(0)).permutation(100)]
    assert 5 < sum(mark >= 100 for mark in marks[:20]) < 15


def test_an_archive_reads_as_the_folder(tmp_path: Path) -> None:
    images = colours(5) | {"test/cat/1.png": grey_levels(4, 5, 3)}
    write_images(tmp_path, images)
    members = {name: image(pixels) for name, pixels in reversed(images.items())}
    folder = read_image_folder(tmp_path, SHAPE)
    archive = read_image_tar(tar({"README.md": b"about", **members}), SHAPE, "x")
    assert folder.keys() == archive.keys() == {"train", "test"}
    assert all(np.array_equal(folder[part], archive[part]) for part in folder)


def test_grey_and_colour_convert(tmp_path: Path) -> None:
    grey = grey_levels(4, 5)
    write_images(tmp_path, {"train/a/1.png": grey})
    assert np.array_equal(read_image_folder(tmp_path, [1, 4, 5])["train"][0], grey.ravel())
    assert np.array_equal(read_image_folder(tmp_path, SHAPE)["train"][0], np.tile(grey.ravel(), 3))


def test_jpeg_and_hidden_files(tmp_path: Path) -> None:
    write_images(tmp_path, {"train/a/1.png": np.zeros((4, 5, 3), np.uint8)})
    (tmp_path / "train/a/2.JPG").write_bytes(image(np.full((4, 5, 3), 200, np.uint8), "JPEG"))
    (tmp_path / "train/a/._2.JPG").write_bytes(b"a resource fork")
    rows = read_image_folder(tmp_path, SHAPE)["train"]
    assert sorted(rows.mean(axis=1).round().tolist()) == [0, 200]


def bomb() -> bytes:
    """A PNG of a few bytes that announces 60,000 x 60,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


def deep() -> bytes:
    return image(np.zeros((4, 5), np.uint16))


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("train/a/1.png", b"no image", r"x: train/a/1\.png is not a readable PNG or JPEG image"),
        (
            "train/a/1.png",
            image(grey_levels(4, 5, 3))[:-30],
            r"train/a/1\.png is not a readable PNG or JPEG image",
        ),
        (
            "train/a/1.png",
            image(grey_levels(4, 5), "BMP"),
            r"train/a/1\.png is not a readable PNG or JPEG image",
        ),
        ("train/a/1.png", bomb(), r"train/a/1\.png is not a readable PNG or JPEG image \(Image size"),
        (
            "train/a/1.png",
            image(grey_levels(5, 4, 3)),
            r"train/a/1\.png is of another size than 5 x 4 pixels \(4 x 5\); scale to one size first",
        ),
        ("train/a/1.png", deep(), r"train/a/1\.png is deeper than 8 bits a channel; convert to 8 bits first"),
        (
            "valid/a/1.png",
            b"",
            r"valid/a/1\.png is not where an image belongs; put images at <split>/<class>/<file>",
        ),
        ("train/1.png", b"", r"train/1\.png is not where an image belongs"),
        ("README.md", b"", "x holds no images; put PNG or JPEG files at <split>/<class>/<file>"),
    ],
    ids=["text", "truncated", "bmp", "bomb", "size", "depth", "split", "class", "none"],
)
def test_wrong_images(name: str, content: bytes, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        read_image_tar(tar({name: content}), SHAPE, "x")


def test_two_channels(tmp_path: Path) -> None:
    write_images(tmp_path, {"train/a/1.png": grey_levels(4, 5)})
    with pytest.raises(UserError, match="images have 1 channel or 3, not 2; correct shape"):
        read_image_folder(tmp_path, [2, 4, 5])


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere does not exist; name the folder that holds"):
        read_image_folder(tmp_path / "nowhere", SHAPE)
