"""The step of v along the gradient of log p(x, z): sign, norm, and a density that is exact for any gradient."""

import pytest
import torch
from torch import Tensor

from inference_gaps.posteriors.auxiliary_flow import AuxiliaryFlow
from inference_gaps.posteriors.family import Score
from inference_gaps.posteriors.hamiltonian_flow import HamiltonianFlow
from tests.posteriors.members import B, D, curved_score, detached_score, noise_for, parameters_of

SCORES = {"with-hessian": curved_score, "detached": detached_score}


@pytest.fixture
def rng() -> torch.Generator:
    return torch.Generator().manual_seed(5)


def _numerical_jacobian(flow: AuxiliaryFlow, parameters: dict[str, Tensor], noise: Tensor) -> Tensor:
    """Central differences of noise -> (z, v) at the first point: of the map itself, whatever autograd sees."""
    columns, step = [], 1e-5
    for index in range(noise.shape[-1]):
        ends = []
        for sign in (1, -1):
            moved = noise.clone()
            moved[0, 0, index] += sign * step
            z, v, _ = flow.push(parameters, moved)
            ends.append(torch.cat([z[0, 0], v[0, 0]]))
        columns.append((ends[0] - ends[1]) / (2 * step))
    return torch.stack(columns, dim=1)


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("form", ["amortized", "local"])
def test_density_is_exact_whether_or_not_the_score_has_derivatives(
    form: str, score: str, rng: torch.Generator
) -> None:
    flow = getattr(HamiltonianFlow, form)(D, steps=2, hidden=7).given(SCORES[score])
    parameters = parameters_of(flow, rng, per_point=False)
    noise = noise_for(flow, rng, 1)
    _, _, log_q = flow.push(parameters, noise)
    base = torch.distributions.Normal(0.0, 1.0).log_prob(noise[0, 0]).sum()
    log_det = torch.linalg.slogdet(_numerical_jacobian(flow, parameters, noise))[1]
    torch.testing.assert_close(log_q[0, 0], base - log_det, atol=1e-7, rtol=0)


def test_momentum_moves_along_the_gradient_and_keeps_its_norm(rng: torch.Generator) -> None:
    """The shift is the gradient times a positive factor of its own for each element, and linear in the gradient."""
    flow = HamiltonianFlow.local(D, steps=1, hidden=7)
    parameters = parameters_of(flow, rng, per_point=True)
    noise = noise_for(flow, rng)

    def v_with(score: Score) -> Tensor:
        return flow.given(score).push(parameters, noise)[1]

    v0 = noise[..., :D] * (0.5 * parameters["log_variance"]).exp().unsqueeze(1) + parameters[
        "mean"
    ].unsqueeze(1)
    seen: list[Tensor] = []

    def remembered(z: Tensor) -> Tensor:
        seen.append(z)
        return curved_score(z)

    shift = v_with(remembered) - v_with(torch.zeros_like)
    gradient = curved_score(seen[0])
    assert (shift / gradient > 0).all()
    assert (shift.abs() > 0).all()
    torch.testing.assert_close(v_with(lambda z: 3 * curved_score(z)) - v_with(torch.zeros_like), 3 * shift)
    # Nothing but a contraction is left where there is no gradient.
    assert ((v_with(torch.zeros_like) / v0 > 0) & (v_with(torch.zeros_like) / v0 < 1)).all()


def test_gradient_of_the_bound_is_that_of_the_flow_that_is_applied(rng: torch.Generator) -> None:
    """Against central differences; with a detached score the gradient is that of something else."""
    start = parameters_of(HamiltonianFlow.local(D, 2, 7), rng, per_point=True)
    noise = noise_for(HamiltonianFlow.local(D, 2, 7), rng)

    def bound(parameters: dict[str, Tensor], score: Score) -> Tensor:
        z, log_q = HamiltonianFlow.local(D, 2, 7).given(score).transform(parameters, noise)
        return (-0.5 * (z - 1).square().sum(-1) - log_q).mean()

    key, step = "second.2.bias", 1e-5
    expected = torch.zeros(D)
    for index in range(D):
        ends = []
        for sign in (1, -1):
            moved = {name: tensor.clone() for name, tensor in start.items()}
            moved[key][0, index] += sign * step
            ends.append(bound(moved, curved_score))
        expected[index] = (ends[0] - ends[1]) / (2 * step)

    def gradient(score: Score) -> Tensor:
        parameters = {name: tensor.clone().requires_grad_() for name, tensor in start.items()}
        (found,) = torch.autograd.grad(bound(parameters, score), parameters[key])
        return found[0, :D]

    torch.testing.assert_close(gradient(curved_score), expected, atol=1e-8, rtol=1e-6)
    assert (gradient(detached_score) - expected).abs().max() > 1e-4


def test_without_a_score_there_is_no_density(rng: torch.Generator) -> None:
    flow = HamiltonianFlow.local(D, steps=2, hidden=7)
    with pytest.raises(ValueError, match=r"call given\(score\) first"):
        flow.transform(parameters_of(flow, rng, per_point=True), noise_for(flow, rng, B))
