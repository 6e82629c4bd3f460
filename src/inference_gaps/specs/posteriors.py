"""Which posteriors are drawn over a plane of two latent dimensions."""

from typing import Annotated

from pydantic import Field

from inference_gaps.specs.base import Count
from inference_gaps.specs.iwae import PointsSpec
from inference_gaps.specs.table import Family

__all__ = ["PosteriorsSpec"]


class PosteriorsSpec(PointsSpec):
    """Densities of z for ``images`` of the points: the exact posterior, q, and q* of each family in ``local``.

    They are evaluated at ``nodes`` x ``nodes`` places. The bound of a posterior that is no factorised Gaussian is
    the mean of ``samples``; all other numbers are integrals.
    """

    local: Annotated[list[Family], Field(min_length=1)]
    images: Annotated[int, Field(ge=1, le=8)] = 4
    nodes: Annotated[int, Field(ge=16, le=512)] = 72
    samples: Annotated[Count, Field(ge=2)] = 10000
