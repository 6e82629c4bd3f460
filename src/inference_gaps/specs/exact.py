"""Which exact answers of a model are computed."""

from typing import Annotated, Literal

from pydantic import Field

from inference_gaps.specs.iwae import PointsSpec

__all__ = ["ExactSpec"]

_Quantity = Literal["log_p", "elbo_amortized", "elbo_local_ffg", "elbo_local_full_gaussian"]


class ExactSpec(PointsSpec):
    """Exact log p(x), and L[q] and L[q*] of factorised Gaussians, of a model whose answers are known.

    ``elbo_amortized`` is left out where q(z|x) is not a factorised Gaussian, ``elbo_local_full_gaussian`` where the
    posterior is not a Gaussian.
    """

    quantities: Annotated[list[_Quantity], Field(min_length=1)] = [
        "log_p",
        "elbo_amortized",
        "elbo_local_ffg",
        "elbo_local_full_gaussian",
    ]
