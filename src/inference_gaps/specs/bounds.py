"""What is asked for at data points: bounds, q* and densities, and how much work goes into each."""

from typing import Annotated, Literal

from pydantic import Field

from inference_gaps.specs.base import Count, GradientPrecision, Spec
from inference_gaps.specs.families import Family
from inference_gaps.specs.train import FamilySpec

__all__ = [
    "AisSpec",
    "AisStart",
    "ConvergenceSpec",
    "IwaeSpec",
    "LocalSpec",
    "PointsSpec",
    "PosteriorsSpec",
    "ProceduresSpec",
    "Split",
]

Split = Literal["train", "validation", "test", "simulated"]
AisStart = Literal["prior", "local-ffg"]


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


class AisSpec(PointsSpec):
    """Annealed importance sampling with Hamiltonian transitions (paper section 5.1; authors' code).

    ``distributions`` counts the points of the annealing schedule, both ends included. Each chain's step size is
    multiplied by a random factor between 1 - ``step_size_jitter`` and 1 + ``step_size_jitter`` at each transition.
    ``gradient_precision`` is that of the products along a path of leapfrog steps; it is accepted or not by exact
    values.
    """

    start: AisStart = "prior"
    chains: Annotated[int, Field(ge=2, lt=2**31)] = 100
    distributions: Annotated[int, Field(ge=3, lt=2**31)] = 10000
    schedule: Literal["linear", "sigmoidal"] = "linear"
    leapfrog_steps: Count = 10
    initial_step_size: Annotated[float, Field(gt=0, le=10)] = 0.05
    step_size_jitter: Annotated[float, Field(ge=0, lt=1)] = 0.5
    target_acceptance: Annotated[float, Field(gt=0, lt=1)] = 0.65
    adaptation: Literal["preliminary", "cumulative"] = "preliminary"
    gradient_precision: GradientPrecision = "float32"


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


class PosteriorsSpec(PointsSpec):
    """Densities of z for ``images`` of the points: the exact posterior, q, and q* of each family in ``local``.

    They are evaluated at ``nodes`` x ``nodes`` places. The bound of a posterior that is no factorised Gaussian is
    the mean of ``samples``; all other numbers are integrals.
    """

    local: Annotated[list[Family], Field(min_length=1)]
    images: Annotated[int, Field(ge=1, le=8)] = 4
    nodes: Annotated[int, Field(ge=16, le=512)] = 72
    samples: Annotated[Count, Field(ge=2)] = 10000
