"""How fast one thread is, by what it does: read off the run records of ``laptop`` and ``weekend``.

A job takes the seconds of its products, operations by a rate, and of training those of its steps: what a step
launches takes a while, however small its products are. Rates differ by the kind of the networks, by the precision
of gradients, and by whether values are asked for or gradients alone: a value costs a logarithm for each pixel. All
are those of one machine, an AMD EPYC with instructions for bfloat16. Another one, without them and busy, was four
times slower. Records of one kind of job differ by a factor of 1.5 and sometimes of two: other jobs ran beside them.

Nothing was timed on a GPU: its rate and its shortest step are assumed.
"""

from dataclasses import dataclass

__all__ = ["ASSUMED_GPU_RATE", "ASSUMED_GPU_STEP", "NETWORKS", "STEP", "STEP_OF_OTHERS", "Rates", "rates_of"]

ASSUMED_GPU_RATE = 1.0e13
"""Multiplications and additions per second of a GPU, which nobody has measured."""
ASSUMED_GPU_STEP = 1.0e-3
"""Seconds below which no step of training, optimisation or a chain gets on a GPU: launching its kernels."""


@dataclass(frozen=True)
class Rates:
    """Multiplications and additions per second of one thread, through the networks of one kind of model.

    Attributes:
        training: of a model.
        gradient: of log p(x, z) with respect to z, along chains and in local optimisation.
        value: of log p(x, z).
    """

    training: float
    gradient: float
    value: float


_RATES = {
    # compare-local, 129 to 175; a training of 3,280 epochs, 117; evaluate-iwae, 43 to 74.
    ("mlp", "float32"): Rates(1.1e11, 1.05e11, 5.0e10),
    # Trainings, 120 to 180; evaluate-ais and evaluate-bdmc, 95 to 218; optimise-local, 150.
    ("mlp", "bfloat16"): Rates(1.5e11, 1.3e11, 5.0e10),
    # Convolutions stay in float32. Trainings, 82 to 112; evaluate-ais, 56 to 130; evaluate-iwae, 39 to 62.
    ("conv", "float32"): Rates(9.5e10, 7.0e10, 5.0e10),
    ("linear-gaussian", "float32"): Rates(2.5e10, 1.5e10, 1.0e10),
}

NETWORKS = 4.5e10
"""Of the networks of a flow: optimise-local of AF, 40 to 50, of CF, 37 to 42."""

STEP = {"ffg": 1.2e-3, "full-gaussian": 1.2e-3, "coupling": 2.0e-3}
"""Seconds that a step of training takes beside its products, by the family that is trained with."""

STEP_OF_OTHERS = 3.5e-3
"""The same of AF, and of families that were not timed."""


def rates_of(kind: str, precision: str) -> Rates:
    """Return the rates of a kind of architecture, its gradients in some precision."""
    return _RATES.get((kind, precision)) or _RATES[kind, "float32"]
