"""Generators, recognition networks, and models on disk."""

from pathlib import Path

import pytest
import torch

from inference_gaps.errors import UserError
from inference_gaps.models.conv import ConvGenerator
from inference_gaps.models.generator import Generator
from inference_gaps.models.mlp import MlpGenerator
from inference_gaps.models.vae import build_vae
from inference_gaps.replication.artifacts.files import write_tensors
from inference_gaps.replication.storage.trained_models import load_checkpoint, load_model, save_model
from inference_gaps.specs.families import FAMILIES
from inference_gaps.specs.train import (
    ConvArchitectureSpec,
    MlpArchitectureSpec,
    PosteriorSpec,
    TrainSpec,
)

GENERATORS = {
    "elu": lambda: MlpGenerator(4, [6, 5], 9, "elu"),
    "tanh": lambda: MlpGenerator(4, [6], 9, "tanh"),
    "relu": lambda: MlpGenerator(4, [6, 5, 7], 9, "relu"),
    "linear": lambda: MlpGenerator(4, [], 9, "elu"),
    "conv": lambda: ConvGenerator(4, 2).eval(),
}


@pytest.fixture(params=GENERATORS)
def generator(request: pytest.FixtureRequest) -> Generator:
    torch.manual_seed(1)
    return GENERATORS[request.param]().requires_grad_(False)


def images_for(generator: Generator, count: int = 3) -> torch.Tensor:
    dimension = generator.logits(torch.zeros(1, generator.latent_dim)).shape[-1]
    return torch.rand(count, dimension).round()


def test_log_joint_is_that_of_torch_distributions(generator: Generator) -> None:
    x, z = images_for(generator), 2 * torch.randn(3, 4, generator.latent_dim)
    likelihood = torch.distributions.Bernoulli(logits=generator.logits(z)).log_prob(x.unsqueeze(1)).sum(-1)
    prior = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(-1)
    torch.testing.assert_close(generator.log_joint(x, z), likelihood + prior)


def test_grey_levels_give_the_cross_entropy(generator: Generator) -> None:
    x, z = images_for(generator) * 0.3 + 0.2, torch.randn(3, 4, generator.latent_dim)
    logits = generator.logits(z)
    expected = -torch.nn.functional.binary_cross_entropy_with_logits(
        logits, x.unsqueeze(1).expand_as(logits), reduction="none"
    ).sum(-1)
    prior = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(-1)
    torch.testing.assert_close(generator.log_joint(x, z), expected + prior)


def test_written_gradient_is_that_of_autograd(generator: Generator) -> None:
    x, z = images_for(generator), torch.randn(3, 4, generator.latent_dim)
    value, gradient = generator.log_joint_gradient(x, z)
    expected_value, expected_gradient = Generator.log_joint_gradient(generator, x, z)
    torch.testing.assert_close(value, expected_value)
    torch.testing.assert_close(gradient, expected_gradient)
    assert generator.log_joint_gradient(x, z, with_value=False)[0] is None


def test_frozen_log_joint_passes_the_gradient_of_z(generator: Generator) -> None:
    x, z = images_for(generator), torch.randn(3, 4, generator.latent_dim, requires_grad=True)
    scale = torch.tensor([1.0, -2.0, 0.5, 3.0])
    (got,) = torch.autograd.grad((generator.frozen_log_joint(x, z) * scale).sum(), z)
    (expected,) = torch.autograd.grad((generator.log_joint(x, z) * scale).sum(), z)
    torch.testing.assert_close(got, expected)


def test_score_is_the_gradient_and_has_derivatives_of_its_own(generator: Generator) -> None:
    x, z = images_for(generator), torch.randn(3, 4, generator.latent_dim)
    expected = generator.log_joint_gradient(x, z)[1]
    torch.testing.assert_close(generator.score(x)(z), expected)
    leaf = z.clone().requires_grad_()
    score = generator.score(x)(leaf)
    torch.testing.assert_close(score, expected)
    direction, step = torch.randn(z.shape), 1e-6
    (along,) = torch.autograd.grad((score * direction).sum(), leaf)
    ends = [generator.log_joint_gradient(x, z + sign * step * direction)[1] for sign in (1, -1)]
    torch.testing.assert_close(along, (ends[0] - ends[1]) / (2 * step), atol=1e-5, rtol=1e-4)
    with torch.no_grad():
        assert not generator.score(x)(leaf).requires_grad


def test_score_in_training_is_that_of_each_point_alone_and_leaves_no_trace() -> None:
    """Batch normalisation in training mode would mix the points and move its statistics."""
    torch.manual_seed(1)
    generator = ConvGenerator(4, 2).train()
    before = {name: tensor.clone() for name, tensor in generator.state_dict().items()}
    x, z = torch.rand(3, 3072).round(), torch.randn(3, 2, 4, requires_grad=True)
    together = generator.score(x)(z)
    assert generator.training
    assert all(torch.equal(before[name], tensor) for name, tensor in generator.state_dict().items())
    torch.testing.assert_close(generator.score(x[:1])(z[:1]), together[:1])
    (of_weights,) = torch.autograd.grad(together.sum(), generator.project[0].weight)
    assert of_weights.abs().sum() > 0


def test_logits_of_extreme_size_stay_finite() -> None:
    generator = MlpGenerator(2, [], 3, "elu").requires_grad_(False)
    generator.layers[0].weight.fill_(1e4)
    value, gradient = generator.log_joint_gradient(
        torch.ones(1, 3), torch.tensor([[[1.0, 1.0], [-1.0, -1.0]]])
    )
    assert torch.isfinite(value).all()
    assert torch.isfinite(gradient).all()
    assert value[0, 0] == pytest.approx(-1 - torch.log(torch.tensor(2 * torch.pi)).item())


def test_published_sizes_of_the_networks() -> None:
    mlp = build_vae(MlpArchitectureSpec(), PosteriorSpec(), (1, 28, 28))
    assert [tuple(p.shape) for p in mlp.generator.parameters() if p.dim() == 2] == [
        (200, 50), (200, 200), (784, 200),
    ]  # fmt: skip
    assert mlp.posterior.moments.weight.shape == (100, 200)
    assert mlp.posterior.context is None
    flow = build_vae(MlpArchitectureSpec(), PosteriorSpec(family="af"), (1, 28, 28))
    assert flow.posterior.context is not None
    assert flow.posterior.context.weight.shape == (50, 200)
    conv = build_vae(ConvArchitectureSpec(), PosteriorSpec(family="af"), (3, 32, 32))
    assert conv.posterior.moments.weight.shape == (100, 1024)
    assert conv.generator.logits(torch.zeros(2, 5, 50)).shape == (2, 5, 3072)


def test_convolutions_refuse_other_images() -> None:
    with pytest.raises(
        UserError, match=r"takes images of shape \(3, 32, 32\), these have shape \(1, 28, 28\)"
    ):
        build_vae(ConvArchitectureSpec(), PosteriorSpec(), (1, 28, 28))


MADE = {"command": "train", "fingerprint": "0123"}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("kind", ["mlp", "conv"])
def test_saved_and_loaded_models_are_equal(family: str, kind: str, tmp_path: Path) -> None:
    torch.set_default_dtype(torch.float32)
    architecture = (
        MlpArchitectureSpec(encoder_hidden=[8], decoder_hidden=[6])
        if kind == "mlp"
        else ConvArchitectureSpec(encoder_channels=2, decoder_channels=2)
    )
    spec = TrainSpec(architecture=architecture, posterior=PosteriorSpec(family=family, flow_hidden=5))
    shape = [1, 28, 28] if kind == "mlp" else [3, 32, 32]
    model = build_vae(spec.architecture, spec.posterior, shape)
    x = torch.rand(4, shape[0] * shape[1] * shape[2])
    model.bound_terms(x)  # In training mode: moves the running statistics of batch normalisation.
    save_model(tmp_path / "m.safetensors", model, MADE | {"spec": spec.as_dict(), "data": {"shape": shape}})
    loaded, provenance = load_model(tmp_path / "m.safetensors")
    assert provenance["spec"] == spec.as_dict()
    assert not loaded.training
    assert not any(parameter.requires_grad for parameter in loaded.parameters())
    model.eval()
    with torch.no_grad():
        terms = [m.bound_terms(x, 3, torch.Generator().manual_seed(2)) for m in (model, loaded)]
    assert torch.equal(terms[0][0], terms[1][0])
    assert torch.equal(terms[0][1], terms[1][1])


def test_a_checkpoint_is_loaded_as_it_was_kept(tmp_path: Path) -> None:
    """Each from the one file, bit for bit, batch normalisation included; the model itself does not see them."""
    path, shape = tmp_path / "m.safetensors", [3, 32, 32]
    spec = TrainSpec(architecture=ConvArchitectureSpec(encoder_channels=2, decoder_channels=2))
    torch.manual_seed(0)
    model = build_vae(spec.architecture, spec.posterior, shape)
    kept = {}
    for epoch in (2, 10):
        model.bound_terms(torch.rand(4, 3072))
        torch.nn.init.normal_(model.posterior.moments.bias)
        kept[epoch] = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    model.bound_terms(torch.rand(4, 3072))
    about = {"spec": spec.as_dict(), "data": {"shape": shape}}
    save_model(path, model, MADE | about, kept)
    found = {None: load_model(path)[0]} | {epoch: load_checkpoint(path, epoch)[0] for epoch in kept}
    for epoch, weights in {None: model.state_dict(), **kept}.items():
        loaded = found[epoch].state_dict()
        assert list(loaded) == list(weights)
        assert all(torch.equal(loaded[name], weights[name]) for name in weights), epoch
    taken = MADE | {"command": "take-checkpoint", "training": about["spec"], "spec": {"epoch": 10}}
    save_model(path, found[10], taken | {"data": about["data"]})
    assert all(
        torch.equal(kept[10][name], tensor) for name, tensor in load_model(path)[0].state_dict().items()
    )
    save_model(path, model, MADE | about, kept)
    with pytest.raises(UserError, match="checkpoints that its training kept are: 2, 10"):
        load_checkpoint(path, 3)


def test_a_file_that_holds_no_model_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    with pytest.raises(UserError, match=r"does not exist; run the stage that makes it first"):
        load_model(path)
    path.write_bytes(b"\x00" * 100)
    with pytest.raises(UserError, match="cannot be read as a tensor file of this project"):
        load_model(path)
    made_by = MADE | {"spec": TrainSpec().as_dict(), "data": {"shape": [1, 28, 28]}}
    write_tensors(path, {"a": torch.zeros(1)}, made_by)
    with pytest.raises(UserError, match="does not hold a model of this project"):
        load_model(path)
