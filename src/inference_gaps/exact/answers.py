"""The exact answers of a trained model."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor

from inference_gaps.errors import UserError
from inference_gaps.exact.closed_form import LinearGaussianAnswers
from inference_gaps.exact.optimum import best_gaussian
from inference_gaps.exact.quadrature import PosteriorGrid, gaussian_bound
from inference_gaps.models.generator import BernoulliGenerator
from inference_gaps.models.linear_gaussian import LinearGaussianGenerator
from inference_gaps.models.vae import VAE
from inference_gaps.posteriors.gaussian import FullyFactorisedGaussian

__all__ = ["Answer", "exact_answers"]

_MOST_DIMENSIONS = 2


@dataclass(frozen=True)
class Answer:
    """A value per data point [B] and a bound on its numerical error [B], in nats and float64."""

    value: Tensor
    error: Tensor


def exact_answers(model: VAE, x: Tensor, quantities: Sequence[str]) -> dict[str, Answer]:
    """Return those of ``log_p`` and of ``elbo_amortized``, ``elbo_local_ffg``, ... that are asked for.

    ``elbo_amortized`` needs a q(z|x) that is a factorised Gaussian and is left out otherwise. So is
    ``elbo_local_full_gaussian`` but for linear-Gaussian models, whose posterior is Gaussian: there it is log p(x).

    Args:
        model: weights frozen.
        x: [B, D].
        quantities: names.

    Raises:
        UserError: the model has no known answers.
    """
    generator = model.generator
    q = None
    if isinstance(model.posterior.family, FullyFactorisedGaussian):
        with torch.no_grad():
            parameters = model.posterior.parameters_for(x)
        q = parameters["mean"].double().cpu(), parameters["log_variance"].double().cpu()
    if isinstance(generator, LinearGaussianGenerator):
        found = _by_formula(LinearGaussianAnswers(generator, x), q)
        return {name: found[name] for name in quantities if name in found}
    if isinstance(generator, BernoulliGenerator) and model.latent_dim <= _MOST_DIMENSIONS:
        return _by_quadrature(deepcopy(generator).double().cpu(), x.double().cpu(), q, quantities)
    raise UserError(
        f"The exact answers of this model are not known: it has {model.latent_dim} latent dimensions; they are "
        f"known for linear-gaussian models, and with Bernoulli pixels for at most {_MOST_DIMENSIONS}."
    )


def _by_formula(answers: LinearGaussianAnswers, q: tuple[Tensor, Tensor] | None) -> dict[str, Answer]:
    values = {
        "log_p": answers.log_marginal,
        "elbo_local_ffg": answers.best_gaussian_bound(),
        "elbo_local_full_gaussian": answers.log_marginal,
    }
    if q:
        values["elbo_amortized"] = answers.gaussian_bound(*q)
    return {name: Answer(value, torch.zeros_like(value)) for name, value in values.items()}


def _by_quadrature(
    generator: BernoulliGenerator, x: Tensor, q: tuple[Tensor, Tensor] | None, quantities: Sequence[str]
) -> dict[str, Answer]:
    grid = PosteriorGrid(generator, x)
    found = {}
    for name in quantities:
        if name == "log_p":
            found[name] = Answer(grid.log_marginal, grid.change)
        elif name == "elbo_local_ffg":
            found[name] = Answer(*gaussian_bound(generator, x, *best_gaussian(generator, x, grid)))
        elif name == "elbo_amortized" and q:
            found[name] = Answer(*gaussian_bound(generator, x, *q))
    return found
