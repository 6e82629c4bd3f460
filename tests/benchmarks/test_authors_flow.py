"""The authors' procedure for a flow: their copies, their fixed biases, and a bound that it cannot pass."""

from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from benchmarks import authors_flow, local_baseline
from benchmarks.local_baseline import PlainFlow, bound
from inference_gaps.models.mlp import MlpGenerator
from inference_gaps.models.vae import build_vae
from inference_gaps.specs.train import TrainSpec

DIM = 2


@pytest.fixture
def generator() -> MlpGenerator:
    torch.manual_seed(0)
    # Weights four times as large as at PyTorch's start: a Gaussian is not the posterior.
    generator = MlpGenerator(DIM, [8], 30, "elu").requires_grad_(False)
    for parameter in generator.parameters():
        parameter.mul_(4 if parameter.dim() == 2 else 1)
    return generator


def test_each_sample_has_moments_of_its_own_and_all_share_the_networks(generator: MlpGenerator) -> None:
    torch.manual_seed(0)
    flow = PlainFlow(DIM, copies=3)
    with torch.no_grad():
        for parameter in (flow.mean, flow.log_variance):
            parameter.normal_()
    noise = torch.randn(3, flow.noise_dim)
    together = flow(noise)
    for copy in range(3):
        alone = PlainFlow(DIM)
        state = flow.state_dict()
        alone.load_state_dict(state | {name: state[name][[copy]] for name in ("mean", "log_variance")})
        for one, all_ in zip(alone(noise[[copy]]), together, strict=True):
            torch.testing.assert_close(one[0], all_[copy])


def test_it_ends_near_log_p_and_not_above_it_with_copies_and_fixed_biases(
    generator: MlpGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Five times the authors' rate, so that two dimensions are soon through.
    monkeypatch.setattr(local_baseline, "_LEARNING_RATE", 5e-3)
    monkeypatch.setattr(local_baseline, "_WINDOW", 50)
    flows: list[PlainFlow] = []
    starts: list[dict[str, Tensor]] = []

    class Kept(PlainFlow):
        def __init__(self, *args: int, **named: int) -> None:
            super().__init__(*args, hidden=20, **named)
            flows.append(self)
            starts.append({name: each.detach().clone() for name, each in self.named_parameters()})

    monkeypatch.setattr(authors_flow, "PlainFlow", Kept)
    x = generator.simulate(torch.randn(1, 1, DIM), torch.Generator().manual_seed(1)).flatten()
    decoder = nn.Sequential(generator.layers[0], nn.ELU(), generator.layers[1])
    value, error, windows = authors_flow.authors_flow(decoder, x, DIM, seed=0)
    axis = torch.linspace(-8, 8, 801)
    grid = torch.cartesian_prod(axis, axis)
    log_joint = generator.log_joint(x.unsqueeze(0), grid.unsqueeze(0))[0].double()
    log_p = (log_joint.logsumexp(0) + 2 * (axis[1] - axis[0]).double().log()).item()
    assert windows > 11
    assert log_p - 0.3 < value < log_p + 4 * error
    start = bound(decoder, x, PlainFlow(DIM, hidden=20), torch.randn(1000, 2 * DIM)).item()
    assert value > start + 1
    ((flow,), (drawn,)) = flows, starts
    assert len(flow.mean.unique(dim=0)) == 100
    for name, parameter in flow.named_parameters():
        assert torch.equal(parameter, drawn[name]) == name.endswith("bias"), name


def test_images_that_are_there_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    class Data:
        def points(self, split: str, points: int) -> Tensor:
            return torch.zeros(points, 784)

    vae = build_vae(TrainSpec().architecture, TrainSpec().posterior, (1, 28, 28))
    monkeypatch.setattr(authors_flow, "load_model", lambda *_: (vae, {}))
    monkeypatch.setattr(authors_flow, "load_prepared", lambda _: Data())
    seeds: list[int] = []

    def measured(decoder: object, x: Tensor, latent_dim: int, seed: int) -> tuple[float, float, int]:
        seeds.append(seed)
        return -3.0 - seed, 0.1, 120

    monkeypatch.setattr(authors_flow, "authors_flow", measured)
    (tmp_path / "train").mkdir()
    values = {"bound": ["elbo"] * 3, "point": range(3), "value": [-2.0] * 3, "standard_error": [0.01] * 3}
    pd.DataFrame(values).to_csv(tmp_path / "train" / "iwae-local-af.csv", index=False)
    for images in (1, 3):
        named = ["--data", "d", "--run", str(tmp_path), "--output", str(tmp_path / "out.csv")]
        monkeypatch.setattr("sys.argv", ["authors_flow", *named, "--images", str(images)])
        authors_flow.main()
    assert seeds == [0, 1, 2]
    assert list(pd.read_csv(tmp_path / "out.csv")["theirs"]) == [-3.0, -4.0, -5.0]
    # theirs - ours is -1, -2 and -3: mean -2, standard deviation 1.
    assert "theirs - ours: -2.000 ± 0.577 nats at 3 images" in capsys.readouterr().out
    monkeypatch.setattr("sys.argv", ["authors_flow", *named, "--images", "4"])
    with pytest.raises(SystemExit):
        authors_flow.main()
    assert "the run has q*_AF of 3 images" in capsys.readouterr().err
