"""Step sizes that are adapted on other chains and frozen: independent of the estimate, and free of charge."""

import math

import torch

from inference_gaps.bounds.ais import (
    _anneal,
    _step_sizes,
    annealed_importance_sampling,
    annealing_schedule,
    whitened_potential,
)
from inference_gaps.bounds.step_sizes import FrozenStepSizes, RobbinsMonro
from inference_gaps.specs.bounds import AisSpec
from tests.bounds.targets import wide_start
from tests.linear_gaussian import LinearGaussian


def test_frozen_step_sizes_do_not_depend_on_the_chains_of_the_estimate() -> None:
    """They are those of the preliminary run: the same for 8 chains and for 50, whatever these accept."""
    model = LinearGaussian(2, 4)
    x = model.sample(3, torch.Generator().manual_seed(1))
    potential = whitened_potential(model, x, *wide_start(model, x))
    found: dict[int, list[torch.Tensor]] = {8: [], 50: []}
    for chains, sizes in found.items():
        spec = AisSpec(points=3, chains=chains, distributions=30, leapfrog_steps=3, initial_step_size=1.0)
        rng = torch.Generator().manual_seed(2)
        steps = _step_sizes(potential, torch.Size((3, chains, 2)), torch.float64, spec, rng)
        for beta in (0.1, 0.4, 0.7):
            sizes.append(steps.at(beta))
            steps.observe(beta, torch.full((3, chains), 1.0 / chains))
    for one, other in zip(found[8], found[50]):
        assert torch.equal(one, other)
    assert not torch.equal(found[8][0], found[8][2])


def test_frozen_step_sizes_do_not_listen_and_follow_their_temperatures() -> None:
    recorded = RobbinsMonro(AisSpec(), 2, torch.device("cpu"))
    betas = [index / 20 for index in range(1, 20)]
    for index, beta in enumerate(betas):
        # Ever fewer proposals are accepted, at the second point fewer than at the first.
        recorded.observe(beta, torch.tensor([[0.8], [0.7]]) - 0.02 * index)
    frozen = FrozenStepSizes(recorded)
    before = [frozen.at(beta) for beta in (0.0, 0.33, 0.5, 1.0)]
    frozen.observe(0.5, torch.zeros(2, 7))
    for one, other in zip(before, [frozen.at(beta) for beta in (0.0, 0.33, 0.5, 1.0)]):
        assert torch.equal(one, other)
    # Each the mean of nine neighbours, and no extrapolation beyond the ends.
    for index in (4, 9, 13):
        expected = torch.stack(recorded.log_steps[index - 4 : index + 5]).mean(0).exp()
        torch.testing.assert_close(frozen.at(betas[index]), expected)
    assert torch.equal(frozen.at(0.0), frozen.at(betas[0]))
    assert torch.equal(frozen.at(1.0), frozen.at(betas[-1]))
    assert (frozen.at(0.5)[0] > frozen.at(0.5)[1]).all()


def test_freezing_costs_nothing() -> None:
    """The bias of one chain with frozen step sizes is that of adapting on the way, and below the authors' rule's.

    One leapfrog step, where no path can be a whole period long. What adapts on the way knows all of the chains,
    the preliminary run only four of its own.
    """
    model, rng = LinearGaussian(2, 4), torch.Generator().manual_seed(3)
    x = model.sample(4, rng)
    location, scale = wide_start(model, x, offset=1.0)
    spec = AisSpec(points=4, chains=1500, distributions=60, leapfrog_steps=1, initial_step_size=0.3)
    potential = whitened_potential(model, x, location, scale)
    u = torch.randn(4, spec.chains, 2, generator=rng)
    betas = annealing_schedule(spec.schedule, spec.distributions)
    results = {
        "frozen": annealed_importance_sampling(model, x, location, scale, spec, rng),
        "adapting": _anneal(potential, u, betas, RobbinsMonro(spec, 4, u.device), spec, rng),
        "authors": annealed_importance_sampling(
            model, x, location, scale, spec.model_copy(update={"adaptation": "cumulative"}), rng
        ),
    }
    bias, error = {}, {}
    for name, result in results.items():
        bound, single = result.bound, result.single_chain
        assert (bound.standard_error < 0.1).all(), name
        # To adapt on the way is wrong in principle; here its bias is below what can be seen.
        assert ((bound.value - model.log_marginal(x)).abs() < 4 * bound.standard_error).all(), name
        bias[name] = (model.log_marginal(x) - single.value).mean().item()
        error[name] = single.standard_error.square().sum().sqrt().item() / 4
    assert abs(bias["frozen"] - bias["adapting"]) < 4 * math.hypot(error["frozen"], error["adapting"])
    assert bias["frozen"] < bias["authors"] - 4 * math.hypot(error["frozen"], error["authors"])
