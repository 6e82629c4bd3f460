"""What a model draws: data and the latent variables behind them, reconstructions, samples from the prior."""

import torch
from torch import Tensor

from inference_gaps.models.generator import Generator
from inference_gaps.models.grey_levels import as_bytes
from inference_gaps.models.vae import VAE
from inference_gaps.numerics.device import random_generator

__all__ = ["evaluate_samples", "simulate_data"]


@torch.no_grad()
def simulate_data(
    generator: Generator, points: int, seed: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Draw z [points, d] from the prior and x [points, D] from p(x|z); return x and z.

    Each z is an exact sample of p(z|x), which is what reverse AIS needs.
    """
    rng = random_generator(seed, device)
    z = torch.randn(points, generator.latent_dim, generator=rng, device=device)
    return generator.simulate(z, rng), z


@torch.no_grad()
def evaluate_samples(model: VAE, x: Tensor, seed: int) -> dict[str, Tensor]:
    """Return ``data``, ``reconstruction`` and ``prior`` as bytes [B, D]: images and means of pixels.

    A reconstruction comes from one sample of q(z|x). There are as many samples from the prior as images.

    Args:
        model: weights frozen.
        x: images [B, D].
        seed: of both.
    """
    rng = random_generator(seed, x.device)
    z, _ = model.posterior.sampler(x, slice(None), model.generator.score(x))(1, rng)
    prior = torch.randn(len(x), model.latent_dim, generator=rng, device=x.device)
    rows = {"data": x, "reconstruction": model.generator.mean(z[:, 0]), "prior": model.generator.mean(prior)}
    return {name: as_bytes(row) for name, row in rows.items()}
