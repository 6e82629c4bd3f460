"""Schedules and the training loop."""

import itertools
import json
from collections.abc import Mapping

import pytest
import torch

from inference_gaps.errors import UserError
from inference_gaps.models.vae import VAE, build_vae
from inference_gaps.numerics.device import random_generator
from inference_gaps.replication.config.sentences import spec_sentences
from inference_gaps.specs.base import InvalidSpec
from inference_gaps.specs.families import FAMILIES
from inference_gaps.specs.train import ConvArchitectureSpec, MlpArchitectureSpec, PosteriorSpec, TrainSpec
from inference_gaps.training.loop import EpochMetrics, Images, train
from inference_gaps.training.schedules import entropy_weight, learning_rate


def test_stages_last_powers_of_three() -> None:
    spec = TrainSpec()
    rates = [learning_rate(spec, epoch) for epoch in range(3280)]
    lengths = [rates.count(rate) for rate in sorted(set(rates), reverse=True)]
    assert lengths == [1, 3, 9, 27, 81, 243, 729, 2187]
    assert rates[0] == 1e-3
    assert rates[1] == pytest.approx(1e-3 * 10 ** (-1 / 7))
    assert rates[-1] == pytest.approx(1e-4)


@pytest.mark.parametrize("epochs", [2, 10, 60, 328])
@pytest.mark.parametrize("schedule", ["iwae-stages", "geometric"])
def test_shorter_runs_keep_the_total_decay(epochs: int, schedule: str) -> None:
    spec = TrainSpec(epochs=epochs, schedule=schedule)
    rates = [learning_rate(spec, epoch) for epoch in range(epochs)]
    assert rates == sorted(rates, reverse=True)
    assert rates[0] == 1e-3
    assert rates[-1] == pytest.approx(1e-4)


def test_entropy_weight_starts_at_one_part_and_ends_at_one() -> None:
    spec = TrainSpec()
    assert entropy_weight(spec, 0) == 1 / 400
    assert entropy_weight(spec, 199) == 0.5
    assert entropy_weight(spec, 399) == entropy_weight(spec, 3000) == 1
    assert entropy_weight(TrainSpec(warm_up_epochs=0), 0) == 1


CONV = ConvArchitectureSpec(latent_dim=2, encoder_channels=2, decoder_channels=2)


def tiny_images(count: int = 60) -> Images:
    rng = torch.Generator().manual_seed(0)
    return Images((torch.rand(count, 12, generator=rng) < 0.3).to(torch.uint8), 1.0)


def tiny_run(
    family: str = "ffg", images: Images | None = None, **settings: object
) -> tuple[VAE, list[EpochMetrics]]:
    torch.set_default_dtype(torch.float32)
    architecture = MlpArchitectureSpec(latent_dim=2, encoder_hidden=[8], decoder_hidden=[8])
    spec = TrainSpec.model_validate(
        {
            "architecture": architecture,
            "posterior": PosteriorSpec(family=family, flow_hidden=5),
            "epochs": 30,
            "batch_size": 20,
            "learning_rate": 1e-2,
            "warm_up_epochs": 3,
        }
        | settings
    )
    torch.manual_seed(spec.seed)
    model = build_vae(spec.architecture, spec.posterior, (1, 3, 4))
    rows: list[EpochMetrics] = []
    train(model, spec, images or tiny_images(), tiny_images(10), rows.append)
    return model, rows


def weights(model: VAE) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def same(one: Mapping[str, torch.Tensor], other: Mapping[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("family", FAMILIES)
def test_training_improves_the_bound_and_repeats_to_the_bit(family: str) -> None:
    model, rows = tiny_run(family, shuffle=True)
    again, rows_again = tiny_run(family, shuffle=True)
    assert rows[-1].elbo > rows[0].elbo + 0.5
    assert [row.elbo for row in rows] == [row.elbo for row in rows_again]
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters()))
    assert rows[-1].validation_elbo == rows_again[-1].validation_elbo is not None
    other, _ = tiny_run(family, shuffle=True, seed=1)
    assert not torch.equal(next(model.parameters()), next(other.parameters()))


def test_objective_weights_the_entropy_term_alone() -> None:
    _, rows = tiny_run()
    first = rows[0]
    # elbo = a - b and objective = a - w b, so b follows from both, and a must be a log joint below zero.
    log_q = (first.objective - first.elbo) / (1 - first.entropy_weight)
    assert first.entropy_weight == pytest.approx(1 / 3)
    assert first.elbo + log_q < 0
    assert rows[5].objective == rows[5].elbo


def test_checkpoints_are_the_weights_after_their_epochs() -> None:
    """And they change nothing: the same training without them passes through the same weights."""
    torch.set_default_dtype(torch.float32)
    spec = TrainSpec(
        architecture=CONV, epochs=5, batch_size=5, warm_up_epochs=2, shuffle=True, checkpoints=[1, 3, 4]
    )
    images = Images(tiny_images(2560).bytes.reshape(10, 3072), 1.0)
    seen: dict[int, dict[str, torch.Tensor]] = {}

    def trained(spec: TrainSpec) -> dict[int, dict[str, torch.Tensor]]:
        torch.manual_seed(0)
        model = build_vae(spec.architecture, spec.posterior, (3, 32, 32))
        seen.clear()
        return train(
            model, spec, images, None, lambda row: seen.update({row.epoch: weights(model)})
        ).checkpoints

    assert trained(spec.model_copy(update={"checkpoints": []})) == {}
    kept = trained(spec)
    assert list(kept) == [1, 3, 4]
    assert all(same(kept[epoch], seen[epoch]) for epoch in kept)
    assert not same(kept[3], seen[5])


@pytest.mark.parametrize(
    ("checkpoints", "sentence"),
    [
        ([3, 2], "--spec: checkpoints names epoch 2 after epoch 3; write each epoch once, in increasing order."),
        ([2, 2], "--spec: checkpoints names epoch 2 after epoch 2; write each epoch once, in increasing order."),
        ([2, 5], "--spec: checkpoints names epoch 5, but the training has 5; write epochs before the last one, "
         "which is kept anyway."),
        ([0], "--spec: checkpoints[0] is the number 0; it must be a whole number, at least 1 and less than "
         "2147483648."),
        (3, "--spec: checkpoints is the number 3; it must be a list."),
    ],
)  # fmt: skip
def test_checkpoints_that_cannot_be_kept_are_a_sentence(checkpoints: object, sentence: str) -> None:
    with pytest.raises(InvalidSpec) as caught:
        TrainSpec.from_argument(json.dumps({"epochs": 5, "checkpoints": checkpoints}))
    assert spec_sentences(caught.value) == sentence


@pytest.mark.parametrize("warm_up_of", ["entropy", "kl"])
@pytest.mark.parametrize("family", ["ffg", "af"])
def test_a_step_follows_the_objective_as_it_is_written(family: str, warm_up_of: str) -> None:
    """One step on all images against Adam on E[log p(x|z)] + log p(z) - w log q, or w times the whole KL."""
    torch.set_default_dtype(torch.float32)
    weight, images = 1 / 4, tiny_images()
    model, rows = tiny_run(family, images, epochs=1, batch_size=60, warm_up_epochs=4, warm_up_of=warm_up_of)
    torch.manual_seed(0)
    architecture = MlpArchitectureSpec(latent_dim=2, encoder_hidden=[8], decoder_hidden=[8])
    hand = build_vae(
        architecture, PosteriorSpec.model_validate({"family": family, "flow_hidden": 5}), (1, 3, 4)
    )
    x = images.pixels(slice(0, 60))
    z, log_q = hand.posterior.family.rsample_with_log_prob(
        hand.posterior.parameters_for(x), 1, random_generator(0, stream=2)
    )
    log_prior = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(-1)
    log_likelihood = hand.generator.log_likelihood(x, z)
    kl = weight * (log_q - log_prior) if warm_up_of == "kl" else weight * log_q - log_prior
    objective = (log_likelihood - kl).mean()
    optimiser = torch.optim.Adam(hand.parameters(), lr=1e-2, eps=1e-4)
    (-objective).backward()
    optimiser.step()
    assert rows[0].objective == pytest.approx(objective.item(), rel=1e-6)
    assert rows[0].elbo == pytest.approx((log_likelihood + log_prior - log_q).mean().item(), rel=1e-6)
    moved = zip(model.parameters(), hand.parameters(), strict=True)
    assert all(torch.allclose(one, other, rtol=0, atol=1e-5) for one, other in moved)


def test_after_the_warm_up_it_does_not_matter_what_it_was_of() -> None:
    (one, _), (other, _) = (
        tiny_run(epochs=3, warm_up_epochs=0, warm_up_of=warm_up_of) for warm_up_of in ("entropy", "kl")
    )
    assert same(weights(one), weights(other))
    warmed, _ = tiny_run(epochs=3, warm_up_epochs=3, warm_up_of="kl")
    assert not same(weights(one), weights(warmed))


def test_without_shuffling_batches_come_in_file_order() -> None:
    seen: list[torch.Tensor] = []

    class Recorder(Images):
        def pixels(self, rows: torch.Tensor | slice) -> torch.Tensor:
            seen.append(rows)  # type: ignore[arg-type]
            return super().pixels(rows)

    images = tiny_images(50)
    tiny_run(images=Recorder(images.bytes, images.scale), epochs=2, warm_up_epochs=0)
    assert seen == [slice(0, 20), slice(20, 40)] * 2


def test_a_batch_larger_than_the_data_is_a_sentence() -> None:
    with pytest.raises(
        UserError, match=r"batch_size is 61, but the training split has 60 images; write .* 60"
    ):
        tiny_run(batch_size=61)


def test_a_diverging_objective_stops_with_its_epoch_and_step() -> None:
    calls = itertools.count()

    class Poisoned(Images):
        def pixels(self, rows: torch.Tensor | slice) -> torch.Tensor:
            # The second step of the fifth epoch; from the third on the objective is not a number.
            return super().pixels(rows) * (float("nan") if next(calls) == 4 * 3 + 1 else 1)

    images = tiny_images()
    with pytest.raises(
        UserError, match=r"objective became nan in epoch 5, step 2; lower training.learning_rate"
    ):
        tiny_run(images=Poisoned(images.bytes, images.scale))
