"""What the stages that read a trained model have in common: what they load, and the shape of what they write."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor

from inference_gaps.errors import UserError
from inference_gaps.models.vae import VAE
from inference_gaps.posteriors.gaussian import FullyFactorisedGaussian
from inference_gaps.posteriors.local import LocalPosterior
from inference_gaps.replication.artifacts.files import Provenance
from inference_gaps.replication.artifacts.fingerprints import make_provenance
from inference_gaps.replication.commands.runtime import device_of
from inference_gaps.replication.data.prepared import PreparedData
from inference_gaps.replication.storage.local_posteriors import load_local_posterior
from inference_gaps.replication.storage.prepared_data import load_prepared
from inference_gaps.replication.storage.trained_models import load_model
from inference_gaps.specs.bounds import PointsSpec

__all__ = [
    "StageInputs",
    "gaussian_posterior",
    "load_stage",
    "load_start",
    "values_frame",
]


@dataclass(frozen=True)
class StageInputs:
    """A trained model and the data points that it is evaluated on, on the device of the job.

    Attributes:
        model: weights frozen.
        data: where the points come from.
        images: pixels of the points [B, D].
        read: what made the artifacts that were read, by role.
    """

    model: VAE
    data: PreparedData
    images: Tensor
    read: dict[str, str | Provenance]

    @property
    def device(self) -> torch.device:
        """Where the job computes."""
        return self.images.device

    def provenance(self, options: argparse.Namespace, spec: PointsSpec) -> Provenance:
        """Return what the output of the job will say of itself; call it once all inputs are loaded.

        Raises:
            NotPlanned: this is another job than the one that ``--fingerprint`` stands for.
        """
        return make_provenance(options.command, spec.as_dict(), self.read, options.fingerprint)

    def local_posterior(self, path: str, role: str, spec: PointsSpec) -> tuple[LocalPosterior, Provenance]:
        """Load q* of the same points, and what made it, which is noted under ``role``.

        Raises:
            UserError: the file is damaged, or was made for other points.
        """
        local, made_by = load_local_posterior(path, spec.split, spec.points, self.device)
        found, wanted = local.parameters["mean"].shape[1], self.model.latent_dim
        if found != wanted:
            raise UserError(
                f"{path} holds q* with {found} latent dimensions, but the model has {wanted}; run 'inference-gaps "
                f"optimise-local' on this model."
            )
        self.read[role] = made_by
        return local, made_by


def load_stage(options: argparse.Namespace, spec: PointsSpec, *, at_most: bool = False) -> StageInputs:
    """Load the data points of ``spec`` and the model that ``options`` name.

    Args:
        options: the command line.
        spec: the split, and how many of its points.
        at_most: whether a split with fewer points is taken as a whole.

    Raises:
        UserError: a file is missing or damaged, or there are fewer points than asked for.
    """
    device = device_of(options)
    data = load_prepared(options.data)
    model, provenance = load_model(options.model, device)
    trained_on = tuple(provenance["data"]["shape"])
    if data.shape != trained_on:
        found, wanted = (" x ".join(map(str, shape)) for shape in (data.shape, trained_on))
        raise UserError(
            f"{options.data} holds images of {found}, but the model {options.model} was trained on images of "
            f"{wanted}; name data and a model that belong together."
        )
    read: dict[str, str | Provenance] = {"data": data.provenance, "model": provenance}
    images = data.points(spec.split, spec.points, at_most).to(device)
    return StageInputs(model, data, images, read)


def load_start(
    options: argparse.Namespace, wanted: bool, spec: PointsSpec, stage: StageInputs
) -> LocalPosterior | None:
    """Load the q*_FFG of ``--start``, where the specification says ``start: local-ffg``.

    Raises:
        UserError: ``--start`` is given and not ``wanted``, or the other way round, or cannot be read.
    """
    if wanted != bool(options.start):
        raise UserError(
            "--start names a q*_FFG to start from; give it exactly when the specification says start: local-ffg."
        )
    return gaussian_posterior(options.start, spec, stage)[0] if wanted else None


def gaussian_posterior(path: str, spec: PointsSpec, stage: StageInputs) -> tuple[LocalPosterior, Provenance]:
    """Load a q*_FFG, and what made it, as the role ``start``.

    Raises:
        UserError: as :meth:`StageInputs.local_posterior`, or it is of another family.
    """
    start, made_by = stage.local_posterior(path, "start", spec)
    if not isinstance(start.family, FullyFactorisedGaussian):
        raise UserError(f"--start is {path}, which holds a flow; name a q* of family ffg.")
    return start, made_by


def values_frame(columns: Mapping[str, Tensor | int], **leading: str | int) -> pd.DataFrame:
    """Return a table with a line per data point: ``leading`` columns, ``point``, and ``columns``, tensors [B]."""
    values = {
        name: column.cpu().numpy() if isinstance(column, Tensor) else column
        for name, column in columns.items()
    }
    points = next(len(column) for column in columns.values() if isinstance(column, Tensor))
    return pd.DataFrame({**leading, "point": range(points), **values})
