"""Which images of a model are shown."""

from typing import Annotated

from pydantic import Field

from inference_gaps.specs.iwae import PointsSpec

__all__ = ["SamplesSpec"]


class SamplesSpec(PointsSpec):
    """The first ``points`` images of ``split``, their reconstructions, and as many samples from the prior."""

    points: Annotated[int, Field(ge=1, le=40)] = 12
