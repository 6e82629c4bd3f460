"""What is known of posteriors over a plane of two latent dimensions."""

from dataclasses import dataclass

from torch import Tensor

__all__ = ["AMORTIZED", "Plane", "PlanePosteriors"]

AMORTIZED = "amortized"
"""How q is called among the approximations; each q* has the name of its family."""


@dataclass(frozen=True)
class Plane:
    """Densities of one image at the nodes of a square grid.

    Attributes:
        axes: coordinates of the nodes in both dimensions [2, n], float64.
        log_posterior: log p(z|x) [n, n] in nats, float32; the first index is that of the first dimension of z.
        log_q: log q(z) [n, n] of each approximation, by name, float32.
    """

    axes: Tensor
    log_posterior: Tensor
    log_q: dict[str, Tensor]


@dataclass(frozen=True)
class PlanePosteriors:
    """Densities of some images, and log p(x) and the bounds of all that they were chosen from.

    Attributes:
        chosen: the point of each image, and why it is shown.
        images: as bytes [I, ...].
        planes: one for each image.
        log_p: log p(x) of all points [P] in nats.
        bounds: L[q] of all points [P] in nats: of ``amortized``, then of q* by family.
        errors: of the bounds [P], by the same names.
    """

    chosen: dict[int, str]
    images: Tensor
    planes: list[Plane]
    log_p: Tensor
    bounds: dict[str, Tensor]
    errors: dict[str, Tensor]
