"""What a model draws: reconstructions of images, samples from the prior; and the small file that keeps both."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inference_gaps.errors import UserError
from inference_gaps.models.vae import VAE
from inference_gaps.replication.artifacts.files import Provenance, read_tensors, write_tensors

__all__ = ["generate", "load_samples", "save_samples"]

_ROWS = ("data", "reconstruction", "prior")


@torch.no_grad()
def generate(model: VAE, x: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return reconstructions of ``x`` and as many samples, both [B, D]: means of the pixels.

    A reconstruction comes from one sample of q(z|x), a sample from one of the prior.
    """
    parameters = model.posterior.parameters_for(x)
    z, _ = model.family_at(x).rsample_with_log_prob(parameters, 1, rng)
    prior = torch.randn(len(x), model.latent_dim, generator=rng, device=x.device)
    return model.generator.mean(z[:, 0]), model.generator.mean(prior)


def save_samples(path: Path | str, x: Tensor, drawn: tuple[Tensor, Tensor], provenance: Provenance) -> None:
    """Write images, reconstructions and samples [B, D] in [0, 1] as bytes; ``provenance`` holds their shape."""
    rows = dict(zip(_ROWS, (x, *drawn), strict=True))
    pixels = {name: (255 * row.clamp(0, 1)).round().to(torch.uint8) for name, row in rows.items()}
    write_tensors(path, pixels, provenance)


def load_samples(path: Path | str) -> tuple[list[NDArray[np.float32]], Provenance]:
    """Return images, reconstructions and samples [B, C, H, W] in [0, 1], and what made them.

    Raises:
        UserError: the file is missing or damaged, or does not hold such images.
    """
    tensors, provenance = read_tensors(path)
    if set(tensors) != set(_ROWS):
        raise UserError(
            f"{path} holds no samples of a model; make them with 'inference-gaps evaluate-samples'."
        )
    shape = provenance["data"]["shape"]
    rows = [tensors[name].reshape(-1, *shape).float() / 255 for name in _ROWS]
    return [row.numpy() for row in rows], provenance
