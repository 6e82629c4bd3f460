"""Bugs in what is measured of models that were made elsewhere."""

from inference_gaps.foreign import estimators, findings, priors, result
from inference_gaps.foreign.adapted import ForeignGenerator
from inference_gaps.foreign.likelihoods import continuous, discrete
from inference_gaps.summary import trust
from tests.foreign import test_foreign_densities, test_foreign_findings, test_guards
from tests.mutants.mutant import Check, Mutant

__all__ = ["FOREIGN"]


def _mass(name: str) -> Check:
    return Check(test_foreign_densities.test_a_likelihood_adds_up_to_one_over_all_data, {"name": name})


_PRIOR = Check(
    test_foreign_densities.test_a_prior_adds_up_to_one_and_has_the_moments_of_what_it_draws,
    {"name": "mixture"},
)
_ROWS = Check(
    test_foreign_densities.test_rows_go_through_the_decoder_with_the_data_that_they_belong_to, {"rows": 5}
)
_POINT = Check(test_foreign_findings.test_one_point_that_has_not_converged_is_named_though_the_mean_has)
_FURTHER = Check(test_foreign_findings.test_a_point_far_from_its_optimum_is_taken_further_than_the_rest)
_CHAINS = Check(
    test_foreign_findings.test_chains_are_blamed_where_they_do_not_move_and_not_for_single_proposals
)
_LOOSE = Check(test_guards.test_estimates_with_few_effective_weights_have_no_error_and_do_not_stand_for_log_p)

FOREIGN = [
    Mutant(
        "Gaussian without its constant",
        "The likelihood of a Gaussian leaves out log sigma, as losses do.",
        continuous.Gaussian.log_prob,
        "+ _LOG_2PI) - log_sigma)",
        "+ _LOG_2PI))",
        _mass("gaussian"),
    ),
    Mutant(
        "levels without tails",
        "The lowest and the highest level of a discretised logistic have no tails.",
        discrete.DiscretisedLogistic.log_prob,
        "torch.where(lowest | highest, tails, inner)",
        "inner",
        _mass("logistic"),
    ),
    Mutant(
        "counts without a factorial",
        "The negative binomial leaves out log x!, as losses do.",
        discrete.NegativeBinomial.log_prob,
        "- torch.lgamma(x + 1)",
        "",
        _mass("negative-binomial"),
    ),
    Mutant(
        "mixture without weights",
        "The components of a mixture prior are added up instead of averaged.",
        priors.GaussianMixture.log_prob,
        "each + self.weights.to(z).log()",
        "each",
        _PRIOR,
    ),
    Mutant(
        "samples of the likeliest component",
        "A mixture prior draws from its components in equal shares, whatever their weights.",
        priors.GaussianMixture.sample,
        "self.weights.to(like)",
        "torch.ones_like(self.weights.to(like))",
        _PRIOR,
    ),
    Mutant(
        "z of another data point",
        "Samples go through the decoder beside the data of another point.",
        ForeignGenerator._chunks,
        "x[rows // n]",
        "x[rows % points]",
        _ROWS,
    ),
    Mutant(
        "converged on average",
        "q* counts as converged where the mean gain of the last cycle is small.",
        findings._optima,
        "int((residual > MOST_RESIDUAL).sum())",
        "int(residual.mean() > MOST_RESIDUAL)",
        _POINT,
    ),
    Mutant(
        "far points left behind",
        "Points that the last cycle still helped are not taken further.",
        estimators.Estimators._optimum,
        "if not len(left):",
        "if True:",
        _FURTHER,
    ),
    Mutant(
        "chains that hardly move",
        "Chains that reject nine of ten proposals are not named.",
        trust.stuck,
        "< LOW_ACCEPTANCE",
        "< 0",
        _CHAINS,
    ),
    Mutant(
        "error of a loose estimate",
        "An estimate of which too few weights count is printed with its error.",
        result.summarise,
        '"error": np.nan if each.loose else',
        '"error": np.nan if False else',
        _LOOSE,
    ),
]
