"""Bugs in gaps, intervals and errors."""

from inference_gaps.replication.analysis import remaining_gaps
from inference_gaps.summary import gaps, intervals, trust
from tests.analysis import (
    test_coverage,
    test_intervals,
    test_loose,
    test_paired_gaps,
    test_remaining_gaps,
    test_trust,
)
from tests.bounds import test_uncertainty
from tests.mutants.mutant import Check, Mutant

__all__ = ["SUMMARIES"]

_ONE_ESTIMATOR = Check(test_paired_gaps.test_log_p_is_chosen_by_its_mean_and_not_point_by_point)
_STUDENT = Check(test_intervals.test_the_interval_is_that_of_student)
_ADD_UP = Check(test_paired_gaps.test_gaps_have_their_sign_and_size_and_add_up)
_MONTE_CARLO = Check(test_intervals.test_monte_carlo_errors_of_independent_points_average_out)
_SQUARES = Check(test_paired_gaps.test_monte_carlo_errors_add_as_squares)
_SEEDS = Check(test_paired_gaps.test_seeds_are_averaged_at_the_points_that_they_share)
_SELECTION = Check(test_paired_gaps.test_an_estimator_that_is_far_below_adds_nothing_to_the_selection_bias)
_COVERAGE = Check(
    test_coverage.test_intervals_cover_the_gap_as_often_as_stated, {"shape": "normal", "points": 24}
)
_CHOICE = Check(test_coverage.test_choosing_one_estimator_by_its_mean_is_biased_by_less_than_its_bound)
_GAP_ERROR = Check(test_uncertainty.test_the_error_of_a_gap_is_the_spread_of_repetitions)

_REFERENCE = Check(test_remaining_gaps.test_the_tightest_estimate_stands_for_log_p_with_its_error)

_NOT_PRINTED = Check(test_loose.test_a_loose_log_p_and_its_gaps_are_printed_as_lower_bounds_without_an_error)
_STANDS = Check(test_loose.test_another_estimate_stands_for_log_p_where_the_tightest_has_few_weights)
_SHORTFALL = Check(test_loose.test_the_error_of_a_gap_allows_for_the_shortfall_of_log_p)
_ENOUGH = Check(test_trust.test_half_of_few_weights_or_thirty_two_of_many_are_enough)
_COVERED = Check(
    test_trust.test_the_error_of_a_mean_covers_its_shortfall_where_the_plain_one_does_not, {"weights": 16}
)

SUMMARIES = [
    Mutant(
        "few weights are enough",
        "Effective sample sizes of the tables are not looked at when an estimate is chosen for log p(x).",
        gaps._best_log_p,
        "if best.estimator in enough:",
        "if best.estimator in at_hand:",
        _STANDS,
    ),
    Mutant(
        "gaps of a loose bound",
        "A gap that rests on a loose lower bound of log p(x) is printed with an error.",
        gaps._combination,
        "loose=any(each.loose for _, each in terms)",
        "loose=False",
        _NOT_PRINTED,
    ),
    Mutant(
        "shortfall averages out",
        "The error of a mean forgets that every log mean weight is too low.",
        trust.mean_error,
        "shortfall(errors))",
        "0.0)",
        _COVERED,
    ),
    Mutant(
        "gap without the shortfall",
        "The error of a gap forgets by how much the weights behind log p(x) fall short.",
        gaps._combination,
        "abs(factor) * each.shortfall",
        "0.0 * each.shortfall",
        _SHORTFALL,
    ),
    Mutant(
        "half of many weights",
        "Of thousands of weights, half have to count, and not thirty-two.",
        trust.trusted,
        "np.minimum(half, FEWEST)",
        "half",
        _ENOUGH,
    ),
    Mutant(
        "noise chooses what stands for log p",
        "In the figure of convergence the largest mean stands for log p(x), however noisy.",
        remaining_gaps.reference_values,
        "list(value.columns))",
        "list(value.columns), caution=0.0)",
        _REFERENCE,
    ),
    Mutant(
        "a reference without error",
        "What is left to an estimated log p(x) has the error of the other estimate alone.",
        remaining_gaps.remaining_gaps,
        'np.hypot(_error(at["standard_error"]), reference.standard_error)',
        '_error(at["standard_error"])',
        _REFERENCE,
    ),
    Mutant(
        "largest value at each point",
        "log p(x) is the largest estimate point by point instead of one estimator for all.",
        gaps._log_p,
        "name=name, bias_bound",
        "per_point=bounds.value[list(candidates)].max(axis=1), name=name, bias_bound",
        _ONE_ESTIMATOR,
    ),
    Mutant(
        "normal quantile",
        "The interval of a mean over few points uses 1.96 instead of Student's quantile.",
        intervals._quantile,
        "special.stdtrit(freedom, 0.5 + level / 2)",
        "special.ndtri(0.5 + level / 2)",
        _STUDENT,
    ),
    Mutant(
        "one-sided quantile",
        "The interval leaves 5 % on either side.",
        intervals._quantile,
        "0.5 + level / 2",
        "level",
        _COVERAGE,
    ),
    Mutant(
        "interval of the points",
        "The interval is that of one data point, not of their mean.",
        intervals._standard_error,
        "/ np.sqrt(len(values))",
        "",
        _COVERAGE,
    ),
    Mutant(
        "bias of the choice forgotten",
        "The bound on the bias of choosing the largest mean is that of averages over k points.",
        intervals.selection_bias_bound,
        "max(errors) *",
        "max(errors) / len(errors) *",
        _CHOICE,
    ),
    Mutant(
        "gap with the error of log p(x) alone",
        "The Monte-Carlo error of a gap leaves out that of the bound that is subtracted.",
        gaps._combination,
        "** 2 for factor, each in terms)",
        "** 2 for factor, each in terms[:1])",
        _GAP_ERROR,
    ),
    Mutant(
        "gaps of different points",
        "A gap subtracts the bound at another data point.",
        gaps._combination,
        "factor * each.per_point for",
        "factor * each.per_point.iloc[::-1].to_numpy() for",
        _ADD_UP,
    ),
    Mutant(
        "error of a mean not divided by the points",
        "The Monte-Carlo error of a mean is that of the sum.",
        intervals.monte_carlo_standard_error,
        " / len(standard_errors)",
        "",
        _MONTE_CARLO,
    ),
    Mutant(
        "errors subtract",
        "The variance of a difference is the difference of the variances.",
        gaps._combination,
        "(factor * each.standard_error) ** 2",
        "factor * each.standard_error**2",
        _SQUARES,
    ),
    Mutant(
        "errors of seeds do not average out",
        "The error of a mean over seeds is not divided by their number.",
        gaps.average_over_seeds,
        "** 0.5 / len(same)",
        "** 0.5",
        _SEEDS,
    ),
    Mutant(
        "selection bias of all estimators",
        "Estimators far below the largest count as rivals.",
        gaps._log_p,
        "<= _RIVAL_DISTANCE * np.hypot(error, errors[chosen])",
        "<= np.inf",
        _SELECTION,
    ),
]
