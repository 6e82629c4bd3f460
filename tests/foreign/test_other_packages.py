"""Models of other packages, as those packages make them; each test is skipped where its package is missing.

``make test-packages`` runs them in an environment that has the packages.
"""

import math
from typing import Any

import pytest
import torch

import inference_gaps as gaps

SAMPLES = 2000


def _blobs(points: int, seed: int = 0) -> torch.Tensor:
    """Small pictures of a bright square somewhere [B, 1, 8, 8], in [0, 1]."""
    rng = torch.Generator().manual_seed(seed)
    x = 0.1 * torch.rand(points, 1, 8, 8, generator=rng)
    for image, (row, column) in zip(x, torch.randint(0, 5, (points, 2), generator=rng).tolist()):
        image[:, row : row + 3, column : column + 3] += 0.8
    return x


def _trained(model: Any, x: torch.Tensor, steps: int = 300) -> Any:
    torch.manual_seed(0)
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    model.train()
    for _ in range(steps):
        rows = torch.randint(0, len(x), (64,))
        loss = model({"data": x[rows]}).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return model.eval()


@pytest.mark.parametrize("loss", ["mse", "bce"])
@pytest.mark.parametrize("kind", ["VAE", "VAMP"])
def test_iwae_of_a_pythae_model_is_its_get_nll(loss: str, kind: str) -> None:
    models = pytest.importorskip("pythae.models")
    torch.manual_seed(0)
    settings: dict[str, Any] = {"input_dim": (1, 8, 8), "latent_dim": 2, "reconstruction_loss": loss}
    if kind == "VAMP":
        settings |= {"number_components": 8, "linear_scheduling_steps": 0}
    config = getattr(models, f"{kind}Config")(**settings)
    x = _blobs(400)
    model = _trained(getattr(models, kind)(config), x)
    data = x[:30]
    result = gaps.measure(gaps.from_pythae(model), data, samples=SAMPLES, progress=False)
    iwae = result.summary.loc["iwae_amortized"]
    own = result.summary.loc["log_p"]
    with torch.no_grad():
        theirs = [model.get_nll(data, n_samples=SAMPLES, batch_size=100) for _ in range(3)]
    spread = max(theirs) - min(theirs)
    ours = float(result.points["iwae_amortized"].mean())
    error = float(result.points["iwae_amortized_standard_error"].fillna(0.5).pow(2).sum() ** 0.5) / len(data)
    print(kind, loss, "ours", ours, "get_nll", theirs, "error", error, "log p", own["mean"], iwae["loose"])
    assert abs(ours - sum(theirs) / 3) < 4 * math.hypot(error, error / math.sqrt(3)) + spread
    assert own["mean"] > ours - 0.05


def test_a_vamp_prior_of_pythae_with_two_dimensions_agrees_with_quadrature() -> None:
    models = pytest.importorskip("pythae.models")
    torch.manual_seed(0)
    config = models.VAMPConfig(
        input_dim=(1, 8, 8),
        latent_dim=2,
        reconstruction_loss="bce",
        number_components=8,
        linear_scheduling_steps=0,
    )
    x = _blobs(400)
    vae = gaps.from_pythae(_trained(models.VAMP(config), x))
    data = x[:30]
    result = gaps.measure(vae, data, samples=SAMPLES, progress=False)
    axis = torch.linspace(-12, 12, 481)
    z = torch.cartesian_prod(axis, axis)
    with torch.no_grad():
        parts = []
        for row in data:
            values = [vae.log_joint_rows(row.expand(len(some), 1, 8, 8), some) for some in z.split(4096)]
            parts.append(torch.logsumexp(torch.cat(values).double(), 0) + 2 * math.log(24 / 480))
    exact = float(torch.stack(parts).mean())
    log_p = result.summary.loc["log_p"]
    print("VAMP", log_p["mean"], exact, log_p["error"], log_p["estimator"])
    assert abs(log_p["mean"] - exact) < 4 * log_p["error"] + 0.01


def test_an_autoencoder_of_diffusers_has_spatial_latents() -> None:
    diffusers = pytest.importorskip("diffusers")
    torch.manual_seed(0)
    model = diffusers.AutoencoderKL(
        block_out_channels=(8, 8), norm_num_groups=4, latent_channels=2, sample_size=16,
        down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
    ).eval()  # fmt: skip
    x = torch.rand(4, 3, 16, 16)
    vae = gaps.from_diffusers(model, gaps.Gaussian(sigma=0.5))
    assert vae.latent_shape == (2, 8, 8)
    result = gaps.measure(vae, x, effort="quick", steps=40, samples=200, distributions=5, progress=False)
    assert (result.points["amortization_gap"] > 0).all()
    with pytest.raises(gaps.UserError, match="takes an AutoencoderKL"):
        gaps.from_diffusers(torch.nn.Linear(2, 2), gaps.Gaussian(sigma=1.0))


@pytest.mark.parametrize("table", ["wine", "breast_cancer"])
def test_probabilistic_pca_of_a_table_has_its_closed_form(table: str) -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    x = torch.from_numpy(getattr(datasets, f"load_{table}")().data)
    x = (x - x.mean(0)) / x.std(0)
    points, dimension, latent = len(x), x.shape[1], 3
    values, vectors = torch.linalg.eigh(x.mT @ x / points)
    variance = values[:-latent].mean()
    weight = vectors[:, -latent:] * (values[-latent:] - variance).sqrt()
    # A rotation, so that the posterior is correlated.
    weight = (
        weight
        @ torch.linalg.qr(torch.randn(latent, latent, generator=torch.Generator().manual_seed(0)).double())[0]
    )
    precision = torch.eye(latent).double() + weight.mT @ weight / variance
    pull = torch.linalg.solve(precision, weight.mT / variance).mT
    scale = (-precision.diagonal().log()).expand(points, latent)
    vae = gaps.Vae(
        lambda rows: (rows @ pull, scale[: len(rows)]),
        lambda z: z @ weight.mT,
        latent,
        gaps.Gaussian(sigma=variance.sqrt()),
    )
    result = gaps.measure(vae, x[:100], samples=4000, steps=300, progress=False)
    covariance = weight @ weight.mT + variance * torch.eye(dimension).double()
    exact = (
        torch.distributions.MultivariateNormal(torch.zeros(dimension).double(), covariance)
        .log_prob(x[:100])
        .mean()
    )
    gap = 0.5 * (precision.diagonal().log().sum() - torch.logdet(precision))
    for name, answer in (("log_p", exact), ("elbo_local_ffg", exact - gap), ("approximation_gap", gap)):
        row = result.summary.loc[name]
        off = row["mean"] - float(answer)
        print(table, name, row["mean"], float(answer), off, row["error"])
        assert abs(off) < 4 * row["error"] + 1e-4
        assert abs(off) < 0.01


def test_parts_of_a_lightning_module_are_found_by_name() -> None:
    """Such modules are plain torch modules with an encoder, two heads and a decoder."""
    torch.manual_seed(0)

    class Module(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder, self.decoder = torch.nn.Linear(6, 5), torch.nn.Linear(2, 6)
            self.fc_mu, self.fc_var = torch.nn.Linear(5, 2), torch.nn.Linear(5, 2)

    module = Module().eval()
    vae = gaps.from_module(module, 2, gaps.Gaussian(sigma=1.0), heads=("fc_mu", "fc_var"))
    x = torch.randn(5, 6)
    moments = vae.encoded(x)
    assert moments is not None
    torch.testing.assert_close(moments[0], module.fc_mu(module.encoder(x)).detach())
    with pytest.raises(
        gaps.UserError, match=r"Module has no head; its parts are encoder, decoder, fc_mu, fc_var"
    ):
        gaps.from_module(module, 2, gaps.Gaussian(sigma=1.0), heads=("head", "fc_var"))
