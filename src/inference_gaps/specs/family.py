"""Which posterior family, and the size of its networks."""

from typing import Annotated, Any

from pydantic import Field, model_validator

from inference_gaps.specs.base import Spec
from inference_gaps.specs.families import FAMILIES, Family

__all__ = ["FamilySpec"]


class FamilySpec(Spec):
    """A posterior family of :data:`inference_gaps.specs.families.FAMILIES`.

    ``flow_steps`` and ``flow_hidden`` (which is the family's own where it is not given) count for families with
    networks.
    """

    family: Family = "ffg"
    flow_steps: Annotated[int, Field(ge=1, le=64)] = 2
    flow_hidden: Annotated[
        int,
        Field(
            ge=1,
            le=8192,
            description="Where not given: "
            + ", ".join(f"{entry.hidden} for {entry.name}" for entry in FAMILIES.values())
            + ".",
        ),
    ] = 200

    @model_validator(mode="before")
    @classmethod
    def _own_width(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        family = given.get("family", "ffg")
        entry = FAMILIES.get(family) if isinstance(family, str) else None
        return {"flow_hidden": entry.hidden, **given} if entry else given
