"""How q* is optimised for each data point."""

from typing import Annotated, Literal

from pydantic import Field

from inference_gaps.specs.base import Count, GradientPrecision
from inference_gaps.specs.family import FamilySpec
from inference_gaps.specs.iwae import PointsSpec

__all__ = ["LocalSpec"]


class LocalSpec(FamilySpec, PointsSpec):
    """Local optimisation of a family: cycles of Adam until one more cycle no longer helps.

    A cycle is ``steps`` steps whose rate falls to zero along a cosine, from ``learning_rate`` in the first cycle
    and from half of it in later ones. After the second, cycles end as soon as one of them improves the mean
    bound by less than ``tolerance`` nats; there are ``max_cycles`` at most.

    ``start``: Gaussian moments of q(z|x) (``amortised``), zeros, q*_FFG, or, of the flow that the model was trained
    with, q(z|x) itself in its own form (``trained``). With ``restarts``, the first cycle of a Gaussian is run from
    that many further starts, the prior and points of high density, and each data point goes on from the best: a
    posterior with several modes gives a bound with several maxima. ``gradient_precision`` is that of the products
    behind the steps; what they reach is measured exactly.
    """

    samples: Count = 16
    steps: Count = 1000
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.02
    tolerance: Annotated[float, Field(gt=0)] = 0.01
    max_cycles: Annotated[int, Field(ge=2, lt=2**31)] = 6
    start: Literal["amortised", "zeros", "local-ffg", "trained"] = "amortised"
    restarts: Annotated[int, Field(ge=0, le=64)] = 0
    gradient_precision: GradientPrecision = "float32"
