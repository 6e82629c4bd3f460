"""How the ELBO and the IWAE bound of a posterior are evaluated."""

from typing import Annotated

from pydantic import Field

from inference_gaps.specs.base import Count, Spec
from inference_gaps.specs.data import Split

__all__ = ["IwaeSpec", "PointsSpec"]


class PointsSpec(Spec):
    """The data points that every bound of a model is evaluated on: the first ``points`` of a split.

    The split ``simulated`` is what ``simulate-data`` drew from the model itself.
    """

    split: Split = "train"
    points: Count = 1000
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0


class IwaeSpec(PointsSpec):
    """ELBO and IWAE bound from the same ``samples`` importance weights per point."""

    samples: Annotated[int, Field(ge=2, lt=2**31)] = 5000
