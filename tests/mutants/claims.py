"""Bugs in the statistics of claims and in the verdicts."""

from inference_gaps.replication.analysis import claim_statistics, claims, verdicts
from tests.analysis import test_claims, test_loose, test_possible_bias, test_verdicts
from tests.mutants.mutant import Check, Mutant

__all__ = ["CLAIMS"]

_NEGATIVE = Check(test_claims.test_the_side_of_the_claim, {"comparison": "negative", "verdict": "replicated"})
_LIMIT = Check(test_claims.test_what_must_stay_below_a_limit, {"limit": 0.05, "verdict": "not replicated"})
_SAME_POINTS = Check(test_claims.test_models_are_compared_at_the_same_points)
_SHARED = Check(test_claims.test_terms_of_one_model_share_its_errors)
_SEEDS = Check(test_claims.test_seeds_are_averaged_and_must_agree)
_DOUBTED = Check(test_claims.test_a_published_value_that_is_doubted_is_shown_but_does_not_judge)
_SHOWN = Check(test_claims.test_a_statistic_that_is_only_shown_decides_nothing)
_RESIDUAL = Check(test_possible_bias.test_an_effect_within_the_residual_of_q_star_is_inconclusive)
_BDMC = Check(test_possible_bias.test_an_effect_within_the_bdmc_gap_is_inconclusive)
_SERIES = Check(
    test_claims.test_a_series_that_must_decrease,
    {"distances": (2.0, 3.0, 1.0), "verdict": "not replicated"},
)
_DATA_SETS = Check(
    test_claims.test_data_sets_combine_to_the_verdict_of_the_claim,
    {"combine": "all", "whole": "not replicated"},
)
_LOOSE = Check(test_loose.test_no_verdict_rests_on_a_loose_bound)
_SHORTFALL = Check(test_loose.test_the_error_of_a_gap_allows_for_the_shortfall_of_log_p)
_SIDE = Check(test_verdicts.test_the_interval_decides_the_side)
_THRESHOLD = Check(test_verdicts.test_without_a_published_effect_the_threshold_decides_the_size)
_FACTOR = Check(
    test_verdicts.test_a_published_effect_is_matched_within_the_factor_either_way,
    {"published": 0.4, "verdict": verdicts.DIRECTION_ONLY},
)
_SEEDS_AGREE = Check(test_verdicts.test_seeds_that_disagree_are_inconclusive_on_either_side)
_STEPS = Check(test_verdicts.test_a_series_must_fall_at_each_step)
_WEAKEST = Check(test_verdicts.test_the_weakest_verdict_is_that_of_all)
_HALF = Check(
    test_verdicts.test_most_reach_the_verdict_of_the_whole,
    {"verdicts": [verdicts.REPLICATED, verdicts.NOT_REPLICATED], "whole": verdicts.NOT_REPLICATED},
)
_NOT_RUN = Check(test_verdicts.test_what_was_not_run_does_not_count, {"rule": "all"})


def _biased(bdmc: float, residual: float) -> Check:
    arguments = {"bdmc": bdmc, "residual": residual, "inconclusive": True, "side": -1}
    return Check(test_verdicts.test_an_effect_within_its_possible_bias_is_inconclusive, arguments)


CLAIMS = [
    Mutant(
        "verdict on a loose bound",
        "A verdict rests on a lower bound of log p(x) that may be off by any amount.",
        verdicts.judge,
        "if evidence.loose or",
        "if",
        _LOOSE,
    ),
    Mutant(
        "loose bound on the wrong side",
        "An effect that subtracts a loose bound of log p(x) counts as one that is at least as large.",
        claim_statistics._sum,
        "for sign in (-1, 1))",
        "for sign in (1, -1))",
        _LOOSE,
    ),
    Mutant(
        "error of a statistic without the shortfall",
        "The Monte-Carlo error of a statistic forgets by how much importance weights fall short.",
        claim_statistics._averaged,
        "np.mean([each.shortfall for each in sums])",
        "0.0",
        _SHORTFALL,
    ),
    Mutant(
        "sign of a negative claim",
        "A statistic that must be negative counts as if it had to be positive.",
        claims._as_claimed,
        '"negative": -value',
        '"negative": value',
        _NEGATIVE,
    ),
    Mutant(
        "limit ignored",
        "What must stay below a limit only has to be positive.",
        claims._as_claimed,
        "(threshold or 0.0) - value",
        "value",
        _LIMIT,
    ),
    Mutant(
        "unpaired comparison of models",
        "The points of two models are compared in any order.",
        claim_statistics._sum,
        "pd.concat(values, axis=1",
        "pd.concat([v.sample(frac=1, random_state=i).set_axis(v.index) for i, v in enumerate(values)], axis=1",
        _SAME_POINTS,
    ),
    Mutant(
        "terms of one model as if independent",
        "Of two terms that share a bound, only the last counts it.",
        claim_statistics._sum,
        "weights.get(column, 0.0) + term.times * weight",
        "term.times * weight",
        _SHARED,
    ),
    Mutant(
        "Monte-Carlo error of one seed",
        "The Monte-Carlo error of a mean over seeds does not average out.",
        claim_statistics._averaged,
        "/ len(sums) ** 2",
        "/ len(sums)",
        _SEEDS,
    ),
    Mutant(
        "first seed alone",
        "A statistic is that of the first training seed.",
        claim_statistics._averaged,
        "pd.concat([each.per_point for each in sums]",
        "pd.concat([each.per_point for each in sums[:1]]",
        _SEEDS,
    ),
    Mutant(
        "step of a series not subtracted",
        "Each step of a series is the sum of its two terms.",
        claim_statistics.measure,
        '{"times": -after.times}',
        '{"times": after.times}',
        _SERIES,
    ),
    Mutant(
        "BDMC gap of no estimator",
        "The BDMC gaps of AIS estimates are not added up.",
        claim_statistics.Run.possible_bias,
        "bdmc += abs(weight)",
        "bdmc += 0 * abs(weight)",
        _BDMC,
    ),
    Mutant(
        "no possible bias of IWAE",
        "An estimate of log p(x) by IWAE is taken for exact, however far above it AIS may be.",
        claim_statistics.Run.possible_bias,
        '("ais_", "iwae_")',
        '("ais_",)',
        Check(test_possible_bias.test_iwae_may_be_as_low_as_ais_with_its_gap_says),
    ),
    Mutant(
        "a step that rises",
        "A series of which a step rises beyond its interval still has the right direction.",
        verdicts.judge,
        "if any(step.high < 0 for",
        "if any(False for",
        _STEPS,
    ),
    Mutant(
        "residual counted once",
        "An optimum that enters twice adds its residual once.",
        claim_statistics.Run.possible_bias,
        "residual += abs(weight) *",
        "residual +=",
        _RESIDUAL,
    ),
    Mutant(
        "doubted value judges",
        "A published value that is recalled with doubts decides whether the size is right.",
        claims._line,
        "published_effect if sure else None",
        "published_effect",
        _DOUBTED,
    ),
    Mutant(
        "what is only shown judges",
        "A statistic that is only shown beside the others gets a verdict.",
        claims._line,
        "if statistic.judged else",
        "if True else",
        _SHOWN,
    ),
    Mutant(
        "best data set taken as overall",
        "The verdict of a claim is the best of its data sets.",
        verdicts.combine,
        "else run[-1]",
        "else run[0]",
        _DATA_SETS,
    ),
    Mutant(
        "order of verdicts lost",
        "Verdicts combine in the order of the alphabet.",
        verdicts.combine,
        "key=VERDICTS.index",
        "key=str",
        _WEAKEST,
    ),
    Mutant(
        "half is most",
        "A verdict that half of the parts reach is that of most of them.",
        verdicts.combine,
        "run[len(run) // 2]",
        "run[(len(run) - 1) // 2]",
        _HALF,
    ),
    Mutant(
        "not run counts",
        "A part that was not run makes the whole not run.",
        verdicts.combine,
        "for verdict in verdicts if verdict != NOT_RUN",
        "for verdict in verdicts",
        _NOT_RUN,
    ),
    Mutant(
        "interval ignored",
        "An effect whose interval includes zero is judged by its mean.",
        verdicts.judge,
        "effect.low <= 0 <= effect.high",
        "effect.mean == 0",
        _SIDE,
    ),
    Mutant(
        "BDMC gate dropped",
        "An effect within the BDMC gap is judged.",
        verdicts.judge,
        "bias = evidence.bdmc_gap + evidence.residual",
        "bias = evidence.residual",
        _biased(1.1, 0.0),
    ),
    Mutant(
        "gate of the local optimisation dropped",
        "An effect within the residual of q* is judged.",
        verdicts.judge,
        "bias = evidence.bdmc_gap + evidence.residual",
        "bias = evidence.bdmc_gap",
        _biased(0.0, 1.1),
    ),
    Mutant(
        "gates for what agrees alone",
        "An effect on the other side is judged however little the estimators can tell.",
        verdicts.judge,
        "abs(effect.mean) <= bias",
        "0 < effect.mean <= bias",
        _biased(0.6, 0.5),
    ),
    Mutant(
        "seeds need not agree",
        "A verdict stands although a training seed is on the other side.",
        verdicts.judge,
        "if agree < rule.seeds_agree",
        "if agree < 0",
        _SEEDS_AGREE,
    ),
    Mutant(
        "seeds of the wrong side",
        "Seeds that lie against a claim do not count where the mean does, too.",
        verdicts.judge,
        "if as_claimed else 1 - evidence.seeds_agree",
        "if as_claimed else evidence.seeds_agree",
        _SIDE,
    ),
    Mutant(
        "series by its ends",
        "A series whose steps are within their intervals is replicated.",
        verdicts.judge,
        "step.low <= 0",
        "step.high <= 0",
        _STEPS,
    ),
    Mutant(
        "threshold ignored",
        "Any effect on the side of the claim is large enough.",
        verdicts._sized,
        "if effect >= rule.threshold",
        "if effect >= 0",
        _THRESHOLD,
    ),
    Mutant(
        "factor of one side",
        "An effect may exceed the published one by any factor.",
        verdicts._sized,
        "<= ratio <= rule.factor",
        "<= ratio",
        _FACTOR,
    ),
    Mutant(
        "published effect of the other side",
        "A published effect against the claim sets the size of ours.",
        verdicts._sized,
        "rule.published is not None and rule.published > 0",
        "rule.published is not None",
        Check(test_verdicts.test_a_published_effect_against_the_claim_sets_no_size),
    ),
]
