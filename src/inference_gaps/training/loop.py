"""The training loop (paper section 5.1; authors' Table-2 code).

Maximises the mean over a batch of log p(x|z) + log p(z) - w log q(z|x) with one sample of z, where the weight
w rises during warm-up. For a flow, w multiplies the whole augmented log q. Images stay on the device as bytes;
no loader processes.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from inference_gaps.errors import UserError
from inference_gaps.models.vae import VAE
from inference_gaps.runtime import random_generator
from inference_gaps.specs.train import TrainSpec
from inference_gaps.training.schedules import entropy_weight, learning_rate

__all__ = ["EpochMetrics", "Images", "mean_elbo", "train"]

_VALIDATIONS = 50
_EVALUATION_BATCH = 500


@dataclass(frozen=True)
class Images:
    """Images of one split on the device: bytes [N, D], and the factor that makes them pixels in [0, 1]."""

    bytes: Tensor
    scale: float

    def __len__(self) -> int:
        return self.bytes.shape[0]

    def pixels(self, rows: Tensor | slice) -> Tensor:
        """Return the chosen rows as float32 [n, D]."""
        return self.bytes[rows].float().mul_(self.scale)


@dataclass(frozen=True)
class EpochMetrics:
    """One row of the metrics file; bounds in nats per image."""

    epoch: int
    elbo: float
    objective: float
    validation_elbo: float | None
    learning_rate: float
    entropy_weight: float
    images_per_second: float
    seconds: float


@torch.no_grad()
def mean_elbo(model: VAE, images: Images, rng: torch.Generator) -> float:
    """Return the mean one-sample ELBO of ``images`` with the model in evaluation mode."""
    training = model.training
    model.eval()
    total = 0.0
    for start in range(0, len(images), _EVALUATION_BATCH):
        log_joint, log_q = model.bound_terms(images.pixels(slice(start, start + _EVALUATION_BATCH)), rng=rng)
        total += (log_joint - log_q).double().sum().item()
    model.train(training)
    return total / len(images)


def train(
    model: VAE,
    spec: TrainSpec,
    images: Images,
    validation: Images | None,
    report: Callable[[EpochMetrics], None],
) -> None:
    """Train ``model`` in place.

    Args:
        model: on the device of ``images``, freshly initialised.
        spec: epochs, batch size, schedules, seed.
        images: the training split. An incomplete last batch is left out, as in the authors' code.
        validation: images for the validation ELBO, or None.
        report: called after each epoch.

    Raises:
        UserError: fewer images than one batch, or the objective is no longer finite.
    """
    if len(images) < spec.batch_size:
        raise UserError(
            f"training.batch_size is {spec.batch_size}, but the training split has {len(images)} images; "
            f"write a batch size of at most {len(images)}."
        )
    device = images.bytes.device
    order = random_generator(spec.seed, stream=1)
    noise = random_generator(spec.seed, device, stream=2)
    validation_noise = random_generator(spec.seed, device, stream=3)
    optimiser = torch.optim.Adam(model.parameters(), lr=spec.learning_rate, eps=spec.adam_epsilon, fused=True)
    validate_every = max(1, spec.epochs // _VALIDATIONS)
    started = time.perf_counter()
    model.train()
    for epoch in range(spec.epochs):
        epoch_started = time.perf_counter()
        rate, weight = learning_rate(spec, epoch), entropy_weight(spec, epoch)
        optimiser.param_groups[0]["lr"] = rate
        log_joint, log_q = _run_epoch(model, optimiser, spec, images, weight, order, noise)
        objective = log_joint - weight * log_q
        if not torch.isfinite(torch.tensor(objective)):
            raise UserError(
                f"The training objective became {objective} in epoch {epoch + 1}; lower training.learning_rate "
                f"(now {spec.learning_rate:g}) or raise training.adam_epsilon (now {spec.adam_epsilon:g})."
            )
        now = time.perf_counter()
        due = validation is not None and ((epoch + 1) % validate_every == 0 or epoch + 1 == spec.epochs)
        report(
            EpochMetrics(
                epoch=epoch + 1,
                elbo=log_joint - log_q,
                objective=objective,
                validation_elbo=mean_elbo(model, validation, validation_noise)
                if due and validation
                else None,
                learning_rate=rate,
                entropy_weight=weight,
                images_per_second=len(images) / (now - epoch_started),
                seconds=now - started,
            )
        )


def _run_epoch(
    model: VAE,
    optimiser: torch.optim.Optimizer,
    spec: TrainSpec,
    images: Images,
    weight: float,
    order: torch.Generator,
    noise: torch.Generator,
) -> tuple[float, float]:
    """Take one pass over the images; return the means of log p(x, z) and log q(z|x) in nats."""
    device, size = images.bytes.device, spec.batch_size
    batches = len(images) // size
    rows = torch.randperm(len(images), generator=order).to(device) if spec.shuffle else None
    sums = torch.zeros(2, device=device, dtype=torch.float64)
    for start in range(0, batches * size, size):
        batch = slice(start, start + size) if rows is None else rows[start : start + size]
        log_joint, log_q = model.bound_terms(images.pixels(batch), rng=noise)
        mean_log_joint, mean_log_q = log_joint.mean(), log_q.mean()
        optimiser.zero_grad(set_to_none=True)
        (weight * mean_log_q - mean_log_joint).backward()
        optimiser.step()
        sums += torch.stack([mean_log_joint.detach(), mean_log_q.detach()])
    log_joint_mean, log_q_mean = (sums / batches).tolist()
    return log_joint_mean, log_q_mean
