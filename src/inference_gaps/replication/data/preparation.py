"""A data set shrunk, binarised and cut into splits."""

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt

from inference_gaps.errors import UserError
from inference_gaps.replication.data.binarisation import binarise
from inference_gaps.replication.data.images import read_image_folder, read_image_tar
from inference_gaps.replication.data.pixels import read_amat, read_cifar, read_idx
from inference_gaps.replication.data.raw_files import read_content
from inference_gaps.replication.specs.data import DatasetSpec, FileSpec, PrepareSpec, SplitSpec

__all__ = ["prepare_splits", "read_parts", "shrunk"]

Bytes = npt.NDArray[np.uint8]


def prepare_splits(spec: PrepareSpec, folder: Path) -> dict[str, Bytes]:
    """Read, shrink, binarise and cut.

    Args:
        spec: the data set and its binarisation.
        folder: holds the raw files.

    Returns:
        Bytes [N, D] by split, 0 or 1; for ``grey256`` 0 to 255.

    Raises:
        UserError: the files do not hold what the specification says.
    """
    dataset = spec.dataset
    parts = {part: shrunk(rows, dataset) for part, rows in read_parts(dataset, folder).items()}
    binary = {
        part: binarise(parts[part], spec.binarisation, spec.seed, part, dataset.format == "amat")
        for part in parts
        if any(split.part == part for split in dataset.splits.values())
    }
    return {name: _cut(binary, name, split, dataset.title) for name, split in dataset.splits.items()}


def shrunk(rows: Bytes, dataset: DatasetSpec) -> Bytes:
    """Return images [N, D] whose pixels are the rounded means of blocks of ``dataset.shrink`` x ``shrink`` pixels.

    Raises:
        UserError: the blocks do not cover the image, or its pixels are bits.
    """
    size = dataset.shrink
    if size == 1:
        return rows
    channels, height, width = dataset.shape
    if height % size or width % size:
        raise UserError(
            f"{dataset.title}: shrink is {size}, which does not divide {height} x {width}; write one that does."
        )
    if dataset.format == "amat":
        raise UserError(f"{dataset.title}: its files are binary, so a mean of pixels is not; remove shrink.")
    blocks = rows.reshape(-1, channels, height // size, size, width // size, size)
    return blocks.mean(axis=(3, 5)).round().astype(np.uint8).reshape(len(rows), -1)


def _cut(parts: dict[str, Bytes], name: str, split: SplitSpec, title: str) -> Bytes:
    if split.part not in parts:
        raise UserError(f"{title}: the split {name} is cut from the part {split.part}, which no file holds.")
    rows = parts[split.part]
    stop = len(rows) if split.stop is None else split.stop
    if not split.start < stop <= len(rows):
        raise UserError(
            f"{title}: the split {name} wants rows {split.start} to {stop} of the part {split.part}, which "
            f"has {len(rows)}; correct start and stop."
        )
    return rows[split.start : stop]


def read_parts(dataset: DatasetSpec, folder: Path) -> dict[str, Bytes]:
    """Read the files of a data set from ``folder``, verified.

    Returns:
        Rows [N, D] of bytes by part: grey levels, or 0 and 1 where the files are binary (amat).

    Raises:
        UserError: a file is missing, damaged, or not what the data set says.
    """
    if not dataset.files:
        if dataset.format != "image-folder":
            raise UserError(f"{dataset.title} names no files; list them under files in its description.")
        return read_image_folder(folder, dataset.shape)
    found: dict[str, list[Bytes]] = {}
    for file in dataset.files:
        for part, rows in _read_file(dataset, file, folder).items():
            found.setdefault(part, []).append(rows)
    parts = {part: np.concatenate(rows) for part, rows in found.items()}
    if any(rows.shape[1] != math.prod(dataset.shape) for rows in parts.values()):
        raise UserError(f"{dataset.title}: its images are not of shape {dataset.shape}; correct shape.")
    return parts


def _read_file(dataset: DatasetSpec, file: FileSpec, folder: Path) -> dict[str, Bytes]:
    archive = dataset.format in ("cifar-binary", "image-folder")
    if archive != (file.part == "all"):
        expected = "all" if archive else "train, validation or test"
        raise UserError(f"{file.name} has part {file.part}; in the format {dataset.format} write {expected}.")
    path, content = read_content(folder, file)
    if dataset.format == "cifar-binary":
        return read_cifar(content, str(path))
    if dataset.format == "image-folder":
        return read_image_tar(content, dataset.shape, str(path))
    reader = read_idx if dataset.format == "idx" else read_amat
    return {file.part: reader(content, dataset.shape, str(path))}
