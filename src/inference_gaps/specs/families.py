"""The posterior families that there are, by name.

An entry here is all that makes a family known to specifications, commands, tables, figures, report and workflow. It
says where the class is; :mod:`inference_gaps.posteriors.registry` imports it once it is asked for.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

__all__ = ["FAMILIES", "Family", "FamilyEntry", "family_named", "label_of"]


@dataclass(frozen=True)
class FamilyEntry:
    """What there is to know of a family without its mathematics.

    Attributes:
        name: in configuration and names of files; lower-case letters and hyphens.
        label: in tables and figures, such as FFG.
        words: in sentences.
        place: module and class, below ``inference_gaps.posteriors``.
        hidden: default width of the hidden layers of its networks.
        least_dim: fewest latent dimensions that it takes.
        conditional: whether its networks see a feature of x, so that q(z|x) is a member of its own local form
            (:mod:`~inference_gaps.posteriors.at_points`).
    """

    name: str
    label: str
    words: str
    place: str
    hidden: int = 200
    least_dim: int = 1
    conditional: bool = False

    @property
    def key(self) -> str:
        """The name in keys and columns, where a hyphen cannot stand."""
        return self.name.replace("-", "_")

    @property
    def module(self) -> str:
        """The module of its class."""
        return f"inference_gaps.posteriors.{self.place.partition('.')[0]}"


# In the order in which tables list them.
_ENTRIES = (
    FamilyEntry("ffg", "FFG", "fully-factorised Gaussian", "gaussian.FullyFactorisedGaussian"),
    FamilyEntry("full-gaussian", "FCG", "Gaussian with a full covariance", "full_gaussian.FullGaussian"),
    FamilyEntry(
        "coupling", "CF", "coupling flow on z alone", "coupling_flow.CouplingFlow", 50, 2, conditional=True
    ),
    FamilyEntry(
        "hamiltonian",
        "HF",
        "auxiliary flow along the gradient of log p(x, z)",
        "hamiltonian_flow.HamiltonianFlow",
        conditional=True,
    ),
    FamilyEntry("af", "AF", "auxiliary flow", "auxiliary_flow.AuxiliaryFlow", conditional=True),
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
