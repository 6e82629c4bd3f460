"""How log p(x) is estimated by annealed importance sampling."""

from typing import Annotated, Literal

from pydantic import Field

from inference_gaps.specs.base import Count, GradientPrecision
from inference_gaps.specs.iwae import PointsSpec

__all__ = ["AisSpec"]


class AisSpec(PointsSpec):
    """Annealed importance sampling with Hamiltonian transitions (paper section 5.1; authors' code).

    ``distributions`` counts the points of the annealing schedule, both ends included. Each chain's step size is
    multiplied by a random factor between 1 - ``step_size_jitter`` and 1 + ``step_size_jitter`` at each transition.
    ``gradient_precision`` is that of the products along a path of leapfrog steps; it is accepted or not by exact
    values.
    """

    start: Literal["prior", "local-ffg"] = "prior"
    chains: Annotated[int, Field(ge=2, lt=2**31)] = 100
    distributions: Annotated[int, Field(ge=3, lt=2**31)] = 10000
    schedule: Literal["linear", "sigmoidal"] = "linear"
    leapfrog_steps: Count = 10
    initial_step_size: Annotated[float, Field(gt=0, le=10)] = 0.05
    step_size_jitter: Annotated[float, Field(ge=0, lt=1)] = 0.5
    target_acceptance: Annotated[float, Field(gt=0, lt=1)] = 0.65
    adaptation: Literal["preliminary", "cumulative"] = "preliminary"
    gradient_precision: GradientPrecision = "float32"
