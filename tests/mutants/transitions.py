"""Bugs in Hamiltonian transitions."""

import math

from inference_gaps.bounds import hmc
from tests.bounds import test_hmc
from tests.mutants.mutant import Check, Mutant

__all__ = ["TRANSITIONS"]

_REVERSIBLE = Check(test_hmc.test_leapfrog_is_reversible_to_rounding)
_VOLUME = Check(test_hmc.test_leapfrog_keeps_volume)
_ORDER = Check(test_hmc.test_energy_error_is_of_second_order)
_BALANCE = Check(test_hmc.test_flows_between_regions_balance)
_RING = Check(test_hmc.test_exact_samples_of_a_ring_stay_exact)
_GAUSSIAN = Check(test_hmc.test_hmc_leaves_the_annealed_density_invariant)
_CACHE = Check(test_hmc.test_the_state_keeps_the_potential_and_the_gradient_of_where_it_is)
_TRACE = Check(test_hmc.test_a_proposal_that_is_not_finite_leaves_no_trace)
_NAN = Check(test_hmc.test_chains_that_diverge_are_counted_and_stay, {"bad": math.nan})
_INFINITE = Check(test_hmc.test_chains_that_diverge_are_counted_and_stay, {"bad": math.inf})
_STEEP = Check(test_hmc.test_chains_that_diverge_are_counted_and_stay, {"bad": -1e6})

_HALF_KICK = "momentum + 0.5 * step * (beta * gradient - u)"
_FIRST_KICK = "(step if index else 0.5 * step)"

TRANSITIONS = [
    Mutant(
        "last half kick left out",
        "A path ends half a step before its momentum does.",
        hmc.leapfrog,
        _HALF_KICK,
        "momentum",
        _REVERSIBLE,
    ),
    Mutant(
        "last kick whole",
        "A path ends with a whole kick instead of half of one.",
        hmc.leapfrog,
        _HALF_KICK,
        "momentum + step * (beta * gradient - u)",
        _REVERSIBLE,
    ),
    Mutant(
        "first kick whole",
        "A path begins with a whole kick instead of half of one.",
        hmc.leapfrog,
        _FIRST_KICK,
        "step",
        _REVERSIBLE,
    ),
    Mutant(
        "kicks of another temperature but for the last",
        "The gradient in the loop of leapfrog steps is that of beta = 1.",
        hmc.leapfrog,
        f"{_FIRST_KICK} * (beta * gradient - u)",
        f"{_FIRST_KICK} * (gradient - u)",
        _REVERSIBLE,
    ),
    Mutant(
        "paths of another temperature",
        "All of leapfrog runs at beta = 1: reversible and of constant volume, but along another energy.",
        hmc.leapfrog,
        "u, gradient = state.u, state.gradient",
        "u, gradient, beta = state.u, state.gradient, 1.0",
        _ORDER,
    ),
    Mutant(
        "position moves too far",
        "The position moves by 1.05 steps: reversible and of constant volume, but along another energy.",
        hmc.leapfrog,
        "u = u + step * momentum",
        "u = u + 1.05 * step * momentum",
        _ORDER,
    ),
    Mutant(
        "momentum with friction",
        "Each kick keeps 98 % of the momentum, so that volume shrinks.",
        hmc.leapfrog,
        "momentum = momentum + (",
        "momentum = 0.98 * momentum + (",
        _VOLUME,
    ),
    Mutant(
        "acceptance of the wrong sign",
        "The acceptance probability is min(1, exp(change of energy)).",
        hmc.transition,
        "(-change).clamp(max=0)",
        "change.clamp(max=0)",
        _RING,
    ),
    Mutant(
        "everything accepted",
        "The acceptance probability is computed and not used.",
        hmc.transition,
        "accepted = uniform < acceptance",
        "accepted = uniform < 1 + acceptance",
        _BALANCE,
    ),
    Mutant(
        "uniform variate compared the wrong way",
        "A proposal is taken with one minus its acceptance probability.",
        hmc.transition,
        "accepted = uniform < acceptance",
        "accepted = uniform > acceptance",
        _BALANCE,
    ),
    Mutant(
        "acceptance too generous",
        "The acceptance probability is the square root of what it should be.",
        hmc.transition,
        "(-change).clamp(max=0)",
        "(-0.5 * change).clamp(max=0)",
        _BALANCE,
    ),
    Mutant(
        "no kinetic energy",
        "The energy leaves out the momentum.",
        hmc._energy,
        "(u.square().sum(-1) + momentum.square().sum(-1))",
        "u.square().sum(-1)",
        _GAUSSIAN,
    ),
    Mutant(
        "no energy of the start",
        "The energy leaves out the standard normal density.",
        hmc._energy,
        "(u.square().sum(-1) + momentum.square().sum(-1))",
        "momentum.square().sum(-1)",
        _RING,
    ),
    Mutant(
        "energy of another temperature",
        "A proposal is judged at beta = 1.",
        hmc._energy,
        "- beta * potential",
        "- potential",
        _RING,
    ),
    Mutant(
        "potential of a rejected proposal",
        "A chain that stays gets the potential of the proposal, with which its weight goes on.",
        hmc.transition,
        "torch.where(accepted, proposal.potential, state.potential)",
        "proposal.potential",
        _CACHE,
    ),
    Mutant(
        "gradient of a rejected proposal",
        "A chain that stays starts its next path with the gradient of the proposal.",
        hmc.transition,
        "torch.where(chosen, proposal.gradient, state.gradient)",
        "proposal.gradient",
        _CACHE,
    ),
    Mutant(
        "selection by multiplication",
        "A rejected proposal is multiplied by 0, which leaves a trace where it is not finite.",
        hmc.transition,
        "torch.where(chosen, proposal.u, u)",
        "chosen * proposal.u + ~chosen * u",
        _TRACE,
    ),
    Mutant(
        "proposals that are not finite are not counted",
        "Only large losses of energy count as divergences.",
        hmc.transition,
        "~finite | (change > _DIVERGENCE)",
        "change > _DIVERGENCE",
        _NAN,
    ),
    Mutant(
        "large losses are not counted",
        "Only proposals that are not finite count as divergences.",
        hmc.transition,
        "~finite | (change > _DIVERGENCE)",
        "~finite",
        _STEEP,
    ),
    Mutant(
        "an infinite density attracts",
        "A proposal where the potential overflows to plus infinity is accepted.",
        hmc.transition,
        "torch.where(finite, (-change).clamp(max=0).exp(), torch.zeros_like(change))",
        "(-change).clamp(max=0).exp()",
        _INFINITE,
    ),
]
