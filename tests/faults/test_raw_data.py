"""Malformed data files and archives: ``prepare-data`` refuses each with a sentence and leaves nothing behind.

Their digests are not pinned here, so that it is the content that is refused.
"""

import gzip
import io
import lzma
import random
import struct
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from inference_gaps.errors import UserError
from inference_gaps.replication.cli import main
from inference_gaps.replication.data import raw_files
from inference_gaps.replication.data.archives import tar_members
from inference_gaps.replication.data.images import read_image_tar
from inference_gaps.replication.specs.data import PrepareSpec
from tests.command_lines import arguments
from tests.data.raw import dataset, grey_levels, idx, image, sha256, tar
from tests.faults.folders import contents

IMAGES = idx(grey_levels(4, 2, 3))
BITS = b"0 1 1 0 0 1\n1 1 0 0 0 0\n"


def record(label: int = 3, length: int = 3073) -> bytes:
    return bytes([label]) + bytes(length - 1)


def batches(train: bytes, test: bytes | None = None) -> bytes:
    test = record() if test is None else test
    return tar({"cifar/data_batch_1.bin": train, "cifar/test_batch.bin": test})


def member(name: str, kind: bytes = tarfile.REGTYPE, size: int = 0, **more: Any) -> bytes:
    """An archive of one member that need not have the content that it announces."""
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, size
    for key, value in more.items():
        setattr(info, key, value)
    return info.tobuf(tarfile.GNU_FORMAT) + bytes(1024)


def twice(name: str, content: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for _ in range(2):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


def with_holes() -> bytes:
    """A member of the format PAX that takes 512 bytes and announces 60 MiB of zeros."""
    info = tarfile.TarInfo("train/a/1.png")
    info.size = 512
    info.pax_headers = {
        "GNU.sparse.major": "0",
        "GNU.sparse.minor": "1",
        "GNU.sparse.name": "train/a/1.png",
        "GNU.sparse.size": str(60 << 20),
        "GNU.sparse.map": "0,512",
    }
    return info.tobuf(tarfile.PAX_FORMAT) + bytes(512 + 1024)


def headers_without_end() -> bytes:
    header = tarfile.TarInfo("a").create_pax_global_header({"comment": "x"})
    return header * 5000 + bytes(1024)


def beyond_counting() -> bytes:
    """A member whose long name is 2^70 bytes long."""
    return member("././@LongLink", tarfile.GNUTYPE_LONGNAME, size=2**70)


def animated() -> bytes:
    file = io.BytesIO()
    frames = [Image.fromarray(grey_levels(2, 3, seed=seed)) for seed in range(3)]
    frames[0].save(file, "PNG", save_all=True, append_images=frames[1:])
    return file.getvalue()


def cmyk() -> bytes:
    file = io.BytesIO()
    Image.new("CMYK", (3, 2), (0, 255, 255, 0)).save(file, "JPEG")
    return file.getvalue()


def announces(width: int, height: int) -> bytes:
    """A PNG of a few bytes that announces an enormous image."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def photo(content: bytes, name: str = "train/a/1.png") -> bytes:
    return tar({name: content})


JPEG = image(grey_levels(2, 3), "JPEG")
PNG = image(grey_levels(2, 3))
SHAPE = (2, 3)

# Format, name of the case, content of the file, what the sentence says.
MALFORMED: list[tuple[str, str, bytes, str]] = [
    ("idx", "empty", b"", "is not an IDX file of bytes"),
    ("idx", "wrong magic", b"\1" + IMAGES[1:], "is not an IDX file of bytes"),
    ("idx", "floats", IMAGES[:2] + b"\x0d" + IMAGES[3:], "is not an IDX file of bytes"),
    ("idx", "labels", idx(grey_levels(4)), "holds images of shape , not 1 x 2 x 3"),
    ("idx", "255 axes", b"\0\0\x08\xff" + IMAGES[4:], "is not an IDX file of bytes"),
    ("idx", "no axes", b"\0\0\x08\0", "is not an IDX file of bytes"),
    ("idx", "other size", idx(grey_levels(4, 3, 2)), "holds images of shape 3 x 2, not 1 x 2 x 3"),
    ("idx", "colour", idx(grey_levels(4, 3, 2, 3)), "holds images of shape 3 x 2 x 3, not 1 x 2 x 3"),
    ("idx", "truncated header", IMAGES[:9], "is not an IDX file of bytes"),
    ("idx", "truncated", IMAGES[:-1], "announces 4 images but holds 23 bytes of them, not 24"),
    ("idx", "extra bytes", IMAGES + b"\n", "announces 4 images but holds 25 bytes of them, not 24"),
    ("idx", "4 billion images", IMAGES[:4] + b"\xff" * 4 + IMAGES[8:], "announces 4294967295 images but holds"),
    ("idx", "no images", idx(grey_levels(0, 2, 3)), "wants rows 0 to 0 of the part train, which has 0"),
    ("idx", "a page", b"<!DOCTYPE html><html>404</html>", "is not an IDX file of bytes"),
    ("idx", "truncated gzip", gzip.compress(IMAGES)[:-9], "is truncated or damaged"),
    ("idx", "gzip with more behind", gzip.compress(IMAGES) + b"more", "is truncated or damaged"),
    ("idx", "gzip header only", b"\x1f\x8b", "is truncated or damaged"),
    ("idx", "damaged gzip", gzip.compress(IMAGES)[:-8] + bytes(8), "is truncated or damaged"),
    ("idx", "truncated xz", lzma.compress(IMAGES)[:-9], "is truncated or damaged"),
    ("idx", "zip", b"PK\x03\x04" + bytes(60), "is not an IDX file of bytes"),
    ("amat", "empty", b"", "does not hold lines of 6 digits"),
    ("amat", "a column less", b"0 1 1 0 0\n1 1 0 0 0\n", "does not hold lines of 6 digits"),
    ("amat", "a column more", b"0 1 1 0 0 1 1\n", "does not hold lines of 6 digits"),
    ("amat", "not numbers", b"a b c d e f\n", "does not hold lines of 6 digits"),
    ("amat", "fractions", b"0.0 1.0 1.0 0.0 0.0 1.0\n", "does not hold lines of 6 digits"),
    ("amat", "a two", b"0 1 2 0 0 1\n", "does not hold lines of 6 digits"),
    ("amat", "negative", b"-1 1 0 0 0 1\n", "does not hold lines of 6 digits"),
    ("amat", "truncated", BITS[:-5], "does not hold lines of 6 digits"),
    ("amat", "no last line end", BITS[:-1], "does not hold lines of 6 digits"),
    ("amat", "line ends of Windows", BITS.replace(b"\n", b"\r\n"), "does not hold lines of 6 digits"),
    ("cifar-binary", "no archive", record()[:3072] + b"\1", "is not a tar archive, or it is truncated"),
    ("cifar-binary", "wrong record length", batches(record(length=3072)), "is no sequence of records of 3073"),
    ("cifar-binary", "label out of range", batches(record(10)), "has a label above 9"),
    ("cifar-binary", "no test batch", tar({"data_batch_1.bin": record()}), "holds no test_batch*.bin"),
    ("cifar-binary", "python version", tar({"cifar/data_batch_1": b"\x80\x04."}), "holds no data_batch_*.bin"),
    ("cifar-binary", "no members", bytes(10240), "holds no data_batch_*.bin"),
    ("cifar-binary", "empty batches", batches(b"", b""), "wants rows 0 to 0 of the part train, which has 0"),
    ("cifar-binary", "batch twice", twice("data_batch_1.bin", record()), "'data_batch_1.bin' is in it twice"),
    (
        "cifar-binary",
        "batch in two folders",
        tar({"a/data_batch_1.bin": record(), "b/data_batch_1.bin": record()}),
        "holds data_batch_1.bin twice",
    ),
    ("cifar-binary", "truncated", batches(record(1))[:600], "is not a tar archive, or it is truncated"),
    ("image-folder", "no image", photo(b"no image"), "train/a/1.png is not a readable PNG or JPEG image"),
    ("image-folder", "empty image", photo(b""), "train/a/1.png is not a readable PNG or JPEG image"),
    ("image-folder", "wrong size", photo(image(grey_levels(3, 3))), "of another size than 3 x 2 pixels (3 x 3)"),
    ("image-folder", "truncated JPEG", photo(JPEG[: len(JPEG) // 2], "train/a/1.jpg"), "not a readable PNG or"),
    ("image-folder", "truncated PNG", photo(PNG[:-20]), "train/a/1.png is not a readable PNG or JPEG image"),
    ("image-folder", "enormous image", photo(announces(2**31 - 1, 2**31 - 1)), "not a readable PNG or JPEG"),
    ("image-folder", "large image", photo(announces(9000, 9000)), "is of another size than 3 x 2 pixels (9000 x"),
    ("image-folder", "animated", photo(animated()), "train/a/1.png is animated (3 frames); keep one frame"),
    ("image-folder", "CMYK", photo(cmyk(), "train/a/1.jpg"), "is in colours for print (CMYK); convert to RGB"),
    ("image-folder", "16 bits", photo(image(np.zeros(SHAPE, np.uint16))), "is deeper than 8 bits a channel"),
    ("image-folder", "GIF", photo(image(grey_levels(2, 3), "GIF")), "not a readable PNG or JPEG image"),
    ("image-folder", "image twice", twice("train/a/1.png", PNG), "'train/a/1.png' is in it twice"),
    ("image-folder", "two names of one", tar({"train/a/1.png": PNG, "./train/a/1.png": PNG}), "is in it twice"),
    ("image-folder", "empty classes", member("train/cat/", tarfile.DIRTYPE), "holds no images; put PNG or JPEG"),
    ("image-folder", "unknown split", photo(PNG, "valid/a/1.png"), "is not where an image belongs"),
    ("image-folder", "no class", photo(PNG, "train/1.png"), "is not where an image belongs"),
    ("image-folder", "path outside", photo(PNG, "../../train/a/1.png"), "has a path that leads out of the archive"),
    ("image-folder", "hidden path outside", photo(PNG, "train/../../a/1.png"), "leads out of the archive"),
    ("image-folder", "absolute path", photo(PNG, "/train/a/1.png"), "has a path that leads out of the archive"),
    (
        "image-folder",
        "link outside",
        member("train/a/1.png", tarfile.SYMTYPE, linkname="/etc/passwd"),
        "is a link or a special file",
    ),
    (
        "image-folder",
        "hard link outside",
        member("train/a/1.png", tarfile.LNKTYPE, linkname="../../etc/passwd"),
        "is a link or a special file",
    ),
    ("image-folder", "device", member("train/a/1.png", tarfile.BLKTYPE), "is a link or a special file"),
    ("image-folder", "pipe", member("train/a/1.png", tarfile.FIFOTYPE), "is a link or a special file"),
    ("image-folder", "terabytes", member("train/a/1.png", size=1 << 42), "is larger than 64 MiB"),
    ("image-folder", "name of 2^70 bytes", beyond_counting(), "is not a readable tar archive"),
    ("image-folder", "holes", with_holes(), "has holes, which take no room in the archive but do in memory"),
    ("image-folder", "headers without end", headers_without_end(), "is not a readable tar archive"),
]  # fmt: skip


def prepare(folder: Path, kind: str, content: bytes | None, name: str = "images", **pins: str) -> list[str]:
    """Write the raw file and return the command that prepares it."""
    raw = folder / "raw"
    raw.mkdir()
    if content is not None:
        (raw / name).write_bytes(content)
    part = "all" if kind in ("cifar-binary", "image-folder") else "train"
    spec = PrepareSpec(
        dataset=dataset(
            format=kind,
            shape=[3, 32, 32] if kind == "cifar-binary" else [1, 2, 3],
            files=[] if content is None else [{"name": name, "part": part, **pins}],
        ),
        binarisation="given" if kind == "amat" else "threshold",
    )
    return arguments("prepare-data", spec=spec, folder=raw, output=folder / "out.safetensors")


def assert_refused(folder: Path, line: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = contents(folder)
    assert main(line) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    assert sentence in said.err, said.err
    assert contents(folder) == before


def test_they_are_many() -> None:
    assert len({(kind, name) for kind, name, _, _ in MALFORMED}) == len(MALFORMED) >= 20


@pytest.mark.parametrize(
    ("kind", "content", "sentence"),
    [pytest.param(kind, content, said, id=f"{kind}: {name}") for kind, name, content, said in MALFORMED],
)
def test_malformed_files(
    kind: str, content: bytes, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert_refused(tmp_path, prepare(tmp_path, kind, content), sentence, capsys)


@pytest.mark.parametrize("kind", ["idx", "amat", "cifar-binary", "image-folder"])
def test_the_same_files_are_taken_when_they_are_well(kind: str, tmp_path: Path) -> None:
    good = {"idx": IMAGES, "amat": BITS, "cifar-binary": batches(record()), "image-folder": photo(PNG)}
    assert main(prepare(tmp_path, kind, good[kind])) == 0
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["out.safetensors"]


FOLDERS: list[tuple[str, Callable[[Path], object], str]] = [
    ("empty folder", lambda raw: None, "holds no images; put PNG or JPEG files at <split>/<class>/<file>"),
    ("empty classes", lambda raw: (raw / "train/cat").mkdir(parents=True), "holds no images"),
    ("no image", lambda raw: at(raw, "train/a/1.png").write_bytes(b"x"), "is not a readable PNG or JPEG image"),
    ("link to nothing", lambda raw: at(raw, "train/a/1.png").symlink_to("nothing"), "cannot be read (No such"),
    ("image at the top", lambda raw: at(raw, "train/1.png").write_bytes(PNG), "is not where an image belongs"),
]  # fmt: skip


def at(raw: Path, name: str) -> Path:
    (raw / name).parent.mkdir(parents=True, exist_ok=True)
    return raw / name


@pytest.mark.parametrize(("make", "sentence"), [pytest.param(*case[1:], id=case[0]) for case in FOLDERS])
def test_malformed_folders(
    make: Callable[[Path], object], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = prepare(tmp_path, "image-folder", None)
    make(tmp_path / "raw")
    assert_refused(tmp_path, line, sentence, capsys)


@pytest.mark.parametrize("where", [12, 200, -5])
@pytest.mark.parametrize("kind", ["idx", "amat", "image-folder"])
def test_one_flipped_bit_is_found_by_the_digest(
    kind: str, where: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = {"idx": idx(grey_levels(90, 2, 3)), "amat": BITS * 20, "image-folder": photo(PNG)}[kind]
    damaged = bytearray(good)
    damaged[where] ^= 1
    line = prepare(tmp_path, kind, bytes(damaged), sha256=sha256(good))
    assert_refused(tmp_path, line, "is damaged, incomplete or another file", capsys)


@pytest.mark.parametrize("compress", [gzip.compress, lzma.compress], ids=["gz", "xz"])
@pytest.mark.parametrize("packed", ["idx", "image-folder"])
def test_what_decompresses_without_end(
    compress: Callable[[bytes], bytes],
    packed: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The limit is lowered, so that the test is quick; that the real one fits any machine is asserted, too."""
    assert raw_files._MAX_BYTES <= 1 << 30
    monkeypatch.setattr(raw_files, "_MAX_BYTES", 4 << 20)
    bomb = compress(bytes(32 << 20))
    assert len(bomb) < 60_000
    assert_refused(tmp_path, prepare(tmp_path, packed, bomb), "decompresses to more than", capsys)


def test_random_damage_of_images_and_archives() -> None:
    """A thousand damaged archives, some with valid checksums: read, or refused with a sentence."""
    random_bytes = random.Random(0)
    refusals = 0
    good = tar({"train/a/1.png": PNG, "train/a/2.jpg": JPEG, f"train/a/{'x' * 120}.png": PNG})
    for _ in range(1000):
        damaged = bytearray(good)
        for _ in range(random_bytes.choice([1, 2, 5])):
            damaged[random_bytes.randrange(len(damaged) - 2048)] = random_bytes.choice([0, 32, 49, 255, 128])
        for start in range(0, len(damaged), 512):
            if damaged[start + 257 : start + 262] == b"ustar":
                damaged[start + 148 : start + 156] = b" " * 8
                checksum = sum(damaged[start : start + 512])
                damaged[start + 148 : start + 156] = b"%06o\0 " % checksum
        try:
            read_image_tar(bytes(damaged), [1, 2, 3], "x")
        except UserError:
            refusals += 1
    assert 50 < refusals < 1000


def test_nothing_of_an_archive_reaches_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    content = photo(PNG, "../escaped.png")
    with pytest.raises(UserError, match="leads out of the archive"):
        list(tar_members(content, "x"))
    assert list(tmp_path.iterdir()) == []
    assert not (tmp_path.parent / "escaped.png").exists()
