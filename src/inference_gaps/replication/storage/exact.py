"""The small file of posteriors over a plane, from which the figure is drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from inference_gaps.errors import UserError
from inference_gaps.replication.artifacts.checks import require_finite, require_made_by
from inference_gaps.replication.artifacts.files import Provenance, read_tensors, write_tensors

__all__ = ["AMORTIZED", "Plane", "PosteriorsFile", "load_posteriors", "save_posteriors"]

AMORTIZED = "amortized"


@dataclass(frozen=True)
class Plane:
    """Densities of one image at the nodes of a square grid.

    Attributes:
        axes: coordinates of the nodes in both dimensions [2, n].
        log_posterior: log p(z|x) [n, n] in nats; the first index is that of the first dimension of z.
        log_q: log q(z) [n, n] of each approximation, by name.
    """

    axes: Tensor
    log_posterior: Tensor
    log_q: dict[str, Tensor]


@dataclass(frozen=True)
class PosteriorsFile:
    """Densities of some images, and log p(x) and the bounds of all that they were chosen from.

    Attributes:
        names: of the approximations: ``amortized``, then the family of each q*.
        chosen: the point of each image, and why it is shown.
        images: pixels in [0, 1] [I, C, H, W].
        planes: one for each image.
        log_p: log p(x) of all points [P] in nats.
        bounds: L[q] of all points [P] in nats, by name.
        errors: of the bounds [P], by name.
        provenance: what made it.
    """

    names: list[str]
    chosen: dict[int, str]
    images: Tensor
    planes: list[Plane]
    log_p: Tensor
    bounds: dict[str, Tensor]
    errors: dict[str, Tensor]
    provenance: Provenance


def save_posteriors(
    path: Path | str,
    images: Tensor,
    planes: Sequence[Plane],
    values: Mapping[str, Tensor],
    about: Mapping[str, object],
    provenance: Provenance,
) -> None:
    """Write it.

    Args:
        path: the file.
        images: pixels of the chosen images [I, D] in [0, 1].
        planes: one for each.
        values: ``log_p``, and ``bound.NAME`` and ``error.NAME`` of each approximation, all [P].
        about: ``names``, ``chosen``, ``reasons`` and ``shape``.
        provenance: what made it.
    """
    tensors = dict(values)
    tensors["images"] = (255 * images.clamp(0, 1)).round().to(torch.uint8)
    tensors["axes"] = torch.stack([plane.axes for plane in planes])
    tensors["log_posterior"] = torch.stack([plane.log_posterior for plane in planes]).float()
    for name in planes[0].log_q:
        tensors[f"log_q.{name}"] = torch.stack([plane.log_q[name] for plane in planes]).float()
    write_tensors(path, tensors, {**provenance, "posteriors": dict(about)})


def load_posteriors(path: Path | str) -> PosteriorsFile:
    """Read what :func:`save_posteriors` wrote.

    Raises:
        UserError: the file is missing, damaged, or another one.
    """
    tensors, provenance = read_tensors(path)
    require_made_by(path, provenance, "evaluate-posteriors")
    try:
        about = provenance["posteriors"]
        names, chosen = list(about["names"]), dict(zip(about["chosen"], about["reasons"], strict=True))
        require_finite(path, {name: tensor for name, tensor in tensors.items() if "." not in name})
        planes = [
            Plane(
                tensors["axes"][index],
                tensors["log_posterior"][index],
                {name: tensors[f"log_q.{name}"][index] for name in names},
            )
            for index in range(len(chosen))
        ]
        return PosteriorsFile(
            names,
            chosen,
            tensors["images"].reshape(-1, *about["shape"]).float() / 255,
            planes,
            tensors["log_p"],
            {name: tensors[f"bound.{name}"] for name in names},
            {name: tensors[f"error.{name}"] for name in names},
            provenance,
        )
    except (KeyError, IndexError, TypeError, ValueError, RuntimeError) as error:
        raise UserError(
            f"{path} does not hold posteriors over a plane ({type(error).__name__}: {error}); delete it and run "
            f"'inference-gaps evaluate-posteriors' again."
        ) from error
