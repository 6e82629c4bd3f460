"""How estimators of log p(x) are compared at growing cost."""

from typing import Annotated, Literal

from pydantic import Field

from inference_gaps.specs.base import Count, GradientPrecision
from inference_gaps.specs.iwae import PointsSpec

__all__ = ["ConvergenceSpec"]


class ConvergenceSpec(PointsSpec):
    """IWAE from q and from q*_FFG with each number of ``samples``, and AIS from the prior and from q*_FFG with each
    number of ``distributions`` and ``chains`` chains.
    """

    points: Annotated[int, Field(ge=2, lt=2**31)] = 16
    samples: Annotated[list[Annotated[int, Field(ge=2, lt=2**31)]], Field(min_length=2)] = [
        10,
        100,
        1000,
        10000,
    ]
    distributions: Annotated[list[Annotated[int, Field(ge=3, lt=2**31)]], Field(min_length=2)] = [
        10,
        30,
        100,
        300,
    ]
    chains: Annotated[int, Field(ge=2, lt=2**31)] = 16
    leapfrog_steps: Count = 10
    schedule: Literal["linear", "sigmoidal"] = "sigmoidal"
    gradient_precision: GradientPrecision = "float32"
