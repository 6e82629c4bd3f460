"""IDX, amat and CIFAR against files made by their definitions; tar archives that must be refused."""

import tarfile

import numpy as np
import pytest

from inference_gaps.errors import UserError
from inference_gaps.replication.data.archives import tar_members
from inference_gaps.replication.data.pixels import read_amat, read_cifar, read_idx
from tests.data.raw import grey_levels, idx, tar


@pytest.mark.parametrize(
    ("axes", "shape"), [((2, 3), [1, 2, 3]), ((1, 2, 3), [1, 2, 3]), ((3, 4, 5), [3, 4, 5])]
)
def test_idx_rows_are_images_channel_first(axes: tuple[int, ...], shape: list[int]) -> None:
    images = grey_levels(7, *axes)
    assert np.array_equal(read_idx(idx(images), shape, "x"), images.reshape(7, -1))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "x is not an IDX file of bytes"),
        (b"\x1f\x8b\x08\x00", "x is not an IDX file of bytes"),
        (idx(grey_levels(4, 2, 3))[:9], "x is not an IDX file of bytes"),
        (idx(grey_levels(4, 2, 3))[:-1], "x announces 4 images but holds 23 bytes of them, not 24"),
        (idx(grey_levels(4, 2, 3)) + b"\0", "x announces 4 images but holds 25 bytes of them, not 24"),
        (idx(grey_levels(4, 3, 2)), "x holds images of shape 3 x 2, not 1 x 2 x 3"),
        (idx(grey_levels(4)), "x holds images of shape"),
    ],
)
def test_wrong_idx(content: bytes, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        read_idx(content, [1, 2, 3], "x")


def test_amat() -> None:
    assert read_amat(b"0 1 1 0 0 1\n1 1 0 0 0 0\n", [1, 2, 3], "x").tolist() == [
        [0, 1, 1, 0, 0, 1],
        [1, 1, 0, 0, 0, 0],
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"0 1 1 0 0 1\n1 1 0",
        b"0 1 1 0 0 2\n",
        b"0 1 1\n0 0 1\n",
        b"0 1 1 0 0 1 ",
        b"0,1,1,0,0,1\n",
        b"\0" * 12,
    ],
)
def test_wrong_amat(content: bytes) -> None:
    with pytest.raises(UserError, match="x does not hold lines of 6 digits 0 or 1"):
        read_amat(content, [1, 2, 3], "x")


def cifar_batch(images: np.ndarray) -> bytes:
    labels = np.arange(len(images), dtype=np.uint8)[:, None]
    return np.concatenate([labels, images.reshape(len(images), -1)], axis=1).tobytes()


def test_cifar_batches_follow_each_other_whatever_their_order_in_the_archive() -> None:
    images = grey_levels(6, 3, 32, 32)
    content = tar(
        {
            "cifar-10-batches-bin/data_batch_2.bin": cifar_batch(images[2:4]),
            "cifar-10-batches-bin/test_batch.bin": cifar_batch(images[4:]),
            "cifar-10-batches-bin/readme.html": b"<html>",
            "cifar-10-batches-bin/data_batch_1.bin": cifar_batch(images[:2]),
        }
    )
    parts = read_cifar(content, "x")
    assert np.array_equal(parts["train"], images[:4].reshape(4, -1))
    assert np.array_equal(parts["test"], images[4:].reshape(2, -1))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"no archive", "x is not a tar archive, or it is truncated"),
        (tar({"a/data_batch_1.bin": cifar_batch(grey_levels(1, 3072))}), r"x holds no test_batch\*\.bin"),
        (
            tar({"a/data_batch_1.bin": b"123"}),
            r"x: a/data_batch_1\.bin is no sequence of records of 3073 bytes",
        ),
        (
            tar({"a/data_batch_1.bin": bytes([7]) * 3073 * 2})[: 512 + 3000],
            "x is not a tar archive, or it is truncated",
        ),
        (b"\1" * 1024 + bytes(1024), "x is not a readable tar archive"),
        (tar({"a/data_batch_1.bin": bytes(9000)})[:5000] + bytes(1024), "x is not a readable tar archive"),
    ],
)
def test_wrong_cifar_archive(content: bytes, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        read_cifar(content, "x")


def special(name: str, kind: bytes, target: str = "", size: int = 0) -> bytes:
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.size = kind, target, size
    # Its header alone, with the end of an archive: no Python writes a member without its content since 3.13.
    return member.tobuf() + bytes(2 * tarfile.BLOCKSIZE)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (
            special("train/a/1.png", tarfile.SYMTYPE, "/etc/passwd"),
            "'train/a/1.png' is a link or a special file",
        ),
        (special("train/a/1.png", tarfile.LNKTYPE, "train/a/2.png"), "is a link or a special file"),
        (special("train/a/1.png", tarfile.CHRTYPE), "is a link or a special file"),
        (special("train/a/1.png", tarfile.FIFOTYPE), "is a link or a special file"),
        (tar({"../../train/a/1.png": b"x"}), "has a path that leads out of the archive"),
        (tar({"train/a/../../../1.png": b"x"}), "has a path that leads out of the archive"),
        (tar({"/train/a/1.png": b"x"}), "has a path that leads out of the archive"),
        (special("train/a/1.png", tarfile.REGTYPE, size=1 << 40), "is larger than 64 MiB"),
    ],
)
def test_malicious_members_are_refused(content: bytes, sentence: str) -> None:
    with pytest.raises(UserError, match=f"x is refused: its member .*{sentence}"):
        list(tar_members(content, "x"))


def test_members_come_by_clean_names() -> None:
    assert list(tar_members(tar({"./train/a/1.png": b"1", "b": b""}), "x")) == [
        ("train/a/1.png", b"1"),
        ("b", b""),
    ]
