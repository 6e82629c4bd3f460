"""How the authors' procedure of local optimisation is compared with ours."""

from typing import Annotated

from pydantic import Field

from inference_gaps.specs.base import Count
from inference_gaps.specs.iwae import PointsSpec

__all__ = ["ProceduresSpec"]


class ProceduresSpec(PointsSpec):
    """The authors' local optimisation of a Gaussian, beside a q*_FFG that is at hand.

    ``copies``: sets of variational parameters per image, each with one sample a step; and the samples a step of the
    single set that it is compared with. Adam runs at a constant ``learning_rate`` until ``patience`` + 1 windows of
    ``window`` steps in a row have brought no lower loss, or for ``max_windows`` at most. All bounds are measured on
    the same ``samples`` per image.
    """

    points: Annotated[int, Field(ge=2, lt=2**31)] = 16
    copies: Annotated[int, Field(ge=1, lt=2**31)] = 100
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 1e-3
    window: Count = 100
    patience: Count = 10
    max_windows: Count = 500
    samples: Annotated[int, Field(ge=2, lt=2**31)] = 2000
