"""A posterior family by its name; :data:`inference_gaps.specs.families.FAMILIES` says which there are.

The module of a family is imported when the family is asked for: what a stage computes depends on no other.
"""

import importlib
from typing import TYPE_CHECKING

from inference_gaps.errors import UserError
from inference_gaps.specs.families import FAMILIES

if TYPE_CHECKING:
    from inference_gaps.posteriors.family import PosteriorFamily

__all__ = ["amortized_family", "local_family"]


def _class_of(name: str, latent_dim: int) -> type["PosteriorFamily"]:
    entry = FAMILIES[name]
    if latent_dim < entry.least_dim:
        raise UserError(
            f"The family '{name}' needs at least {entry.least_dim} latent dimensions, and the model has "
            f"{latent_dim}; raise architecture.latent_dim, or choose another family."
        )
    found: type[PosteriorFamily] = getattr(
        importlib.import_module(entry.module), entry.place.partition(".")[2]
    )
    return found


def amortized_family(name: str, latent_dim: int, steps: int, hidden: int) -> "PosteriorFamily":
    """Return the family ``name`` in the form whose parameters a recognition network gives.

    Raises:
        UserError: the latent dimensions are too few for it.
    """
    return _class_of(name, latent_dim).amortized(latent_dim, steps, hidden)


def local_family(name: str, latent_dim: int, steps: int, hidden: int) -> "PosteriorFamily":
    """Return the family ``name`` in the form with one set of parameters per data point.

    Raises:
        UserError: the latent dimensions are too few for it.
    """
    return _class_of(name, latent_dim).local(latent_dim, steps, hidden)
