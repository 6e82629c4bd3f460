"""What is asked of a trained model beside its bounds."""

from typing import Annotated, Literal

from pydantic import Field

from inference_gaps.specs.base import Count, Spec
from inference_gaps.specs.bounds import PointsSpec

__all__ = ["CheckpointSpec", "ExactSpec", "SamplesSpec", "SimulateSpec", "UnitsSpec"]

_Quantity = Literal["log_p", "elbo_amortized", "elbo_local_ffg", "elbo_local_full_gaussian"]


class CheckpointSpec(Spec):
    """The weights after ``epoch``, one of the ``checkpoints`` of the training."""

    epoch: Count


class SimulateSpec(Spec):
    """``points`` draws of z from the prior and x from p(x|z), so that z is an exact sample of p(z|x)."""

    points: Count = 100
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0


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


class UnitsSpec(PointsSpec):
    """The first ``points`` images of ``split``, or all of them where it has fewer.

    ``samples`` of q(z|x) are drawn for each image where no formula gives the mean of q(z|x).
    """

    points: Annotated[int, Field(ge=2, lt=2**31)] = 1000
    samples: Annotated[int, Field(ge=2, lt=2**31)] = 64


class SamplesSpec(PointsSpec):
    """The first ``points`` images of ``split``, their reconstructions, and as many samples from the prior."""

    points: Annotated[int, Field(ge=1, le=40)] = 12
