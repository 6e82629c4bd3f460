"""The file of a prepared data set: one tensor of bytes per split.

Binary images are packed, eight pixels a byte, rows [N, ceil(D / 8)]; grey levels are rows [N, D]. Pixels are
in channel-first order, D = channels * height * width. Data simulated from a model have the same form, with rows
of float32 in one split, ``simulated``, and the latent variables behind them.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from inference_gaps.errors import UserError
from inference_gaps.replication.artifacts.checks import require_finite
from inference_gaps.replication.artifacts.files import Provenance, read_tensors, write_tensors
from inference_gaps.specs.data import PrepareSpec

__all__ = ["PreparedData", "load_prepared", "save_prepared", "save_simulated"]

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


def save_prepared(
    path: Path | str,
    spec: PrepareSpec,
    splits: Mapping[str, npt.NDArray[np.uint8]],
    provenance: Provenance,
) -> None:
    """Write splits, bytes [N, D] each, with their provenance and what :class:`PreparedData` needs to know."""
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
    write_tensors(path, tensors, {**provenance, "data": about})


def save_simulated(
    path: Path | str, images: torch.Tensor, latents: torch.Tensor, about: Provenance, provenance: Provenance
) -> None:
    """Write images [N, D] simulated from a model, and the latent variables [N, d] that they came from.

    Args:
        path: file to write.
        images: as the model reads them.
        latents: one row per image.
        about: what the file of the model says of the data that it was trained on.
        provenance: what made the file.
    """
    described = {**about, "encoding": "float32", "counts": {"simulated": len(images)}}
    described["title"] = f"Images simulated by a model of {about['title']}"
    write_tensors(path, {"simulated": images, _LATENTS: latents}, {**provenance, "data": described})


def load_prepared(path: Path | str) -> PreparedData:
    """Read what :func:`save_prepared` or :func:`save_simulated` wrote.

    Raises:
        UserError: the file is missing, truncated, or something else.
    """
    tensors, provenance = read_tensors(path, "prepare-data", "simulate-data")
    require_finite(path, tensors)
    try:
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
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"{path} does not hold a data set of this project ({type(error).__name__}: {error}); delete it and run "
            f"'inference-gaps {provenance['command']}' again."
        ) from error
