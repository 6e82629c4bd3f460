"""How data are simulated from a trained model."""

from typing import Annotated

from pydantic import Field

from inference_gaps.specs.base import Count, Spec

__all__ = ["SimulateSpec"]


class SimulateSpec(Spec):
    """``points`` draws of z from the prior and x from p(x|z), so that z is an exact sample of p(z|x)."""

    points: Count = 100
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
