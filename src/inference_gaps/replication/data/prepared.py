"""Prepared data: how the pixels of each split are kept, and how models read them.

Binary images are packed, eight pixels a byte, rows [N, ceil(D / 8)]; grey levels are rows [N, D]. Pixels are
in channel-first order, D = channels * height * width. Data simulated from a model have the same form, with rows
of float32 in one split, ``simulated``, and the latent variables behind them.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from inference_gaps.errors import UserError
from inference_gaps.replication.artifacts.files import Provenance
from inference_gaps.replication.specs.data import PrepareSpec

__all__ = ["PreparedData", "packed", "simulated", "unpacked"]

_SCALES = {"bits": 1.0, "grey256": 1 / 256, "float32": 1.0}
_LATENTS = "latents"


@dataclass(frozen=True)
class PreparedData:
    """Splits of one data set, binarised one way.

    Attributes:
        shape: channels, height, width.
        scale: a model reads bytes times ``scale``: 1 for bits and float32, 1/256 for grey levels.
        title: name of the data set for people.
        note: what is particular about this copy of it; may be empty.
        provenance: what made the file.
    """

    shape: tuple[int, int, int]
    scale: float
    title: str
    note: str
    provenance: Provenance
    _rows: Mapping[str, torch.Tensor]
    _latents: torch.Tensor | None = None

    @property
    def dimension(self) -> int:
        """Number of pixels D of an image, all channels counted."""
        return math.prod(self.shape)

    @property
    def split_names(self) -> tuple[str, ...]:
        """The splits there are."""
        return tuple(self._rows)

    def split(self, name: str) -> torch.Tensor:
        """Return all images of a split as bytes [N, D].

        Raises:
            UserError: there is no such split.
        """
        return self._bytes(self._stored(name))

    def points(self, split: str, count: int, at_most: bool = False) -> torch.Tensor:
        """Return the first ``count`` images of a split as a model reads them, float32 [count, D].

        With ``at_most`` a split that has fewer is taken as a whole.

        Raises:
            UserError: there is no such split, or it has fewer images.
        """
        rows = self._stored(split)
        if count > len(rows) and not at_most:
            raise UserError(
                f"{self.title} has {len(rows)} images in its split {split}, fewer than the {count} points "
                f"asked for; lower points, or use a larger copy of the data set."
            )
        return self._bytes(rows[:count]).float() * self.scale

    def held_out(self, count: int) -> torch.Tensor | None:
        """Return the first ``count`` images, bytes [N, D], of the split that a training is monitored on.

        It is ``validation``, or else ``test``, as in the authors' code. None where there is neither, or no image is
        asked for.
        """
        split = next((name for name in ("validation", "test") if name in self._rows), None)
        return self.split(split)[:count] if split and count else None

    def latents(self, count: int) -> torch.Tensor:
        """Return the latent variables [count, d] behind the first ``count`` simulated images.

        Raises:
            UserError: the data were not simulated.
        """
        if self._latents is None:
            raise UserError(
                f"{self.title} were not simulated from a model, so nobody knows the latent variables behind them; "
                f"make data with inference-gaps simulate-data."
            )
        return self._latents[:count]

    def _stored(self, name: str) -> torch.Tensor:
        if name not in self._rows:
            raise UserError(f"{self.title} has no split {name}; it has {', '.join(self._rows)}.")
        return self._rows[name]

    def _bytes(self, rows: torch.Tensor) -> torch.Tensor:
        if self.provenance["data"]["encoding"] == "bits":
            return torch.from_numpy(np.unpackbits(rows.numpy(), axis=1, count=self.dimension))
        return rows


def packed(
    spec: PrepareSpec, splits: Mapping[str, npt.NDArray[np.uint8]]
) -> tuple[dict[str, torch.Tensor], Provenance]:
    """Return splits, bytes [N, D] each, as they are kept, and what has to be known of them."""
    encoding = "grey256" if spec.binarisation == "grey256" else "bits"
    about = {
        "shape": spec.dataset.image_shape,
        "encoding": encoding,
        "title": spec.dataset.title,
        "note": spec.dataset.note,
        "counts": {name: len(rows) for name, rows in splits.items()},
    }
    tensors = {
        name: torch.from_numpy(np.packbits(rows, axis=1) if encoding == "bits" else rows.copy())
        for name, rows in splits.items()
    }
    return tensors, about


def simulated(
    images: torch.Tensor, latents: torch.Tensor, about: Provenance
) -> tuple[dict[str, torch.Tensor], Provenance]:
    """Return images [N, D] simulated from a model, and the latent variables [N, d] behind them, as :func:`packed`.

    Args:
        images: as the model reads them.
        latents: one row per image.
        about: what is known of the data that the model was trained on.
    """
    described = {**about, "encoding": "float32", "counts": {"simulated": len(images)}}
    described["title"] = f"Images simulated by a model of {about['title']}"
    return {"simulated": images, _LATENTS: latents}, described


def unpacked(tensors: Mapping[str, torch.Tensor], provenance: Provenance) -> PreparedData:
    """Return what :func:`packed` or :func:`simulated` made.

    Args:
        tensors: by split.
        provenance: what made them; what is known of them stands below ``data``.

    Raises:
        KeyError, TypeError, ValueError: they are something else.
    """
    about = provenance["data"]
    channels, height, width = about["shape"]
    size = channels * height * width
    columns = math.ceil(size / 8) if about["encoding"] == "bits" else size
    rows = {name: tensors[name] for name in about["counts"]}
    latents = tensors.get(_LATENTS)
    counts = {len(tensor) for tensor in rows.values()} if latents is not None else set()
    if any(tuple(rows[name].shape) != (count, columns) for name, count in about["counts"].items()):
        raise ValueError("it holds images of other shapes or numbers than it says")
    if latents is not None and (latents.ndim != 2 or {len(latents)} != counts):
        raise ValueError("it holds other latent variables than images")
    return PreparedData(
        shape=(channels, height, width),
        scale=_SCALES[about["encoding"]],
        title=str(about["title"]),
        note=str(about["note"]),
        provenance=provenance,
        _rows=rows,
        _latents=latents,
    )
