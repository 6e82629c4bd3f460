"""On how many images the activity of latent units is measured."""

from typing import Annotated

from pydantic import Field

from inference_gaps.specs.iwae import PointsSpec

__all__ = ["UnitsSpec"]


class UnitsSpec(PointsSpec):
    """The first ``points`` images of ``split``, or all of them where it has fewer.

    ``samples`` of q(z|x) are drawn for each image where no formula gives the mean of q(z|x).
    """

    points: Annotated[int, Field(ge=2, lt=2**31)] = 1000
    samples: Annotated[int, Field(ge=2, lt=2**31)] = 64
