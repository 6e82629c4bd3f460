"""Models of this project come through the same door, from the files that training writes."""

from pathlib import Path

import pytest
import torch

import inference_gaps as gaps
from inference_gaps.foreign.adapted import ForeignGenerator
from inference_gaps.models.vae import VAE, build_vae
from inference_gaps.numerics.device import random_generator
from inference_gaps.replication.storage.trained_models import save_model
from inference_gaps.specs.train import (
    ConvArchitectureSpec,
    LinearGaussianArchitectureSpec,
    MlpArchitectureSpec,
    PosteriorSpec,
    TrainSpec,
)
from tests.foreign.models import QUICK

SMALL = MlpArchitectureSpec(latent_dim=3, encoder_hidden=[8], decoder_hidden=[8])
MODELS = {
    "gaussian": TrainSpec(architecture=SMALL),
    "linear": TrainSpec(architecture=LinearGaussianArchitectureSpec(latent_dim=3)),
    "convolutions": TrainSpec(
        architecture=ConvArchitectureSpec(latent_dim=3, encoder_channels=4, decoder_channels=4)
    ),
    **{
        family: TrainSpec(architecture=SMALL, posterior=PosteriorSpec(family=family))
        for family in ("full-gaussian", "coupling", "af", "hamiltonian")
    },
}


def _saved(name: str, path: Path) -> tuple[VAE, torch.Tensor]:
    """Write a model that was not trained; return it, and images for it."""
    spec, shape = MODELS[name], [3, 32, 32] if name == "convolutions" else [1, 3, 4]
    torch.manual_seed(0)
    model = build_vae(spec.architecture, spec.posterior, shape).eval().requires_grad_(False)
    provenance = {"command": "train", "fingerprint": "0", "spec": spec.as_dict(), "data": {"shape": shape}}
    earlier = {name: 0 * tensor for name, tensor in model.state_dict().items()}
    save_model(path, model, provenance, {2: earlier})
    return model, torch.rand(5, *shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", MODELS)
def test_a_file_of_weights_is_the_model_that_was_trained(name: str, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    model, x = _saved(name, path)
    vae = gaps.load(path)
    z = torch.randn(5, 4, model.latent_dim, generator=torch.Generator().manual_seed(2))
    generator = ForeignGenerator(vae, x.dtype, 7)
    rows = x.flatten(1)
    torch.testing.assert_close(generator.log_joint(x, z), model.generator.log_joint(rows, z))
    value, gradient = model.generator.log_joint_gradient(rows, z)
    ours = generator.log_joint_gradient(x, z)
    torch.testing.assert_close(ours, (value, gradient), atol=1e-3, rtol=1e-3)
    if name in ("gaussian", "linear", "convolutions"):
        moments = vae.encoded(x)
        parameters = model.posterior.parameters_for(rows)
        torch.testing.assert_close(moments, (parameters["mean"], parameters["log_variance"]))
    else:
        # log q of a flow is known where it was sampled: weights of both have the same mean.
        drawn, log_q = vae.sampled(x, 4000, random_generator(0))
        log_w = [model.generator.log_joint(rows, drawn) - log_q]
        terms = model.bound_terms(rows, 4000, random_generator(1))
        log_w.append(terms[0] - terms[1])
        first, second = (each.mean(1) for each in log_w)
        error = (log_w[0].var(1) / 4000 + log_w[1].var(1) / 4000).sqrt()
        assert bool(((first - second).abs() < 4.5 * error + 1e-4).all())


FLOWS = ("full-gaussian", "coupling", "af", "hamiltonian")


@pytest.mark.parametrize("family", FLOWS)
def test_q_star_is_sought_in_the_family_of_q(family: str, tmp_path: Path) -> None:
    _, x = _saved(family, tmp_path / "model.safetensors")
    vae = gaps.load(tmp_path / "model.safetensors")
    result = gaps.measure(vae, x.round(), flow_steps=60, max_cycles=2, progress=False, **QUICK)
    assert result.settings["local"] == [family]
    assert not {check.name for check in result.checks if check.level != "passed"} & {"family", "order"}
    gap = result.points["amortization_gap"]
    assert (gap > -4 * result.points["elbo_amortized_standard_error"] - 0.01).all()
    assert gap.mean() > 0.01
    assert (result.points["inference_gap"] > -0.1).all()


@pytest.mark.parametrize("family", FLOWS[1:])
def test_q_star_of_a_flow_starts_at_q(family: str, tmp_path: Path) -> None:
    """With hardly any optimisation, L[q*] is L[q], and not that of a Gaussian."""
    _, x = _saved(family, tmp_path / "model.safetensors")
    still = {**QUICK, "samples": 4000, "learning_rate": 1e-6}
    vae = gaps.load(tmp_path / "model.safetensors")
    points = gaps.measure(vae, x.round(), ais=(), max_cycles=2, progress=False, **still).points
    bounds = points["elbo_amortized"], points[f"elbo_local_{family}"]
    errors = points["elbo_amortized_standard_error"], points[f"elbo_local_{family}_standard_error"]
    assert ((bounds[0] - bounds[1]).abs() < 4.5 * (errors[0] ** 2 + errors[1] ** 2) ** 0.5).all()
