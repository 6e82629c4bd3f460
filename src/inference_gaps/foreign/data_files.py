"""Data from files of the usual kinds; nothing is unpickled."""

import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from safetensors import SafetensorError, safe_open
from torch import Tensor

from inference_gaps.errors import UserError

__all__ = ["read_data"]

_KINDS = ".npy, .npz, .pt, .csv, .safetensors, or a folder of .png or .jpg"
_IMAGES = (".png", ".jpg", ".jpeg")


def read_data(path: Path, points: int, split: str = "test") -> Tensor:
    """Return the first data points of a file, or fewer if there are fewer; floating-point numbers as float32.

    Args:
        path: array, table, prepared data set, or folder of images of one size, whose pixels are taken to [0, 1].
        points: how many.
        split: of a prepared data set.

    Raises:
        UserError: the file is missing, damaged, of another kind, or would have to be unpickled.
    """
    if points < 1:
        raise UserError(f"points is {points}; write at least 1.")
    if not path.exists():
        raise UserError(f"--data is {path}, which does not exist; name {_KINDS}.")
    readers = {".npy": _npy, ".npz": _npy, ".pt": _pt, ".csv": _csv}
    try:
        if path.is_dir():
            return _folder(path, points)
        if path.suffix == ".safetensors":
            return _safetensors(path, split)[:points]
        if path.suffix not in readers:
            raise UserError(f"--data is {path}; name {_KINDS}.")
        x = readers[path.suffix](path)[:points]
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, SafetensorError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(
            f"{path} is no readable {path.suffix or 'folder'} of numbers ({reason}); save it anew."
        ) from error
    return x.float() if x.is_floating_point() else x


def _npy(path: Path) -> Tensor:
    found = np.load(path, allow_pickle=False)
    if isinstance(found, np.lib.npyio.NpzFile):
        names = found.files
        if len(names) != 1 and "x" not in names:
            raise UserError(f"{path} holds {', '.join(names) or 'nothing'}; save one array, or name it x.")
        found = found["x" if "x" in names else names[0]]
    return torch.from_numpy(np.ascontiguousarray(found))


def _pt(path: Path) -> Tensor:
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise UserError(
            f"{path} holds more than tensors, or is damaged, and nothing is unpickled here; save the tensor "
            f"alone, by torch.save(x, '{path.name}')."
        ) from error
    if not isinstance(found, Tensor):
        raise UserError(f"{path} holds {type(found).__name__}; save one tensor.")
    return found


def _csv(path: Path) -> Tensor:
    frame = pd.read_csv(path)
    words = [str(name) for name in frame if not pd.api.types.is_numeric_dtype(frame[name])]
    if words:
        raise UserError(
            f"{path} has the column {words[0]}, which holds no numbers; leave it out or encode it."
        )
    return torch.from_numpy(frame.to_numpy(dtype=np.float64))


def _folder(path: Path, points: int) -> Tensor:
    files = sorted(file for file in path.rglob("*") if file.suffix.lower() in _IMAGES)[:points]
    if not files:
        raise UserError(f"{path} holds no .png or .jpg; name another folder.")
    pixels = []
    for file in files:
        with Image.open(file) as image:
            if image.mode not in ("1", "L", "RGB"):
                raise UserError(f"{file} has the mode {image.mode}; convert it to grey (L) or RGB.")
            array = np.asarray(image.convert("L") if image.mode == "1" else image, dtype=np.float32) / 255
        pixels.append(array[None] if array.ndim == 2 else array.transpose(2, 0, 1))
        if pixels[-1].shape != pixels[0].shape:
            raise UserError(
                f"{file} has the shape {pixels[-1].shape}, but {files[0].name} has {pixels[0].shape}; give "
                f"images of one size."
            )
    return torch.from_numpy(np.stack(pixels))


def _safetensors(path: Path, split: str) -> Tensor:
    with safe_open(path, framework="pt") as file:
        names = list(file.keys())
        if split not in names and len(names) == 1:
            split = names[0]
        if split not in names:
            raise UserError(f"{path} holds {', '.join(names) or 'nothing'}; name one of them by --split.")
        return file.get_tensor(split)
