"""What holds for every posterior family, amortised and local."""

import pytest
import torch
from torch import Tensor

from inference_gaps.posteriors.auxiliary_flow import AuxiliaryFlow
from inference_gaps.posteriors.family import PosteriorFamily
from inference_gaps.posteriors.gaussian import FullyFactorisedGaussian, normal_log_prob
from inference_gaps.posteriors.local import flow_from_gaussian, flow_from_zeros
from inference_gaps.posteriors.networks import initial_weights

D, B, N = 3, 2, 5
FAMILIES = {
    "ffg": FullyFactorisedGaussian(D),
    "af-amortised": AuxiliaryFlow.amortised(D, steps=2, hidden=7),
    "af-local": AuxiliaryFlow.local(D, steps=2, hidden=7),
    "af-three-steps": AuxiliaryFlow.local(D, steps=3, hidden=4),
}
FLOWS = {name: family for name, family in FAMILIES.items() if isinstance(family, AuxiliaryFlow)}


@pytest.fixture
def rng() -> torch.Generator:
    return torch.Generator().manual_seed(5)


def parameters_of(family: PosteriorFamily, rng: torch.Generator, per_point: bool) -> dict[str, Tensor]:
    parameters = {
        "mean": torch.randn(B, D, generator=rng),
        "log_variance": torch.randn(B, D, generator=rng) - 1,
    }
    if family.context_dim:
        parameters["context"] = torch.randn(B, family.context_dim, generator=rng)
    return parameters | initial_weights(family.network_shapes(), rng, B if per_point else None)


def noise_for(family: PosteriorFamily, rng: torch.Generator, n: int = N) -> Tensor:
    return torch.randn(B, n, family.noise_dim, generator=rng)


def test_ffg_density_is_that_of_torch_distributions(rng: torch.Generator) -> None:
    family = FAMILIES["ffg"]
    parameters = parameters_of(family, rng, per_point=True)
    z, log_q = family.rsample_with_log_prob(parameters, N, rng)
    normal = torch.distributions.Normal(
        parameters["mean"].unsqueeze(1), (0.5 * parameters["log_variance"]).exp().unsqueeze(1)
    )
    torch.testing.assert_close(log_q, normal.log_prob(z).sum(-1))


@pytest.mark.parametrize("name", FLOWS)
@pytest.mark.parametrize("per_point", [True, False])
def test_flow_log_density_is_the_change_of_variables(
    name: str, per_point: bool, rng: torch.Generator
) -> None:
    flow = FLOWS[name]
    parameters = parameters_of(flow, rng, per_point)
    noise = noise_for(flow, rng, 1)
    _, _, log_q = flow.push(parameters, noise)
    for point in range(B):

        def to_variables(e: Tensor, point: int = point) -> Tensor:
            z, v, _ = flow.push(parameters, torch.cat([noise[:point], e.view(1, 1, -1), noise[point + 1 :]]))
            return torch.cat([z[point, 0], v[point, 0]])

        jacobian = torch.autograd.functional.jacobian(to_variables, noise[point, 0])
        base = torch.distributions.Normal(0.0, 1.0).log_prob(noise[point, 0]).sum()
        torch.testing.assert_close(log_q[point, 0], base - torch.linalg.slogdet(jacobian)[1])


@pytest.mark.parametrize("name", FLOWS)
def test_joint_density_inverts_the_flow(name: str, rng: torch.Generator) -> None:
    flow = FLOWS[name]
    parameters = parameters_of(flow, rng, per_point=False)
    z, v, log_q = flow.push(parameters, noise_for(flow, rng))
    torch.testing.assert_close(flow.joint_log_prob(parameters, z, v), log_q)


@pytest.mark.parametrize("name", FLOWS)
def test_flow_subtracts_the_reverse_density_at_its_own_v(name: str, rng: torch.Generator) -> None:
    flow = FLOWS[name]
    parameters = parameters_of(flow, rng, per_point=False)
    noise = noise_for(flow, rng)
    z, v, joint = flow.push(parameters, noise)
    hidden = z
    if "context" in parameters:
        hidden = torch.cat([z, parameters["context"].unsqueeze(1).expand(-1, N, -1)], -1)
    for index in range(3):
        hidden = hidden @ parameters[f"reverse.{index}.weight"] + parameters[f"reverse.{index}.bias"]
        hidden = torch.nn.functional.elu(hidden) if index < 2 else hidden
    reverse = torch.distributions.Normal(hidden[..., :D], (0.5 * hidden[..., D:]).exp()).log_prob(v).sum(-1)
    torch.testing.assert_close(flow.transform(parameters, noise)[1], joint - reverse)


@pytest.mark.parametrize("name", FAMILIES)
def test_shared_networks_equal_the_same_networks_for_each_point(name: str, rng: torch.Generator) -> None:
    family = FAMILIES[name]
    shared = parameters_of(family, rng, per_point=False)
    networks = family.network_shapes()
    repeated = {k: t.expand(B, *t.shape) if k in networks else t for k, t in shared.items()}
    noise = noise_for(family, rng)
    torch.testing.assert_close(family.transform(shared, noise), family.transform(repeated, noise))


@pytest.mark.parametrize("name", FAMILIES)
def test_points_do_not_influence_each_other(name: str, rng: torch.Generator) -> None:
    family = FAMILIES[name]
    parameters = {k: t.requires_grad_() for k, t in parameters_of(family, rng, per_point=True).items()}
    z, log_q = family.transform(parameters, noise_for(family, rng))
    (z[0].sum() + log_q[0].sum()).backward()
    for name_, tensor in parameters.items():
        assert tensor.grad is not None, name_
        assert tensor.grad[0].abs().sum() > 0, name_
        assert tensor.grad[1].abs().sum() == 0, name_


@pytest.mark.parametrize("name", ["ffg", "af-local", "af-amortised"])
def test_path_gradient_has_the_same_value_and_the_same_mean(name: str, rng: torch.Generator) -> None:
    family = FAMILIES[name]
    start = parameters_of(family, rng, per_point=True)
    noise = noise_for(family, rng, 4000)

    def gradients(transform: str, key: str) -> tuple[Tensor, Tensor]:
        parameters = {k: t.clone().requires_grad_() for k, t in start.items()}
        z, log_q = getattr(family, transform)(parameters, noise)
        # Batches of samples give independent gradient estimates, whose spread is the standard error.
        objective = (-0.5 * (z - 1).square().sum(-1) - log_q)[0].view(20, -1).mean(1)
        estimates = [
            torch.autograd.grad(part, parameters[key], retain_graph=True)[0][0] for part in objective
        ]
        return log_q.detach(), torch.stack([g.flatten()[:3] for g in estimates])

    keys = {"mean", "log_variance", "second.0.weight", "step0.v.1.bias", "step1.z.0.weight", "reverse.2.bias"}
    for key in sorted(keys & set(start)):
        value, total = gradients("transform", key)
        path_value, path = gradients("path_transform", key)
        torch.testing.assert_close(path_value, value)
        difference = total - path
        standard_error = difference.std(0) / 20**0.5
        assert (difference.mean(0).abs() <= 4.5 * standard_error + 1e-9).all(), key


def test_flow_from_gaussian_is_that_gaussian(rng: torch.Generator) -> None:
    flow = AuxiliaryFlow.local(D, steps=2, hidden=7)
    mean, log_variance = torch.randn(B, D, generator=rng), torch.randn(B, D, generator=rng)
    parameters = flow_from_gaussian(flow, mean, log_variance, rng)
    z, log_q = flow.rsample_with_log_prob(parameters, N, rng)
    torch.testing.assert_close(log_q, normal_log_prob(z, mean.unsqueeze(1), log_variance.unsqueeze(1)))


def test_flow_from_zeros_has_the_authors_start(rng: torch.Generator) -> None:
    flow = AuxiliaryFlow.local(50, steps=2, hidden=200)
    parameters = flow_from_zeros(flow, 2, rng)
    assert not parameters["mean"].any()
    assert not parameters["log_variance"].any()
    weight = parameters["step0.v.0.weight"]
    assert weight.shape == (2, 50, 200)
    assert weight.abs().max() <= 50**-0.5
    assert weight.std() == pytest.approx(50**-0.5 / 3**0.5, rel=0.02)
    assert not torch.equal(weight[0], weight[1])


def test_amortised_flow_has_the_published_networks() -> None:
    shapes = AuxiliaryFlow.amortised(50, steps=2, hidden=200).network_shapes()
    assert shapes["second.0.weight"] == (100, 200)
    assert shapes["second.2.weight"] == (200, 100)
    assert shapes["reverse.1.weight"] == (200, 200)
    per_flow = sum(torch.Size(shape).numel() for name, shape in shapes.items() if name.startswith("step0"))
    assert per_flow == 2 * (100 * 200 + 200 + 2 * (200 * 50 + 50))
