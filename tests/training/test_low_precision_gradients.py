"""Training along gradients in low precision: the pass forward stays exact, and models come out as good."""

import pytest
import torch
from torch import Tensor, nn

from inference_gaps.models.mlp import MlpGenerator
from inference_gaps.models.vae import VAE, build_vae
from inference_gaps.numerics import low_precision
from inference_gaps.numerics.low_precision import Linear, take_low_precision_gradients
from inference_gaps.specs.train import MlpArchitectureSpec, PosteriorSpec, TrainSpec
from inference_gaps.training.loop import Images, mean_elbo, train

ARCHITECTURE = MlpArchitectureSpec(latent_dim=4, encoder_hidden=[40], decoder_hidden=[40])


@pytest.fixture(autouse=True)
def _as_the_stages_compute() -> None:
    torch.set_default_dtype(torch.float32)


def _in_low_precision(model: nn.Module) -> None:
    """As on a processor with bfloat16."""
    for layer in model.modules():
        if isinstance(layer, Linear):
            layer.low_precision_gradient = True


def _gradients(model: nn.Module, loss: Tensor) -> Tensor:
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return torch.cat([gradient.flatten() for gradient in torch.autograd.grad(loss, parameters)])


@pytest.mark.parametrize("family", ["ffg", "af", "hamiltonian"])
def test_the_bound_is_the_same_to_the_bit_and_its_gradient_is_near(family: str) -> None:
    torch.manual_seed(0)
    posterior = PosteriorSpec(family=family, flow_hidden=10)
    model = build_vae(ARCHITECTURE, posterior, (1, 10, 10))
    x = torch.rand(30, 100)

    def bound() -> Tensor:
        log_joint, log_q = model.bound_terms(x, 2, torch.Generator().manual_seed(1))
        return (log_joint - log_q).mean()

    exact = bound()
    exact_gradients = _gradients(model, exact)
    _in_low_precision(model)
    low = bound()
    gradients = _gradients(model, low)
    assert torch.equal(low, exact)
    assert gradients.dtype == exact_gradients.dtype
    distance = ((gradients - exact_gradients).norm() / exact_gradients.norm()).item()
    assert 0 < distance < 0.01


def test_a_gradient_that_is_differentiated_itself_is_exact() -> None:
    torch.manual_seed(0)
    generator = MlpGenerator(3, [20], 50, "elu")
    x, z = torch.rand(5, 50), torch.randn(5, 2, 3, requires_grad=True)
    exact = generator.score(x)(z)
    _in_low_precision(generator)
    torch.testing.assert_close(generator.score(x)(z), exact, rtol=1e-5, atol=1e-5)


def test_layers_whose_input_or_weights_need_no_gradient() -> None:
    layer = Linear(3, 2)
    _in_low_precision(layer)
    layer(torch.rand(4, 3)).sum().backward()
    assert layer.weight.grad is not None
    layer.requires_grad_(False)
    x = torch.rand(4, 3, requires_grad=True)
    layer(x).sum().backward()
    assert x.grad is not None
    torch.testing.assert_close(x.grad, layer.weight.sum(0).expand(4, 3), rtol=0.02, atol=0)


def test_without_instructions_for_it_all_stays_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(low_precision, "bfloat16_is_faster", lambda device: False)
    layer = Linear(3, 2)
    take_low_precision_gradients(layer)
    assert not layer.low_precision_gradient


def _elbo(precision: str, seed: int, images: Images) -> float:
    spec = TrainSpec(
        architecture=ARCHITECTURE, epochs=12, warm_up_epochs=2, batch_size=50, learning_rate=0.01,
        schedule="constant", shuffle=True, seed=seed, gradient_precision=precision,
    )  # fmt: skip
    torch.manual_seed(seed)
    model: VAE = build_vae(spec.architecture, spec.posterior, (1, 10, 10))
    train(model, spec, images, None, lambda metrics: None)
    return mean_elbo(model, images, torch.Generator().manual_seed(0))


def test_models_come_out_as_good(monkeypatch: pytest.MonkeyPatch) -> None:
    """Paired by seed; what is left is how two runs part from each other."""
    monkeypatch.setattr(low_precision, "bfloat16_is_faster", lambda device: True)
    rng = torch.Generator().manual_seed(3)
    decoder = MlpGenerator(4, [40], 100, "elu").requires_grad_(False)
    for parameter in decoder.parameters():
        parameter.copy_(torch.randn(parameter.shape, generator=rng))
    images = Images(decoder.simulate(torch.randn(1000, 4, generator=rng), rng).to(torch.uint8), 1.0)
    start = _elbo_untrained(images)
    pairs = torch.tensor(
        [[_elbo(each, seed, images) for each in ("float32", "bfloat16")] for seed in range(5)]
    )
    gained = pairs[:, 0].mean().item() - start
    difference = pairs[:, 1] - pairs[:, 0]
    assert gained > 10
    assert not torch.equal(difference, torch.zeros(5))
    assert abs(difference.mean().item()) < 0.02 * gained


def _elbo_untrained(images: Images) -> float:
    torch.manual_seed(0)
    model = build_vae(ARCHITECTURE, PosteriorSpec(), (1, 10, 10))
    return mean_elbo(model, images, torch.Generator().manual_seed(0))
