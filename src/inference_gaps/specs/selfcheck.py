"""What the self-check of the estimators covers."""

from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from pydantic import Field

from inference_gaps.specs.base import Name, Spec
from inference_gaps.specs.families import FAMILIES
from inference_gaps.specs.table import TableRowSpec

__all__ = ["Estimator", "SelfcheckRowSpec", "SelfcheckSpec"]

if TYPE_CHECKING:
    Estimator: TypeAlias = str
else:
    _LOCAL = tuple(f"iwae_local_{entry.key}" for entry in FAMILIES.values())
    Estimator = Literal[("iwae_amortized", *_LOCAL, "ais_prior", "ais_local_ffg")]


class SelfcheckRowSpec(TableRowSpec):
    """One model with known answers; ``reaches`` are the estimators that must hit its log p(x).

    The others must only stay below it.
    """

    reaches: list[Estimator]


class SelfcheckSpec(Spec):
    """Every estimate of some models beside its exact answer."""

    title: str
    preset: Name
    rows: Annotated[list[SelfcheckRowSpec], Field(min_length=1)]
