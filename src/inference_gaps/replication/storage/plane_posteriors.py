"""The small file of posteriors over a plane, from which the figure is drawn."""

from collections.abc import Mapping
from pathlib import Path

import torch

from inference_gaps.errors import UserError
from inference_gaps.exact.plane import Plane, PlanePosteriors
from inference_gaps.replication.artifacts.checks import require_finite
from inference_gaps.replication.artifacts.files import Provenance, read_tensors, write_tensors

__all__ = ["load_posteriors", "save_posteriors"]


def save_posteriors(
    path: Path | str, found: PlanePosteriors, about: Mapping[str, object], provenance: Provenance
) -> None:
    """Write it.

    Args:
        path: the file.
        found: densities and bounds.
        about: ``shape`` of the images, and ``trained_with``.
        provenance: what made it.
    """
    tensors = {"images": found.images, "log_p": found.log_p}
    tensors |= {f"bound.{name}": bound for name, bound in found.bounds.items()}
    tensors |= {f"error.{name}": error for name, error in found.errors.items()}
    tensors["axes"] = torch.stack([plane.axes for plane in found.planes])
    tensors["log_posterior"] = torch.stack([plane.log_posterior for plane in found.planes])
    for name in found.bounds:
        tensors[f"log_q.{name}"] = torch.stack([plane.log_q[name] for plane in found.planes])
    chosen = {
        "names": list(found.bounds),
        "chosen": list(found.chosen),
        "reasons": list(found.chosen.values()),
    }
    write_tensors(path, tensors, {**provenance, "posteriors": chosen | dict(about)})


def load_posteriors(path: Path | str) -> tuple[PlanePosteriors, Provenance]:
    """Read what :func:`save_posteriors` wrote; the images are [I, C, H, W].

    Raises:
        UserError: the file is missing, damaged, or another one.
    """
    tensors, provenance = read_tensors(path, "evaluate-posteriors")
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
        bounds, errors = ({name: tensors[f"{kind}.{name}"] for name in names} for kind in ("bound", "error"))
        images = tensors["images"].reshape(-1, *about["shape"])
        return PlanePosteriors(chosen, images, planes, tensors["log_p"], bounds, errors), provenance
    except (KeyError, IndexError, TypeError, ValueError, RuntimeError) as error:
        raise UserError(
            f"{path} does not hold posteriors over a plane ({type(error).__name__}: {error}); move it away and run "
            f"'inference-gaps evaluate-posteriors' again."
        ) from error
