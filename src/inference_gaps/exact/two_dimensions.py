"""What a plane of two latent dimensions shows of images: p(z|x) and its approximations, and what each bounds."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor

from inference_gaps.bounds.batches import rows_at_once
from inference_gaps.bounds.importance import elbo, log_weights, weight_terms
from inference_gaps.errors import UserError
from inference_gaps.exact.choice import choose_images
from inference_gaps.exact.densities import log_density_at
from inference_gaps.exact.plane import AMORTIZED, Plane, PlanePosteriors
from inference_gaps.exact.quadrature import PosteriorGrid, gaussian_bound, log_joint_at
from inference_gaps.models.generator import BernoulliGenerator, Generator
from inference_gaps.models.grey_levels import as_bytes
from inference_gaps.models.vae import VAE
from inference_gaps.numerics.device import random_generator
from inference_gaps.numerics.progress import Report, unheard
from inference_gaps.posteriors.family import PosteriorFamily
from inference_gaps.posteriors.gaussian import FullyFactorisedGaussian
from inference_gaps.posteriors.local import LocalPosterior
from inference_gaps.specs.bounds import PosteriorsSpec

__all__ = [
    "Approximation",
    "bounds_of",
    "evaluate_posteriors",
    "exact_generator",
    "log_marginal",
    "plane_of",
]

_POINTS_AT_ONCE = 8
_DRAWN = 4000
_QUANTILES = torch.tensor([0.002, 0.998], dtype=torch.float64)
_MARGIN = 0.08


@dataclass(frozen=True)
class Approximation:
    """q or q* of data points: a family and parameters with a leading dimension of points, in float64 on the CPU."""

    family: PosteriorFamily
    parameters: Mapping[str, Tensor]

    @classmethod
    def of(cls, family: PosteriorFamily, parameters: Mapping[str, Tensor]) -> "Approximation":
        """Take parameters as they come; networks that all points share stay shared."""
        return cls(family, {name: tensor.detach().double().cpu() for name, tensor in parameters.items()})

    def at(self, point: int) -> dict[str, Tensor]:
        """Return the parameters of one data point."""
        own = self.family.network_shapes()
        return {
            name: tensor if name in own and tensor.shape == own[name] else tensor[point : point + 1]
            for name, tensor in self.parameters.items()
        }


def evaluate_posteriors(
    model: VAE,
    local: Mapping[str, LocalPosterior],
    trained_with: str,
    x: Tensor,
    spec: PosteriorsSpec,
    report: Report = unheard,
) -> PlanePosteriors:
    """Evaluate p(z|x), q and each q* over the plane, for images that stand for all.

    Args:
        model: weights frozen.
        local: q* of the same points, by family.
        trained_with: the family of q, whose q* decides which images are shown.
        x: [P, D].
        spec: how many images, nodes and samples; seed.
        report: hears how many images are done.

    Raises:
        UserError: the model has other than two latent dimensions, or fewer images than are to be shown.
    """
    generator = exact_generator(model.generator)
    approximations = {AMORTIZED: Approximation.of(model.posterior.family, model.posterior.parameters_for(x))}
    approximations |= {name: Approximation.of(q.family, q.parameters) for name, q in local.items()}
    x = x.double().cpu()
    log_p, _ = log_marginal(generator, x)
    bounds, errors = {}, {}
    for stream, (name, q) in enumerate(approximations.items()):
        rng = random_generator(spec.seed, stream=stream)
        bounds[name], errors[name] = bounds_of(generator, x, q, spec.samples, rng)
    best = bounds[trained_with]
    chosen = choose_images((log_p - best).numpy(), (best - bounds[AMORTIZED]).numpy(), spec.images)
    planes = []
    for point in chosen:
        rng = random_generator(spec.seed, stream=len(approximations) + point)
        planes.append(plane_of(generator, x, point, approximations, spec.nodes, rng))
        report(len(planes), spec.images, "")
    return PlanePosteriors(chosen, as_bytes(x[list(chosen)]), planes, log_p, bounds, errors)


def exact_generator(generator: Generator) -> BernoulliGenerator:
    """Return a copy in float64 on the CPU.

    Raises:
        UserError: it has other than two latent dimensions, or no Bernoulli pixels.
    """
    if not isinstance(generator, BernoulliGenerator) or generator.latent_dim != 2:
        raise UserError(
            f"This model has {generator.latent_dim} latent dimensions; posteriors are drawn of mlp models with "
            f"exactly 2."
        )
    return deepcopy(generator).double().cpu()


def log_marginal(generator: BernoulliGenerator, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return log p(x) [B] in nats by quadrature, and a bound on its error [B]; x [B, D] in float64."""
    grids = [PosteriorGrid(generator, some) for some in x.split(_POINTS_AT_ONCE)]
    return torch.cat([grid.log_marginal for grid in grids]), torch.cat([grid.change for grid in grids])


@torch.no_grad()
def bounds_of(
    generator: BernoulliGenerator, x: Tensor, q: Approximation, samples: int, rng: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Return L[q] [B] in nats and its error [B].

    Of a factorised Gaussian it is an integral, with what its last refinement changed. Of others it is the mean of
    ``samples``, with its Monte-Carlo standard error; for a flow with an auxiliary variable it contains r(v|z).

    Args:
        generator: from :func:`exact_generator`.
        x: [B, D] in float64.
        q: approximations of the same points.
        samples: how many.
        rng: on the CPU.
    """
    if isinstance(q.family, FullyFactorisedGaussian):
        return gaussian_bound(generator, x, q.parameters["mean"], q.parameters["log_variance"])
    values, errors = [], []
    for point in range(len(x)):
        image, parameters = x[point : point + 1], q.at(point)
        family = q.family.given(generator.score(image))
        terms = weight_terms(generator, image, family.sampler(parameters), rng)
        bound = elbo(log_weights(terms, samples, rows_at_once(x.device)))
        values.append(bound.value)
        errors.append(bound.standard_error)
    return torch.cat(values), torch.cat(errors)


@torch.no_grad()
def plane_of(
    generator: BernoulliGenerator,
    x: Tensor,
    point: int,
    approximations: Mapping[str, Approximation],
    nodes: int,
    rng: torch.Generator,
) -> Plane:
    """Evaluate all densities of one image on the smallest square that holds nearly all of each.

    Args:
        generator: from :func:`exact_generator`.
        x: images [B, D] in float64.
        point: which of them.
        approximations: of all of the images, by name.
        nodes: n, along one side.
        rng: on the CPU.
    """
    grid = PosteriorGrid(generator, x[point : point + 1])
    drawn = [grid.samples(_DRAWN)[:, 0]]
    own = {name: q.at(point) for name, q in approximations.items()}
    for name, q in approximations.items():
        drawn.append(q.family.rsample_with_log_prob(own[name], _DRAWN, rng)[0][0])
    axes = _square(drawn, nodes)
    z = torch.cartesian_prod(*axes)
    log_posterior = log_joint_at(generator, x[point : point + 1], z)[0] - grid.log_marginal
    log_q = {name: log_density_at(q.family, own[name], z) for name, q in approximations.items()}
    return Plane(
        axes,
        log_posterior.reshape(nodes, nodes).float(),
        {name: density.reshape(nodes, nodes).float() for name, density in log_q.items()},
    )


def _square(drawn: list[Tensor], nodes: int) -> Tensor:
    """Axes [2, nodes] of a square that holds 99.6 % of each set of samples [n, 2] in either dimension."""
    edges = torch.stack([torch.quantile(samples, _QUANTILES, dim=0) for samples in drawn])
    low, high = edges[:, 0].amin(0), edges[:, 1].amax(0)
    centre, half = (low + high) / 2, (0.5 + _MARGIN) * (high - low).max()
    return centre.unsqueeze(1) + half * torch.linspace(-1, 1, nodes, dtype=torch.float64)
