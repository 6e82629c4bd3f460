"""Training the recognition network alone, for a generator that was trained with another."""

import pytest
import torch

from inference_gaps.models.vae import VAE, build_vae
from inference_gaps.specs.families import FAMILIES
from inference_gaps.specs.train import ConvArchitectureSpec, MlpArchitectureSpec, PosteriorSpec, TrainSpec
from inference_gaps.training.loop import EpochMetrics, Images, train

ARCHITECTURES = {
    "mlp": (MlpArchitectureSpec(latent_dim=2, encoder_hidden=[8], decoder_hidden=[8]), (1, 3, 4)),
    "conv": (ConvArchitectureSpec(latent_dim=2, encoder_channels=2, decoder_channels=3), (3, 32, 32)),
}


def images(kind: str) -> Images:
    """60 images whose pixels hang together: each is one of three patterns, with noise."""
    channels, height, width = ARCHITECTURES[kind][1]
    rng = torch.Generator().manual_seed(0)
    patterns = torch.rand(3, channels * height * width, generator=rng).repeat(20, 1)
    return Images(torch.bernoulli(0.8 * patterns.round() + 0.1, generator=rng).to(torch.uint8), 1.0)


def untrained(kind: str, family: str, seed: int) -> VAE:
    torch.set_default_dtype(torch.float32)
    torch.manual_seed(seed)
    architecture, shape = ARCHITECTURES[kind]
    return build_vae(architecture, PosteriorSpec.model_validate({"family": family, "flow_hidden": 5}), shape)


def trained(model: VAE, kind: str) -> list[EpochMetrics]:
    spec = TrainSpec(
        epochs=40 if kind == "mlp" else 12, batch_size=20, learning_rate=1e-2, warm_up_epochs=0, shuffle=True
    )
    return train(model, spec, images(kind), images(kind), lambda row: None).epochs


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_a_frozen_generator_keeps_its_bits_while_the_rest_learns(kind: str, family: str) -> None:
    other, model = untrained(kind, "ffg", 0), untrained(kind, family, 1)
    trained(other, kind)
    model.freeze_generator(other.generator)
    before = {name: tensor.clone() for name, tensor in model.posterior.state_dict().items()}
    rows = trained(model, kind)
    kept = other.generator.state_dict()
    assert list(kept) == list(model.generator.state_dict())
    for name, tensor in model.generator.state_dict().items():
        assert torch.equal(tensor, kept[name]), name
    assert all(parameter.grad is None for parameter in model.generator.parameters())
    learnt = model.posterior.state_dict()
    assert [name for name in before if torch.equal(before[name], learnt[name])] == []
    assert rows[-1].elbo > rows[0].elbo + 0.3
    assert model.training
    assert not model.generator.training


@pytest.mark.parametrize("family", ["ffg", "af", "hamiltonian"])
def test_freezing_leaves_the_gradient_of_the_rest_as_it_is(family: str) -> None:
    """What reaches the recognition network through the generator, and through its score, is the same."""
    model, other = untrained("mlp", family, 0), untrained("mlp", family, 0)
    other.freeze_generator(model.generator)
    gradients = []
    for each in (model, other):
        log_joint, log_q = each.bound_terms(
            images("mlp").pixels(slice(0, 9)), 4, torch.Generator().manual_seed(2)
        )
        (log_joint - log_q).mean().backward()
        gradients.append([parameter.grad for parameter in each.posterior.parameters()])
    assert all(torch.allclose(*pair, rtol=1e-5, atol=1e-7) for pair in zip(*gradients, strict=True))  # type: ignore[arg-type]
    assert all(gradient.abs().max() > 0 for gradient in gradients[0] if gradient is not None)
