"""Bugs in importance weights and local optimisation."""

from inference_gaps.bounds import authors_local as procedures
from inference_gaps.bounds import importance, local
from inference_gaps.replication.analysis.procedures import procedure_effects
from tests.analysis import test_procedure_effects
from tests.bounds import test_importance, test_local, test_procedures, test_uncertainty
from tests.mutants.mutant import Check, Mutant

__all__ = ["ESTIMATORS"]

_PLAIN = Check(test_importance.test_log_mean_weight_is_the_logarithm_of_the_mean)
_ERRORS = Check(test_importance.test_log_mean_weight_and_its_standard_error)
_EXTREMES = Check(test_importance.test_effective_sample_size_at_its_extremes)
_OFFSET = Check(test_importance.test_a_common_factor_of_the_weights_only_shifts_the_value, {"offset": -1e5})
_CONSTANT = Check(test_importance.test_importance_weights_of_the_exact_posterior_are_constant)
_ZERO = Check(test_importance.test_a_weight_of_zero_counts_in_the_mean)
_NOT_FINITE = Check(test_importance.test_weights_that_are_not_finite_never_look_like_a_number)
_ALONE = Check(test_importance.test_a_point_that_is_not_finite_leaves_the_others_alone)
_ONE = Check(test_importance.test_one_weight_has_a_value_and_no_error)
_CLAIM_IWAE = Check(test_uncertainty.test_the_claimed_error_is_the_spread_of_repetitions, {"name": "iwae"})
_CLAIM_AIS = Check(test_uncertainty.test_the_claimed_error_is_the_spread_of_repetitions, {"name": "ais"})
_OPTIMUM = Check(test_local.test_local_gaussian_reaches_its_known_optimum)
_WORSE = Check(test_local.test_a_cycle_that_makes_a_point_worse_is_not_kept)
_PATIENCE = test_procedures.test_it_stops_after_so_many_windows_without_a_lower_loss
_COPIES = Check(test_procedures.test_a_copy_does_not_know_of_the_others)
_TURNS = Check(test_procedures.test_sample_i_goes_to_copy_i_modulo_their_number)
_EFFECTS = Check(test_procedure_effects.test_each_deviation_has_its_difference_at_the_same_images)

ESTIMATORS = [
    Mutant(
        "IWAE divides by k outside the logarithm",
        "The bound is log(sum w) / k instead of log(sum w / k).",
        importance.log_mean_weight,
        "torch.logsumexp(log_w, 1) - math.log(k)",
        "torch.logsumexp(log_w, 1) / k",
        _PLAIN,
    ),
    Mutant(
        "IWAE does not divide by k",
        "The bound is log(sum w).",
        importance.log_mean_weight,
        "torch.logsumexp(log_w, 1) - math.log(k)",
        "torch.logsumexp(log_w, 1)",
        _PLAIN,
    ),
    Mutant(
        "mean weight without a common factor taken out",
        "Weights are exponentiated as they are, and vanish.",
        importance.log_mean_weight,
        "torch.logsumexp(log_w, 1) - math.log(k)",
        "log_w.exp().mean(1).log()",
        _OFFSET,
    ),
    Mutant(
        "error of the ELBO without the root",
        "The standard error divides by k instead of its root.",
        importance.elbo,
        "/ math.sqrt(k)",
        "/ k",
        _ERRORS,
    ),
    Mutant(
        "delta method without the mean",
        "The variance of the weights is their mean square.",
        importance.log_mean_weight,
        "(k / size - 1)",
        "(k / size)",
        _EXTREMES,
    ),
    Mutant(
        "effective sample size of the first power",
        "The sum of the weights is not squared.",
        importance._effective_sample_size,
        "2 * torch.logsumexp(log_w, 1)",
        "torch.logsumexp(log_w, 1)",
        _PLAIN,
    ),
    Mutant(
        "log q added",
        "Importance weights multiply by the density of the proposal.",
        importance.log_weights,
        "log_joint - log_q",
        "log_joint + log_q",
        _CONSTANT,
    ),
    Mutant(
        "weights of zero left out",
        "The mean is over the weights that are not zero.",
        importance.log_mean_weight,
        "torch.logsumexp(log_w, 1) - math.log(k)",
        "torch.logsumexp(log_w, 1) - torch.isfinite(log_w).sum(1).log()",
        _ZERO,
    ),
    Mutant(
        "weights that are not a number made small",
        "A log weight that is not a number counts as -10,000.",
        importance.log_mean_weight,
        "torch.logsumexp(log_w, 1) - math.log(k)",
        "torch.logsumexp(log_w.nan_to_num(nan=-1e4, posinf=1e4), 1) - math.log(k)",
        _NOT_FINITE,
    ),
    Mutant(
        "one offset for all points",
        "The largest weight of the whole batch is taken out before exponentiating.",
        importance.log_mean_weight,
        "torch.logsumexp(log_w, 1) - math.log(k)",
        "(log_w - log_w.max()).exp().mean(1).log() + log_w.max()",
        _ALONE,
    ),
    Mutant(
        "one weight is certain",
        "The standard error of a single weight is 0.",
        importance.log_mean_weight,
        ".clamp(min=0) / (k - 1)",
        ".clamp(min=0) / max(k - 1, 1)",
        _ONE,
    ),
    Mutant(
        "error of IWAE from the log weights",
        "The standard error is that of the mean log weight.",
        importance.log_mean_weight,
        "relative_variance.sqrt()",
        "log_w.std(1) / math.sqrt(k)",
        _CLAIM_IWAE,
    ),
    Mutant(
        "error of AIS not divided by the chains",
        "The standard error is that of one weight.",
        importance.log_mean_weight,
        ".clamp(min=0) / (k - 1)",
        ".clamp(min=0)",
        _CLAIM_AIS,
    ),
    Mutant(
        "the worse candidate kept",
        "A cycle of local optimisation replaces the parameters where it lowered the bound.",
        local.optimise,
        "candidate_value > reached.value",
        "candidate_value < reached.value",
        _WORSE,
    ),
    Mutant(
        "every candidate kept",
        "A cycle of local optimisation always replaces the parameters.",
        local.optimise,
        "candidate_value > reached.value",
        "candidate_value > -math.inf",
        _WORSE,
    ),
    Mutant(
        "local bound without log q",
        "Local optimisation maximises E[log p(x, z)].",
        local._ascent,
        "((z * gradient(z.detach())).sum(-1) - log_q)",
        "(z * gradient(z.detach())).sum(-1)",
        _OPTIMUM,
    ),
    Mutant(
        "patience a window short",
        "The authors' local optimisation stops after 10 windows without a lower loss instead of 11.",
        procedures.Patience.ends,
        "self.without > self._patience",
        "self.without >= self._patience",
        Check(_PATIENCE, {"losses": [5.0, 4.0, 4.0, 4.5, 4.2, 4.1], "ends_at": 5}),
    ),
    Mutant(
        "patience that never recovers",
        "Windows without a lower loss count although a lower one came between them.",
        procedures.Patience.ends,
        "0 if loss < self.lowest else self.without + 1",
        "self.without + (loss >= self.lowest)",
        Check(_PATIENCE, {"losses": [5.0, 4.0, 4.1, 4.1, 3.9, 4.0, 4.0, 4.0, 4.0], "ends_at": 8}),
    ),
    Mutant(
        "copies with the same noise",
        "All copies of an image are optimised along one noise, and so are one copy.",
        procedures.authors_optimum,
        "torch.randn(points, samples, copies, dim, generator=rng, device=x.device)",
        "torch.randn(points, samples, 1, dim, generator=rng, device=x.device).expand(-1, -1, copies, -1)",
        _COPIES,
    ),
    Mutant(
        "samples of the first copies",
        "The bound of copies is measured on blocks of samples, each of them for one copy.",
        procedures.bound_of_copies,
        "noise.unflatten(1, (-1, copies))",
        "noise.unflatten(1, (copies, -1)).transpose(1, 2)",
        _TURNS,
    ),
    Mutant(
        "effects the wrong way round",
        "What the authors' procedure loses is shown as what it gains.",
        procedure_effects,
        "table[first] - table[second]",
        "table[second] - table[first]",
        _EFFECTS,
    ),
]
