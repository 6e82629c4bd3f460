"""What holds for every posterior family, amortized and local."""

import math

import pytest
import torch
from torch import Tensor

from inference_gaps.posteriors.auxiliary_flow import AuxiliaryFlow
from inference_gaps.posteriors.coupling_flow import CouplingFlow
from inference_gaps.posteriors.gaussian import normal_log_prob
from inference_gaps.posteriors.registry import amortized_family, local_family
from inference_gaps.specs.families import FAMILIES as REGISTERED
from tests.posteriors.members import CLOSED, FAMILIES, FLOWS, LOCAL, B, D, N, noise_for, parameters_of


@pytest.fixture
def rng() -> torch.Generator:
    return torch.Generator().manual_seed(5)


def test_the_members_are_those_of_every_registered_family() -> None:
    tested = {(type(family), bool(family.context_dim)) for family in FAMILIES.values()}
    for name in REGISTERED:
        for form in (amortized_family, local_family):
            family = form(name, D, 2, 7)
            assert (type(family), bool(family.context_dim)) in tested, name


def test_ffg_density_is_that_of_torch_distributions(rng: torch.Generator) -> None:
    family = FAMILIES["ffg"]
    parameters = parameters_of(family, rng, per_point=True)
    z, log_q = family.rsample_with_log_prob(parameters, N, rng)
    normal = torch.distributions.Normal(
        parameters["mean"].unsqueeze(1), (0.5 * parameters["log_variance"]).exp().unsqueeze(1)
    )
    torch.testing.assert_close(log_q, normal.log_prob(z).sum(-1))


def test_full_gaussian_density_is_that_of_torch_distributions(rng: torch.Generator) -> None:
    """The elements of N fill the rows below the diagonal one after the other."""
    family = FAMILIES["full-local"]
    parameters = parameters_of(family, rng, per_point=True)
    z, log_q = family.rsample_with_log_prob(parameters, N, rng)
    for point in range(B):
        first, second, third = parameters["lower.0.bias"][point].tolist()
        factor = torch.tensor([[1.0, 0.0, 0.0], [first, 1.0, 0.0], [second, third, 1.0]])
        factor = (0.5 * parameters["log_variance"][point]).exp().diag() @ factor
        normal = torch.distributions.MultivariateNormal(parameters["mean"][point], scale_tril=factor)
        torch.testing.assert_close(log_q[point], normal.log_prob(z[point]))


@pytest.mark.parametrize("name", CLOSED)
@pytest.mark.parametrize("per_point", [True, False])
def test_log_density_is_the_change_of_variables(name: str, per_point: bool, rng: torch.Generator) -> None:
    family = CLOSED[name]
    parameters = parameters_of(family, rng, per_point)
    noise = noise_for(family, rng, 1)
    _, log_q = family.transform(parameters, noise)
    for point in range(B):

        def to_z(e: Tensor, point: int = point) -> Tensor:
            moved = torch.cat([noise[:point], e.view(1, 1, -1), noise[point + 1 :]])
            return family.transform(parameters, moved)[0][point, 0]

        jacobian = torch.autograd.functional.jacobian(to_z, noise[point, 0])
        base = torch.distributions.Normal(0.0, 1.0).log_prob(noise[point, 0]).sum()
        torch.testing.assert_close(log_q[point, 0], base - torch.linalg.slogdet(jacobian)[1])


@pytest.mark.parametrize("name", [name for name in CLOSED if name != "ffg"])
def test_the_density_inverts_the_transform(name: str, rng: torch.Generator) -> None:
    family = CLOSED[name]
    parameters = parameters_of(family, rng, per_point=True)
    z, log_q = family.transform(parameters, noise_for(family, rng))
    torch.testing.assert_close(family.log_prob(parameters, z), log_q)


@pytest.mark.parametrize("name", ["coupling-local", "coupling-amortized"])
def test_both_halves_of_the_coupling_flow_are_transformed(name: str, rng: torch.Generator) -> None:
    """Given the base, each half depends on the other half of the base: no half is left as it was."""
    flow = CLOSED[name]
    parameters = parameters_of(flow, rng, per_point=False)
    noise = noise_for(flow, rng, 1)

    def to_z(e: Tensor) -> Tensor:
        return flow.transform(parameters, torch.cat([e.view(1, 1, -1), noise[1:]]))[0][0, 0]

    jacobian = torch.autograd.functional.jacobian(to_z, noise[0, 0])
    first = D // 2
    assert (jacobian[:first, first:].abs() > 1e-6).all()
    assert (jacobian[first:, :first].abs() > 1e-6).all()


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


@pytest.mark.parametrize("name", [name for name in FAMILIES if "three" not in name])
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
    keys |= {"step0.second.1.bias", "step1.first.0.weight", "lower.0.weight", "lower.0.bias"}
    for key in sorted(keys & set(start)):
        value, total = gradients("transform", key)
        path_value, path = gradients("path_transform", key)
        torch.testing.assert_close(path_value, value)
        difference = total - path
        standard_error = difference.std(0) / 20**0.5
        assert (difference.mean(0).abs() <= 4.5 * standard_error + 1e-9).all(), key


@pytest.mark.parametrize("name", LOCAL)
def test_a_local_family_starts_as_exactly_the_gaussian(name: str, rng: torch.Generator) -> None:
    family = FAMILIES[name]
    mean, log_variance = torch.randn(B, D, generator=rng), torch.randn(B, D, generator=rng)
    parameters = family.from_gaussian(mean, log_variance, rng)
    z, log_q = family.rsample_with_log_prob(parameters, 4000, rng)
    torch.testing.assert_close(log_q, normal_log_prob(z, mean.unsqueeze(1), log_variance.unsqueeze(1)))
    scaled = (z - mean.unsqueeze(1)) / (0.5 * log_variance).exp().unsqueeze(1)
    assert (scaled.mean(1).abs() < 5 / math.sqrt(4000)).all()
    assert ((scaled.var(1) - 1).abs() < 5 * math.sqrt(2 / 4000)).all()


@pytest.mark.parametrize("name", LOCAL)
def test_every_family_starts_from_zeros(name: str, rng: torch.Generator) -> None:
    """Moments are zero; what is drawn at random is drawn for each point; Gaussians are the prior."""
    family = FAMILIES[name]
    parameters = family.from_zeros(B, rng)
    assert set(parameters) == {"mean", "log_variance", *family.network_shapes()}
    assert not parameters["mean"].any()
    assert not parameters["log_variance"].any()
    for key, shape in family.network_shapes().items():
        assert parameters[key].shape == (B, *shape)
    z, log_q = family.rsample_with_log_prob(parameters, N, rng)
    if name in ("ffg", "full-local"):
        zeros = torch.zeros(B, 1, D)
        torch.testing.assert_close(log_q, normal_log_prob(z, zeros, zeros))
    else:
        assert not torch.equal(z[0], z[1])


def test_flow_from_zeros_has_the_authors_start(rng: torch.Generator) -> None:
    flow = AuxiliaryFlow.local(50, steps=2, hidden=200)
    parameters = flow.from_zeros(2, rng)
    weight = parameters["step0.v.0.weight"]
    assert weight.shape == (2, 50, 200)
    assert weight.abs().max() <= 50**-0.5
    assert weight.std() == pytest.approx(50**-0.5 / 3**0.5, rel=0.02)
    assert not torch.equal(weight[0], weight[1])


def test_coupling_flow_has_the_published_networks() -> None:
    """Halves of 25 that take turns, one hidden layer of 50."""
    shapes = CouplingFlow.local(50, steps=2, hidden=50).network_shapes()
    assert len(shapes) == 2 * 2 * 4
    assert {shapes[f"step{t}.{half}.0.weight"] for t in (0, 1) for half in ("first", "second")} == {(25, 50)}
    assert {shapes[f"step{t}.{half}.1.weight"] for t in (0, 1) for half in ("first", "second")} == {(50, 50)}


def test_amortized_flow_has_the_published_networks() -> None:
    shapes = AuxiliaryFlow.amortized(50, steps=2, hidden=200).network_shapes()
    assert shapes["second.0.weight"] == (100, 200)
    assert shapes["second.2.weight"] == (200, 100)
    assert shapes["reverse.1.weight"] == (200, 200)
    per_flow = sum(torch.Size(shape).numel() for name, shape in shapes.items() if name.startswith("step0"))
    assert per_flow == 2 * (100 * 200 + 200 + 2 * (200 * 50 + 50))
