"""The training loop (paper section 5.1; authors' Table-2 code).

Maximises the mean over a batch of log p(x|z) + log p(z) - w log q(z|x) with one sample of z, where the weight
w rises during warm-up; with ``warm_up_of: kl`` it multiplies log p(z), too. For a flow, w multiplies the whole
augmented log q. Images stay on the device as bytes; no loader processes.
"""

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from inference_gaps.errors import UserError
from inference_gaps.models.vae import VAE
from inference_gaps.numerics.checkpoint import NO_CHECKPOINT, Checkpoint, State
from inference_gaps.numerics.device import random_generator
from inference_gaps.numerics.low_precision import take_low_precision_gradients
from inference_gaps.posteriors.gaussian import standard_normal_log_prob
from inference_gaps.specs.train import TrainSpec
from inference_gaps.training.schedules import entropy_weight, learning_rate

__all__ = ["EpochMetrics", "Images", "Trained", "mean_elbo", "train"]

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
        chosen = self.bytes[rows] if isinstance(rows, slice) else self.bytes.index_select(0, rows)
        return chosen.float().mul_(self.scale)


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


@dataclass(frozen=True)
class Trained:
    """What a training leaves beside the model.

    Attributes:
        epochs: one row per epoch.
        checkpoints: the weights after each epoch of ``spec.checkpoints``, as ``state_dict`` names them.
    """

    epochs: list[EpochMetrics]
    checkpoints: dict[int, dict[str, Tensor]]


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


class _Run:
    """A run between two steps: weights, optimiser, the epoch so far, and the rows and checkpoints before it."""

    def __init__(self, model: VAE, spec: TrainSpec, images: Images) -> None:
        self.model, self.spec = model, spec
        if spec.gradient_precision == "bfloat16":
            take_low_precision_gradients(model)
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.optimiser = torch.optim.Adam(trained, lr=spec.learning_rate, eps=spec.adam_epsilon, fused=True)
        self.epochs: list[EpochMetrics] = []
        self.checkpoints: dict[int, dict[str, Tensor]] = {}
        # Means over each batch of the epoch, see _step; those to come are zero.
        self.terms = torch.zeros(len(images) // spec.batch_size, 3, device=images.bytes.device)
        self.rows: Tensor | None = None
        self.started = self.epoch_started = time.perf_counter()

    @property
    def weight(self) -> float:
        """The weight of the entropy term in the present epoch."""
        return entropy_weight(self.spec, len(self.epochs))

    def begin_epoch(self, rows: Tensor | None) -> None:
        """Take the images in the order ``rows``, or as the file has them."""
        self.rows, self.epoch_started = rows, time.perf_counter()
        self.terms.zero_()
        self.optimiser.param_groups[0]["lr"] = learning_rate(self.spec, len(self.epochs))

    def end_epoch(self, metrics: EpochMetrics) -> None:
        """Take the row of the epoch, and keep its weights if they are asked for."""
        self.epochs.append(metrics)
        if metrics.epoch in self.spec.checkpoints:
            weights = self.model.state_dict()
            self.checkpoints[metrics.epoch] = {name: tensor.clone() for name, tensor in weights.items()}

    def check(self) -> None:
        """Raise UserError if the objective, or a weight, is not a finite number, and say where it began."""
        objective = _objective(self.weight, *self.terms.unbind(1))
        wrong = (~torch.isfinite(objective)).nonzero()
        if len(wrong):
            step = int(wrong[0])
            problem = f"The training objective became {objective[step].item()}"
        elif not all(torch.isfinite(parameter).all() for parameter in self.model.parameters()):
            # It is the last step: the next one would have made the objective not finite.
            step, problem = max(int(self.terms.any(1).sum()) - 1, 0), "A weight stopped being a finite number"
        else:
            return
        raise UserError(
            f"{problem} in epoch {len(self.epochs) + 1}, step {step + 1}; lower training.learning_rate "
            f"(now {self.spec.learning_rate:g}) or raise training.adam_epsilon (now {self.spec.adam_epsilon:g})."
        )

    def state_dict(self) -> State:
        """See :class:`~inference_gaps.numerics.checkpoint.Stateful`; only a run that is finite has a state."""
        self.check()
        now = time.perf_counter()
        return {
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "epochs": [dataclasses.asdict(metrics) for metrics in self.epochs],
            "checkpoints": dict(self.checkpoints),
            "terms": self.terms,
            "rows": self.rows,
            "seconds": [now - self.started, now - self.epoch_started],
        }

    def load_state_dict(self, state: State) -> None:
        """See :class:`~inference_gaps.numerics.checkpoint.Stateful`."""
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.epochs = [EpochMetrics(**metrics) for metrics in state["epochs"]]
        self.checkpoints = state["checkpoints"]
        self.terms, self.rows = state["terms"], state["rows"]
        self.started, self.epoch_started = (time.perf_counter() - spent for spent in state["seconds"])


def train(
    model: VAE,
    spec: TrainSpec,
    images: Images,
    validation: Images | None,
    report: Callable[[EpochMetrics], None],
    checkpoint: Checkpoint = NO_CHECKPOINT,
) -> Trained:
    """Train ``model`` in place.

    Args:
        model: on the device of ``images``, freshly initialised, its generator perhaps frozen.
        spec: epochs, batch size, schedules, seed, and whose weights are kept.
        images: the training split. An incomplete last batch is left out, as in the authors' code.
        validation: images for the validation ELBO, or None.
        report: called after each epoch that is trained here.
        checkpoint: where an earlier process may have left this run.

    Returns:
        One row per epoch and the weights that are kept, those of an earlier process included.

    Raises:
        UserError: fewer images than one batch, or the objective is no longer finite.
    """
    if len(images) < spec.batch_size:
        raise UserError(
            f"training.batch_size is {spec.batch_size}, but the training split has {len(images)} images; "
            f"write a batch size of at most {len(images)}."
        )
    device, batches = images.bytes.device, len(images) // spec.batch_size
    order = random_generator(spec.seed, stream=1)
    noise = random_generator(spec.seed, device, stream=2)
    validation_noise = random_generator(spec.seed, device, stream=3)
    validate_every = max(1, spec.epochs // _VALIDATIONS)
    run = _Run(model, spec, images)

    def where(step: int) -> str:
        return f"epoch {step // batches + 1}, step {step % batches + 1}"

    model.train()
    for step in checkpoint.loop(run, spec.epochs * batches, order, noise, validation_noise, where=where):
        epoch, batch = divmod(step, batches)
        if batch == 0:
            rows = torch.randperm(len(images), generator=order).to(device) if spec.shuffle else None
            run.begin_epoch(rows)
        run.terms[batch] = _step(run, images, batch, noise)
        if batch < batches - 1:
            continue
        run.check()
        due = (epoch + 1) % validate_every == 0 or epoch + 1 == spec.epochs
        log_joint, log_q, log_prior = run.terms.double().mean(0).tolist()
        now = time.perf_counter()
        metrics = EpochMetrics(
            epoch=epoch + 1,
            elbo=log_joint - log_q,
            objective=_objective(run.weight, log_joint, log_q, log_prior),
            validation_elbo=mean_elbo(model, validation, validation_noise) if validation and due else None,
            learning_rate=run.optimiser.param_groups[0]["lr"],
            entropy_weight=run.weight,
            images_per_second=len(images) / (now - run.epoch_started),
            seconds=now - run.started,
        )
        run.end_epoch(metrics)
        report(metrics)
    return Trained(run.epochs, run.checkpoints)


_Number = TypeVar("_Number", float, Tensor)


def _objective(weight: float, log_joint: _Number, log_q: _Number, log_prior: _Number) -> _Number:
    """Return what is maximised; ``log_prior`` is 0 unless the weight of the warm-up multiplies log p(z), too."""
    return log_joint - weight * log_q - (1 - weight) * log_prior


def _step(run: _Run, images: Images, batch: int, noise: torch.Generator) -> Tensor:
    """Take one step of the optimiser.

    Returns:
        Means over the batch [3]: of log p(x, z), of log q(z|x) and, with ``warm_up_of: kl``, of log p(z), else 0.
    """
    chosen = slice(batch * run.spec.batch_size, (batch + 1) * run.spec.batch_size)
    pixels = images.pixels(chosen if run.rows is None else run.rows[chosen])
    z, log_joint, log_q = run.model.sample_terms(pixels, rng=noise)
    terms = [log_joint.mean(), log_q.mean(), log_joint.new_zeros(())]
    if run.spec.warm_up_of == "kl":
        terms[2] = standard_normal_log_prob(z).mean()
    run.optimiser.zero_grad(set_to_none=True)
    (-_objective(run.weight, *terms)).backward()
    run.optimiser.step()
    return torch.stack(terms).detach()
