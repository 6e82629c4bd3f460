"""Bugs in annealed importance sampling and its step sizes."""

from inference_gaps.bounds import ais, hmc
from inference_gaps.bounds.step_sizes import FrozenStepSizes, RobbinsMonro
from tests.bounds import test_ais, test_bidirectional, test_low_precision, test_step_sizes
from tests.mutants.mutant import Check, Mutant

__all__ = ["ANNEALING"]

_VALUES = Check(test_low_precision.test_values_stay_exact)
_RATIO = Check(test_ais.test_whitened_potential_is_the_log_ratio_of_joint_and_start)
_OWN_GRADIENT = Check(test_ais.test_whitened_potential_has_its_own_gradient)
_UNBIASED = Check(test_ais.test_weights_stay_unbiased_with_transitions_that_reject_half)
_SCHEDULES = Check(test_ais.test_schedules_run_from_zero_to_one)
_NOT_A_NUMBER = Check(test_ais.test_a_chain_that_is_not_a_number_is_never_averaged)
_MODES = Check(test_ais.test_chains_from_the_prior_find_both_modes)
_DIVERGED = Check(test_ais.test_chains_that_diverge_are_counted_and_the_rest_is_right)
_ENCLOSE = Check(test_bidirectional.test_forward_and_reverse_chains_enclose_log_p)
_REVERSE = Check(test_bidirectional.test_reverse_weights_are_unbiased)
_FROZEN = Check(test_step_sizes.test_frozen_step_sizes_do_not_depend_on_the_chains_of_the_estimate)
_TEMPERATURES = Check(test_step_sizes.test_frozen_step_sizes_do_not_listen_and_follow_their_temperatures)
_COST = Check(test_step_sizes.test_freezing_costs_nothing)
_TARGET = Check(test_ais.test_ais_reaches_log_p_and_the_target_acceptance, {"adaptation": "preliminary"})
_SLOPE = Check(
    test_ais.test_the_bias_of_one_chain_falls_like_one_over_the_distributions, {"leapfrog_steps": 2}
)
_SLOPE_OF_LONG_PATHS = Check(
    test_ais.test_the_bias_of_one_chain_falls_like_one_over_the_distributions, {"leapfrog_steps": 10}
)
_CLOSES = Check(test_bidirectional.test_the_gap_closes_with_more_distributions)
_UPDATE = "path.log_weight = path.log_weight + (beta - betas[index]) * path.state.potential.double()"

ANNEALING = [
    Mutant(
        "values in low precision",
        "Where gradients are rounded, so are the values that accept and weigh.",
        ais.whitened_potential,
        "value = generator.log_joint(x, z) if with_value else None",
        "value = generator.log_joint(x, z).bfloat16().to(z.dtype) if with_value else None",
        _VALUES,
    ),
    Mutant(
        "potential without the log scale",
        "The density of the start lacks the volume of its coordinates.",
        ais.whitened_potential,
        "- standard_normal_log_prob(u) + log_scale",
        "- standard_normal_log_prob(u)",
        _RATIO,
    ),
    Mutant(
        "potential without the start",
        "The path tempers the joint density instead of its ratio to the start.",
        ais.whitened_potential,
        "- standard_normal_log_prob(u) + log_scale",
        "+ log_scale",
        _RATIO,
    ),
    Mutant(
        "gradient without the scale",
        "The gradient is with respect to z, not u.",
        ais.whitened_potential,
        "scale * gradient + u",
        "gradient + u",
        _OWN_GRADIENT,
    ),
    Mutant(
        "gradient without the start",
        "The gradient of the potential leaves out that of the start.",
        ais.whitened_potential,
        "scale * gradient + u",
        "scale * gradient",
        _OWN_GRADIENT,
    ),
    Mutant(
        "weight after the transition",
        "A weight is updated with the potential of a state that has moved to the new temperature.",
        ais._anneal,
        _UPDATE,
        _UPDATE.replace(
            "path.state.potential",
            "transition(path.state, potential, beta, steps.at(beta), spec.leapfrog_steps, rng).state.potential",
        ),
        _UNBIASED,
    ),
    Mutant(
        "weights of rejected chains updated twice",
        "A chain whose proposal was rejected gets its last factor once more.",
        ais._anneal,
        "path.state = moved.state",
        "stayed = (moved.state.u == path.state.u).all(-1); path.state = moved.state; "
        "path.log_weight += stayed * (beta - betas[index]) * path.state.potential.double()",
        _UNBIASED,
    ),
    Mutant(
        "transition of the temperature before",
        "After a weight has moved to a temperature, the chain is moved at the one before.",
        ais._anneal,
        "transition(path.state, potential, beta, step",
        "transition(path.state, potential, betas[index], step",
        _UNBIASED,
    ),
    Mutant(
        "AIS divides by the chains outside the logarithm",
        "The bound is log(sum w) / chains.",
        ais._anneal,
        "bounds = log_mean_weight(log_weight), elbo(log_weight)",
        "mean = log_mean_weight(log_weight); log_sum = torch.logsumexp(log_weight, 1); "
        "bounds = Bound(log_sum / chains, mean.standard_error, mean.effective_sample_size), elbo(log_weight)",
        _UNBIASED,
    ),
    Mutant(
        "AIS takes the best chain",
        "The bound is the largest log weight.",
        ais._anneal,
        "bounds = log_mean_weight(log_weight), elbo(log_weight)",
        "mean = log_mean_weight(log_weight); "
        "bounds = Bound(log_weight.amax(1), mean.standard_error, mean.effective_sample_size), elbo(log_weight)",
        _MODES,
    ),
    Mutant(
        "chains that are not a number are dropped",
        "A weight that is not a number counts as a small one.",
        ais._anneal,
        "bounds = log_mean_weight(log_weight), elbo(log_weight)",
        "log_weight = log_weight.nan_to_num(nan=-1e3); bounds = log_mean_weight(log_weight), elbo(log_weight)",
        _NOT_A_NUMBER,
    ),
    Mutant(
        "divergences forgotten",
        "Only those of the last transition are reported.",
        ais._anneal,
        "path.diverged = path.diverged + moved.diverged.sum(1)",
        "path.diverged = moved.diverged.sum(1)",
        _DIVERGED,
    ),
    Mutant(
        "schedule that stops short of 1",
        "The last inverse temperature is (T - 1) / T.",
        ais.annealing_schedule,
        "torch.linspace(0, 1, distributions,",
        "torch.linspace(0, 1 - 1 / distributions, distributions,",
        _SCHEDULES,
    ),
    Mutant(
        "sigmoidal schedule not rescaled",
        "It runs from sigmoid(-4) to sigmoid(4).",
        ais.annealing_schedule,
        "(t - t[0]) / (t[-1] - t[0])",
        "t",
        _SCHEDULES,
    ),
    Mutant(
        "reverse chains keep their sign",
        "The bound of reverse chains is the log mean weight, an estimate of -log p(x).",
        ais._anneal,
        "if betas[-1] < betas[0]:",
        "if betas[-1] < 0:",
        _ENCLOSE,
    ),
    Mutant(
        "reverse chains go forward",
        "They leave the posterior sample along the rising temperatures.",
        ais.bidirectional_monte_carlo,
        "betas[::-1]",
        "betas",
        _ENCLOSE,
    ),
    Mutant(
        "reverse chains start elsewhere",
        "The posterior sample is moved to the start's centre but not divided by its scale.",
        ais.bidirectional_monte_carlo,
        "((z - location) / scale)",
        "(z - location)",
        _REVERSE,
    ),
    Mutant(
        "step sizes adapt to the chains of the estimate",
        "What the preliminary run adapted goes on adapting.",
        ais._step_sizes,
        "FrozenStepSizes(recorded) if len(recorded.betas) > 1 else recorded",
        "recorded",
        _FROZEN,
    ),
    Mutant(
        "nothing accepted",
        "Chains stay where they start, so that AIS is importance sampling from its start.",
        hmc.transition,
        "accepted = uniform < acceptance",
        "accepted = uniform < 0 * acceptance",
        _SLOPE,
    ),
    Mutant(
        "steps all of one length",
        "Step sizes are not drawn anew, so that long paths come back to where they began, again and again.",
        ais._jitter,
        "1 + spec.step_size_jitter * (",
        "1 + 0 * (",
        _SLOPE_OF_LONG_PATHS,
    ),
    Mutant(
        "steps a hundredth as long",
        "Frozen step sizes are far too small: no wrong weight, and nothing gained by more distributions.",
        FrozenStepSizes.at,
        "share).exp()",
        "share).exp() / 100",
        _CLOSES,
    ),
    Mutant(
        "steps a third as long",
        "Frozen step sizes are not those that were adapted.",
        FrozenStepSizes.at,
        "share).exp()",
        "share).exp() / 3",
        _COST,
    ),
    Mutant(
        "steps of the other end",
        "Frozen step sizes are looked up at 1 - beta.",
        FrozenStepSizes.at,
        "torch.searchsorted(self.betas, beta)",
        "torch.searchsorted(self.betas, 1 - beta)",
        _TEMPERATURES,
    ),
    Mutant(
        "steps adapted the wrong way",
        "Too many acceptances make steps smaller.",
        RobbinsMonro.observe,
        "self.log_step + move",
        "self.log_step - move",
        _TARGET,
    ),
]
