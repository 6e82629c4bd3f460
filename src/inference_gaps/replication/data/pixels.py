"""Formats that hold pixels as they are: IDX (MNIST), amat (Larochelle), CIFAR records."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from inference_gaps.errors import UserError
from inference_gaps.replication.data.archives import tar_members

__all__ = ["read_amat", "read_cifar", "read_idx"]

Bytes = npt.NDArray[np.uint8]

_UNSIGNED_BYTE = 8
_CIFAR_RECORD = 1 + 3 * 32 * 32
_CIFAR_CLASSES = 10
_CIFAR_PARTS = {"data_batch_": "train", "test_batch": "test"}


def read_idx(content: bytes, shape: Sequence[int], label: str) -> Bytes:
    """Read images in IDX format: 00 00 08 and the number of axes, their lengths (big-endian), the bytes.

    Args:
        content: the decompressed file.
        shape: channels, height, width; one channel may have no axis of its own.
        label: how sentences call the file.

    Returns:
        Grey levels [N, D], channel first.

    Raises:
        UserError: another format, other images, or a length that its header does not announce.
    """
    axes = content[3] if len(content) >= 4 and content[:3] == bytes([0, 0, _UNSIGNED_BYTE]) else 0
    start = 4 + 4 * axes
    if axes == 0 or len(content) < start:
        raise UserError(f"{label} is not an IDX file of bytes; replace it by the original.")
    count, *image = np.frombuffer(content, ">u4", axes, offset=4).tolist()
    if image not in (list(shape), list(shape[1:]) if shape[0] == 1 else list(shape)):
        raise UserError(f"{label} holds images of shape {_times(image)}, not {_times(shape)}.")
    if len(content) - start != count * math.prod(image):
        raise UserError(
            f"{label} announces {count} images but holds {len(content) - start} bytes of them, not "
            f"{count * math.prod(image)}; replace it by the original."
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(count, math.prod(image))


def read_amat(content: bytes, shape: Sequence[int], label: str) -> Bytes:
    """Read binary images as text: one image a line, D digits 0 or 1 between single spaces.

    Returns:
        Bits [N, D], one byte each.

    Raises:
        UserError: anything else in the file.
    """
    dimension = math.prod(shape)
    characters = np.frombuffer(content, np.uint8)
    if characters.size == 0 or characters.size % (2 * dimension):
        raise UserError(
            f"{label} does not hold lines of {dimension} digits 0 or 1; replace it by the original."
        )
    lines = characters.reshape(-1, dimension, 2)
    bits = lines[:, :, 0] - ord("0")
    separated = (lines[:, :-1, 1] == ord(" ")).all() and (lines[:, -1, 1] == ord("\n")).all()
    if not separated or (bits > 1).any():
        raise UserError(
            f"{label} does not hold lines of {dimension} digits 0 or 1; replace it by the original."
        )
    return bits


def read_cifar(content: bytes, label: str) -> dict[str, Bytes]:
    """Read the binary archive of CIFAR-10: records of a label and 3 x 32 x 32 bytes in a tar of batches.

    Returns:
        Grey levels [N, 3072] of the parts ``train`` and ``test``, channel first, batches in order.

    Raises:
        UserError: not such an archive.
    """
    batches: dict[str, Bytes] = {}
    for name, member in tar_members(content, label):
        batch = name.rsplit("/", 1)[-1]
        if batch.endswith(".bin"):
            if len(member) % _CIFAR_RECORD:
                raise UserError(f"{label}: {name} is no sequence of records of {_CIFAR_RECORD} bytes.")
            records = np.frombuffer(member, np.uint8).reshape(-1, _CIFAR_RECORD)
            if (records[:, 0] >= _CIFAR_CLASSES).any():
                raise UserError(
                    f"{label}: {name} has a label above {_CIFAR_CLASSES - 1}, so it is no batch of CIFAR-10; use "
                    f"the original."
                )
            if batch in batches:
                raise UserError(f"{label} holds {batch} twice; use the binary archive of CIFAR-10.")
            batches[batch] = records[:, 1:]
    parts = {}
    for prefix, part in _CIFAR_PARTS.items():
        found = [batches[name] for name in sorted(batches) if name.startswith(prefix)]
        if not found:
            raise UserError(f"{label} holds no {prefix}*.bin; use the binary archive of CIFAR-10.")
        parts[part] = np.concatenate(found)
    return parts


def _times(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))
