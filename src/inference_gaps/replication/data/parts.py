"""All files of a data set, read and gathered by part: train, validation, test."""

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt

from inference_gaps.errors import UserError
from inference_gaps.replication.data.images import read_image_folder, read_image_tar
from inference_gaps.replication.data.pixels import read_amat, read_cifar, read_idx
from inference_gaps.replication.data.raw_files import read_content
from inference_gaps.specs.data import DatasetSpec, FileSpec

__all__ = ["read_parts"]

Bytes = npt.NDArray[np.uint8]


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
