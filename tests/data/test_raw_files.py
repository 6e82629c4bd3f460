"""Raw files: every way in which one can be wrong is a sentence."""

import gzip
import lzma
from pathlib import Path

import pytest

from inference_gaps.errors import UserError
from inference_gaps.replication.data.raw_files import read_content, verify
from inference_gaps.replication.specs.data import FileSpec
from tests.data.raw import sha256

CONTENT = bytes(range(256)) * 40
PINNED = FileSpec(name="images.gz", part="train", sha256=sha256(CONTENT))


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("images.gz", gzip.compress(CONTENT)),
        ("images", CONTENT),
        ("images.xz", lzma.compress(CONTENT)),
        ("images.gz", CONTENT),  # decompressed by a browser that kept the name
        ("I.mages.gz", gzip.compress(CONTENT)),
        ("i.mages", CONTENT),  # as some tools unpack train-images-idx3-ubyte.gz to train-images.idx3-ubyte
        ("images/i-mages", CONTENT),
        ("raw/images", CONTENT),
    ],
)
def test_compressed_and_decompressed_forms_are_read(tmp_path: Path, name: str, written: bytes) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(written)
    assert read_content(tmp_path, PINNED) == (tmp_path / name, CONTENT)


def test_another_name_counts_only_where_the_content_is_pinned(tmp_path: Path) -> None:
    (tmp_path / "i.mages").write_bytes(CONTENT)
    with pytest.raises(UserError, match=r"holds no images\.gz"):
        read_content(tmp_path, FileSpec(name="images.gz", part="train"))


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"holds no images\.gz; copy the file there, or let .* fetch-data"):
        read_content(tmp_path, PINNED)


@pytest.mark.parametrize("compress", [gzip.compress, lzma.compress])
def test_truncated_file(tmp_path: Path, compress) -> None:
    (tmp_path / "images.gz").write_bytes(compress(CONTENT)[:-20])
    with pytest.raises(UserError, match=r"images\.gz is truncated or damaged .* Replace it by the original"):
        read_content(tmp_path, PINNED)


def test_corrupted_file(tmp_path: Path) -> None:
    damaged = bytearray(gzip.compress(CONTENT))
    damaged[len(damaged) // 2] ^= 255
    (tmp_path / "images.gz").write_bytes(damaged)
    with pytest.raises(UserError, match=r"images\.gz is (truncated or )?damaged"):
        read_content(tmp_path, PINNED)


def test_other_content(tmp_path: Path) -> None:
    (tmp_path / "images.gz").write_bytes(gzip.compress(CONTENT + b"!"))
    with pytest.raises(UserError, match="another file: the SHA-256 of its decompressed content is"):
        read_content(tmp_path, PINNED)


def test_digest_of_the_archive_itself(tmp_path: Path) -> None:
    archive = gzip.compress(CONTENT)
    file = FileSpec(name="images.gz", part="all", archive_sha256=sha256(archive))
    (tmp_path / "images").write_bytes(CONTENT)
    with pytest.raises(UserError, match=r"holds no images\.gz"):  # its content alone proves nothing
        read_content(tmp_path, file)
    (tmp_path / "images.gz").write_bytes(archive)
    assert read_content(tmp_path, file)[1] == CONTENT
    verify(tmp_path / "images.gz", file)
    (tmp_path / "images.gz").write_bytes(archive + b"\0")
    with pytest.raises(UserError, match="the SHA-256 of its content is"):
        verify(tmp_path / "images.gz", file)


def test_unreadable_file(tmp_path: Path) -> None:
    (tmp_path / "images.gz").mkdir()
    with pytest.raises(UserError, match=r"holds no images\.gz"):
        read_content(tmp_path, PINNED)


def test_endless_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inference_gaps.replication.data.raw_files._MAX_BYTES", 5 << 20)
    (tmp_path / "images.gz").write_bytes(gzip.compress(bytes(6 << 20)))
    with pytest.raises(UserError, match="decompresses to more than"):
        read_content(tmp_path, PINNED)


@pytest.mark.parametrize("name", ["../images.gz", "/etc/passwd", "a/b.gz", ".hidden", ""])
def test_a_file_name_is_no_path(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        FileSpec(name=name, part="train")
