"""The same work written plainly, as one would without thinking of speed: what the pipeline is measured against."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from inference_gaps.models.vae import VAE

__all__ = ["PlainVae", "autograd_ais", "plain_iwae", "train_from_loader", "train_in_memory"]


class PlainVae(nn.Module):
    """784-200-200-2d and its mirror, ELU, Bernoulli pixels, a Gaussian posterior."""

    def __init__(self, latent_dim: int = 50) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.encoder = nn.Sequential(
            nn.Linear(784, 200), nn.ELU(), nn.Linear(200, 200), nn.ELU(), nn.Linear(200, 2 * latent_dim)
        )
        self.decoder = nn.Sequential(
            nn.Linear(latent_dim, 200), nn.ELU(), nn.Linear(200, 200), nn.ELU(), nn.Linear(200, 784)
        )

    @classmethod
    def like(cls, vae: VAE) -> "PlainVae":
        """Return one with the weights of ``vae``, which must have the same architecture."""
        plain = cls(vae.latent_dim)
        layers = [*vae.posterior.features.layers, vae.posterior.moments, *vae.generator.layers]
        own = [layer for layer in [*plain.encoder, *plain.decoder] if isinstance(layer, nn.Linear)]
        for layer, given in zip(own, layers, strict=True):
            layer.load_state_dict(given.state_dict())
        return plain

    def loss(self, x: Tensor) -> Tensor:
        """Return the mean negative ELBO of a batch, one sample each, up to a constant."""
        mean, log_variance = self.encoder(x).chunk(2, -1)
        z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        logits = self.decoder(z)
        likelihood = -functional.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(-1)
        log_q = -0.5 * (log_variance + (z - mean) ** 2 / log_variance.exp()).sum(-1)
        log_prior = -0.5 * (z**2).sum(-1)
        return (log_q - likelihood - log_prior).mean()


def _steps(model: PlainVae, batches: object) -> None:
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-4)
    for x in batches:  # type: ignore[attr-defined]
        loss = model.loss(x)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        loss.item()


class _Images(Dataset):
    """Images as files hold them, bytes, each converted when it is asked for."""

    def __init__(self, images: Tensor) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Tensor:
        return self.images[index].float().div(255)


def train_from_loader(images: Tensor, batch_size: int) -> None:
    """One epoch through a ``DataLoader`` over a data set of bytes."""
    _steps(PlainVae(), DataLoader(_Images(images), batch_size=batch_size, shuffle=True))


def train_in_memory(pixels: Tensor, batch_size: int) -> None:
    """One epoch over float tensors in memory."""
    order = torch.randperm(len(pixels))
    _steps(PlainVae(), (pixels[rows] for rows in order.split(batch_size)))


def plain_iwae(vae: PlainVae, images: Tensor, samples: int) -> Tensor:
    """The IWAE bound of each image, one image after the other, all samples of an image at once."""
    bounds = []
    prior = torch.distributions.Normal(0.0, 1.0)
    with torch.no_grad():
        for x in images:
            mean, log_variance = vae.encoder(x).chunk(2)
            posterior = torch.distributions.Normal(mean, torch.exp(0.5 * log_variance))
            z = posterior.sample((samples,))
            logits = vae.decoder(z)
            likelihood = -functional.binary_cross_entropy_with_logits(
                logits, x.expand_as(logits), reduction="none"
            ).sum(-1)
            log_weight = likelihood + prior.log_prob(z).sum(-1) - posterior.log_prob(z).sum(-1)
            bounds.append(torch.logsumexp(log_weight, 0) - math.log(samples))
    return torch.stack(bounds)


def autograd_ais(
    decoder: nn.Module, x: Tensor, latent_dim: int, chains: int, distributions: int, leapfrog_steps: int
) -> Tensor:
    """AIS from the prior, linear schedule, every gradient by autograd over the whole log density.

    Images are repeated for each chain, and the decoder's weights collect gradients, too, unless they are frozen.
    Returns one estimate of log p(x) for each row of ``x``.
    """
    images = x.repeat(chains, 1)
    z = torch.randn(len(images), latent_dim)
    step, accepted = torch.full((len(images), 1), 0.05), torch.zeros(len(images), 1)

    def log_density(z: Tensor, beta: float) -> Tensor:
        likelihood = -functional.binary_cross_entropy_with_logits(decoder(z), images, reduction="none").sum(
            -1
        )
        return -0.5 * (z**2).sum(-1) - 0.5 * latent_dim * math.log(2 * math.pi) + beta * likelihood

    def gradient(z: Tensor, beta: float) -> Tensor:
        z = z.detach().requires_grad_()
        log_density(z, beta).sum().backward()
        assert z.grad is not None
        return z.grad

    betas = torch.linspace(0, 1, distributions).tolist()
    log_weight = torch.zeros(len(images))
    for index in range(1, distributions):
        with torch.no_grad():
            log_weight += log_density(z, betas[index]) - log_density(z, betas[index - 1])
        momentum = torch.randn_like(z)
        position, beta = z, betas[index]
        with torch.no_grad():
            start = log_density(z, beta) - 0.5 * (momentum**2).sum(-1)
        velocity = momentum + 0.5 * step * gradient(position, beta)
        for leap in range(leapfrog_steps):
            position = position + step * velocity
            weight = 1.0 if leap < leapfrog_steps - 1 else 0.5
            velocity = velocity + weight * step * gradient(position, beta)
        with torch.no_grad():
            end = log_density(position, beta) - 0.5 * (velocity**2).sum(-1)
            accept = (torch.rand(len(images)) < torch.exp(end - start)).float().unsqueeze(1)
            z = (accept * position + (1 - accept) * z).detach()
            accepted += accept
            faster = accepted / index > 0.65
            step = (step * torch.where(faster, 1.02, 0.98)).clamp(1e-4, 0.5)
    return torch.logsumexp(log_weight.view(chains, -1), 0) - math.log(chains)
