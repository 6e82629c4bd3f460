"""Bugs in the exact answers, in the choice of log p(x), and in the self-check's judgement."""

from inference_gaps.bounds import local
from inference_gaps.exact import optimum, quadrature
from inference_gaps.exact.closed_form import LinearGaussianAnswers
from inference_gaps.models.linear_gaussian import LinearGaussianGenerator
from inference_gaps.replication.analysis import selfcheck, table
from inference_gaps.replication.figures import posteriors
from inference_gaps.summary import gaps
from tests.analysis import test_paired_gaps, test_selfcheck
from tests.bounds import test_local
from tests.commands import test_posteriors
from tests.exact import test_closed_form, test_quadrature
from tests.mutants.mutant import Check, Mutant

__all__ = ["CHECKING"]

_MARGINAL = Check(test_closed_form.test_log_marginal_is_the_density_of_the_marginal_gaussian)
_DIVERGENCE = Check(test_closed_form.test_the_bound_of_a_gaussian_is_its_divergence_from_the_posterior)
_BEST = Check(test_closed_form.test_no_gaussian_beats_the_best_one)
_LINEAR = Check(test_closed_form.test_the_written_gradient_and_the_simulation_are_of_this_model)
_TRAPEZOIDS = Check(
    test_quadrature.test_log_marginal_is_that_of_another_rule, {"latent_dim": 2, "folded": False}
)
_FAR_OUT = Check(test_quadrature.test_a_posterior_far_out_is_integrated_as_a_whole)
_EXPECTATION = Check(test_quadrature.test_the_bound_of_a_gaussian_is_its_expectation, {"scale": 0.5})
_SEARCH = Check(test_quadrature.test_no_search_from_random_starts_beats_the_best_gaussian, {"folded": True})
_STARTS = Check(test_local.test_further_starts_find_the_better_of_several_optima)
_CAUTION = Check(test_paired_gaps.test_an_estimator_is_not_chosen_for_its_noise)
_MARK = Check(test_paired_gaps.test_gaps_are_marked_by_their_interval_and_by_bdmc)
_PANEL = Check(test_posteriors.test_a_panel_shows_what_belongs_to_its_image_and_density)
_MISS = test_selfcheck.test_an_estimate_that_misses_fails_and_is_named


def _missed(
    below: dict[str, float], reaches: list[str], name: tuple[str, str], verdict: str, reverse: float = 0.0
) -> Check:
    arguments = {"below": below, "reverse": reverse, "reaches": reaches, "name": name, "verdict": verdict}
    return Check(_MISS, arguments | {"fails": True})


_FAR = _missed({"ais-prior": 0.3}, test_selfcheck.REACHES, ("ais_prior", "ais_prior"), "missed")
_CLOSE = _missed(
    {"iwae-local-ffg": 0.03}, test_selfcheck.REACHES, ("iwae_local_ffg", "iwae_local_ffg"), "missed"
)
_ABOVE = _missed({"ais-prior": -0.3}, ["iwae_local_ffg"], ("ais_prior", "ais_prior"), "above")
_BELOW = _missed({}, ["iwae_local_ffg"], ("bdmc_reverse", "ais_prior"), "below", reverse=-0.2)

CHECKING = [
    Mutant(
        "exact log p(x) without the determinant",
        "The volume of the posterior is left out.",
        LinearGaussianAnswers.__init__,
        "constant + self._log_det + quadratic",
        "constant + quadratic",
        _MARGINAL,
    ),
    Mutant(
        "exact divergence without the dimension",
        "KL between Gaussians lacks -d/2.",
        LinearGaussianAnswers.gaussian_bound,
        "trace + distance - self._d -",
        "trace + distance -",
        _DIVERGENCE,
    ),
    Mutant(
        "best Gaussian of the wrong gap",
        "The gap of the best Gaussian lacks the factor 1/2.",
        LinearGaussianAnswers.best_gaussian_bound,
        "- 0.5 * (",
        "- (",
        _BEST,
    ),
    Mutant(
        "linear gradient without the noise",
        "The gradient of the likelihood is not divided by the variance.",
        LinearGaussianGenerator.log_joint_gradient,
        "/ self.noise**2 - z",
        "- z",
        _LINEAR,
    ),
    Mutant(
        "simulated with the variance",
        "The noise of simulated data is multiplied by the variance.",
        LinearGaussianGenerator.simulate,
        "self.noise * torch.randn",
        "self.noise**2 * torch.randn",
        _LINEAR,
    ),
    Mutant(
        "cells of one dimension",
        "The volume of a cell is its width, whatever the dimension.",
        quadrature.PosteriorGrid._evaluate,
        "d * math.log(width)",
        "math.log(width)",
        _TRAPEZOIDS,
    ),
    Mutant(
        "posterior cut off",
        "The grid of the exact integrals is not widened where a posterior reaches beyond it.",
        quadrature.PosteriorGrid._wide_enough,
        "if at_the_edge.max() < _NEGLIGIBLE:",
        "if True:",
        _FAR_OUT,
    ),
    Mutant(
        "entropy without its constant",
        "The exact bound of a Gaussian lacks d/2 log 2 pi.",
        quadrature.gaussian_bound,
        "d * (1 + _LOG_2PI)",
        "d * 1",
        _EXPECTATION,
    ),
    Mutant(
        "best Gaussian at the peak",
        "The search for the exact optimum climbs from a narrow start at the posterior's peak alone.",
        optimum._starts,
        "torch.stack(starts, dim=1)",
        "torch.cat([grid.mode(), 2 * math.log(0.15) + 0 * mean], dim=1).unsqueeze(1)",
        _SEARCH,
    ),
    Mutant(
        "further starts not tried",
        "Local optimisation runs from the first start alone.",
        local.optimise,
        "*([] if cycle else others)",
        "*[]",
        _STARTS,
    ),
    Mutant(
        "noise chooses the estimator",
        "log p(x) is the estimator of the largest mean, however noisy.",
        gaps.tightest,
        "- caution * _error(bounds, each)",
        "- 0 * caution * _error(bounds, each)",
        _CAUTION,
    ),
    Mutant(
        "gaps within the BDMC gap not marked",
        "The distance between forward and reverse AIS is compared the wrong way round.",
        table.gap_mark,
        "mean < bdmc_gap",
        "mean > bdmc_gap",
        _MARK,
    ),
    Mutant(
        "self-check in nats alone",
        "An estimate off by many standard errors hits if it is within 0.05 nats.",
        selfcheck._Lines.add,
        "passed = abs(off) <= allowed and abs(off) <= MOST_NATS",
        "passed = abs(off) <= MOST_NATS",
        _CLOSE,
    ),
    Mutant(
        "self-check of one side alone",
        "An estimate below its exact value by any amount hits.",
        selfcheck._Lines.add,
        "passed = abs(off) <= allowed and abs(off) <= MOST_NATS",
        "passed = off <= 0",
        _FAR,
    ),
    Mutant(
        "lower bounds above the answer let through",
        "A bound that exceeds what it bounds passes.",
        selfcheck._Lines.add,
        "off <= allowed if relation == AT_MOST",
        "True if relation == AT_MOST",
        _ABOVE,
    ),
    Mutant(
        "upper bounds below the answer let through",
        "A reverse bound below what it bounds passes.",
        selfcheck._Lines.add,
        "else off >= -allowed",
        "else True",
        _BELOW,
    ),
    Mutant(
        "panels of the first image",
        "Every row of the figure of posteriors shows the densities of the first image.",
        posteriors.rows_of,
        "found.planes[index]",
        "found.planes[0]",
        _PANEL,
    ),
    Mutant(
        "bounds by row",
        "A panel shows the bound of the point of its row's number, not that of its image.",
        posteriors.rows_of,
        "float(found.bounds[name][point])",
        "float(found.bounds[name][index])",
        _PANEL,
    ),
    Mutant(
        "one bound in all panels",
        "The panels of q* show the bound of the recognition network.",
        posteriors.rows_of,
        "float(found.bounds[name][point])",
        'float(found.bounds["amortized"][point])',
        _PANEL,
    ),
]
