"""The posterior families that there are, by the names that configuration and files give them.

An entry here is all that it takes to make a family known to specifications, commands, tables, figures, report and
workflow. The class behind it is imported where it is asked for: those who only ask for names, as the workflow does,
must not wait for PyTorch.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from inference_gaps.errors import UserError

if TYPE_CHECKING:
    from inference_gaps.posteriors.family import PosteriorFamily

__all__ = [
    "FAMILIES",
    "Family",
    "FamilyEntry",
    "amortised_family",
    "family_named",
    "label_of",
    "local_family",
]


@dataclass(frozen=True)
class FamilyEntry:
    """What there is to know of a family without its mathematics.

    Attributes:
        name: in configuration and names of files; lower-case letters and hyphens.
        label: in tables and figures, such as FFG.
        words: in sentences.
        load: imports and returns the class.
        hidden: default width of the hidden layers of its networks.
        least_dim: fewest latent dimensions that it takes.
        conditional: whether its networks see a feature of x, so that q(z|x) is a member of its own local form
            (:mod:`~inference_gaps.posteriors.at_points`).
    """

    name: str
    label: str
    words: str
    load: Callable[[], type["PosteriorFamily"]]
    hidden: int = 200
    least_dim: int = 1
    conditional: bool = False

    @property
    def key(self) -> str:
        """The name in keys and columns, where a hyphen cannot stand."""
        return self.name.replace("-", "_")


def _gaussian() -> type["PosteriorFamily"]:
    from inference_gaps.posteriors.gaussian import FullyFactorisedGaussian

    return FullyFactorisedGaussian


def _full_gaussian() -> type["PosteriorFamily"]:
    from inference_gaps.posteriors.full_gaussian import FullGaussian

    return FullGaussian


def _coupling_flow() -> type["PosteriorFamily"]:
    from inference_gaps.posteriors.coupling_flow import CouplingFlow

    return CouplingFlow


def _hamiltonian_flow() -> type["PosteriorFamily"]:
    from inference_gaps.posteriors.hamiltonian_flow import HamiltonianFlow

    return HamiltonianFlow


def _auxiliary_flow() -> type["PosteriorFamily"]:
    from inference_gaps.posteriors.auxiliary_flow import AuxiliaryFlow

    return AuxiliaryFlow


# In the order in which tables list them.
_ENTRIES = (
    FamilyEntry("ffg", "FFG", "fully-factorised Gaussian", _gaussian),
    FamilyEntry("full-gaussian", "FCG", "Gaussian with a full covariance", _full_gaussian),
    FamilyEntry("coupling", "CF", "coupling flow on z alone", _coupling_flow, 50, 2, conditional=True),
    FamilyEntry(
        "hamiltonian",
        "HF",
        "auxiliary flow along the gradient of log p(x, z)",
        _hamiltonian_flow,
        conditional=True,
    ),
    FamilyEntry("af", "AF", "auxiliary flow", _auxiliary_flow, conditional=True),
)
FAMILIES = {entry.name: entry for entry in _ENTRIES}

if TYPE_CHECKING:
    Family: TypeAlias = str
else:
    Family = Literal[tuple(FAMILIES)]


def label_of(family: str) -> str:
    """Return how tables and figures call a family."""
    return FAMILIES[family].label if family in FAMILIES else family.upper()


def family_named(label: str) -> str:
    """Return the name of the family with this label."""
    return next((entry.name for entry in _ENTRIES if entry.label == label), label.lower())


def _class_of(name: str, latent_dim: int) -> type["PosteriorFamily"]:
    entry = FAMILIES[name]
    if latent_dim < entry.least_dim:
        raise UserError(
            f"The family '{name}' needs at least {entry.least_dim} latent dimensions, and the model has "
            f"{latent_dim}; raise architecture.latent_dim, or choose another family."
        )
    return entry.load()


def amortised_family(name: str, latent_dim: int, steps: int, hidden: int) -> "PosteriorFamily":
    """Return the family ``name`` in the form whose parameters a recognition network gives.

    Raises:
        UserError: the latent dimensions are too few for it.
    """
    return _class_of(name, latent_dim).amortised(latent_dim, steps, hidden)


def local_family(name: str, latent_dim: int, steps: int, hidden: int) -> "PosteriorFamily":
    """Return the family ``name`` in the form with one set of parameters per data point.

    Raises:
        UserError: the latent dimensions are too few for it.
    """
    return _class_of(name, latent_dim).local(latent_dim, steps, hidden)
