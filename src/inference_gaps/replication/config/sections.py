"""The parts of specifications that a preset may set, with every key optional.

A section takes its keys, types and ranges from the specification of its stage, so that each is written once.
Only keys that are given count; the others keep the value of the layer below (see ``resolution``).
"""

import copy
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic import Field, create_model

from inference_gaps.replication.specs.models import UnitsSpec
from inference_gaps.specs.base import Spec
from inference_gaps.specs.bounds import (
    AisSpec,
    ConvergenceSpec,
    IwaeSpec,
    LocalSpec,
    PointsSpec,
    ProceduresSpec,
)
from inference_gaps.specs.families import FAMILIES
from inference_gaps.specs.train import TrainSpec

__all__ = [
    "AisSection",
    "AisSections",
    "ConvergenceSection",
    "IwaeSection",
    "LocalSection",
    "LocalSections",
    "ProceduresSection",
    "TrainSection",
    "UnitsSection",
]


def _without_default(schema: dict[str, Any]) -> None:
    del schema["default"]


def _section(name: str, spec: type[Spec], omitted: set[str]) -> type[Spec]:
    fields: dict[str, Any] = {}
    for key, field in spec.model_fields.items():
        if key not in omitted:
            optional = copy.copy(field)
            optional.default = None
            optional.json_schema_extra = _without_default
            fields[key] = (field.annotation, optional)
    return create_model(name, __base__=Spec, **fields)


if TYPE_CHECKING:
    TrainSection: TypeAlias = Spec
    IwaeSection: TypeAlias = Spec
    AisSection: TypeAlias = Spec
    LocalSection: TypeAlias = Spec
    ConvergenceSection: TypeAlias = Spec
    ProceduresSection: TypeAlias = Spec
    UnitsSection: TypeAlias = Spec
else:
    _OF_THE_MODEL = {"architecture", "posterior", "seed", "checkpoints", "frozen_generator"}
    _POINTS = set(PointsSpec.model_fields)
    TrainSection = _section("TrainSection", TrainSpec, _OF_THE_MODEL)
    IwaeSection = _section("IwaeSection", IwaeSpec, _POINTS)
    AisSection = _section("AisSection", AisSpec, _POINTS | {"start"})
    LocalSection = _section("LocalSection", LocalSpec, _POINTS | {"family"})
    ConvergenceSection = _section("ConvergenceSection", ConvergenceSpec, {"split", "seed"})
    ProceduresSection = _section("ProceduresSection", ProceduresSpec, {"split", "seed"})
    UnitsSection = _section("UnitsSection", UnitsSpec, {"split", "seed"})


class AisSections(Spec):
    """Annealed importance sampling by where its chains start: from the prior, or from q*_FFG."""

    prior: AisSection = AisSection()
    local_ffg: AisSection = Field(default=AisSection(), alias="local-ffg")


if TYPE_CHECKING:
    LocalSections: TypeAlias = Spec
else:
    LocalSections = create_model(
        "LocalSections",
        __base__=Spec,
        __doc__="Local optimisation by family.",
        **{
            entry.key: (LocalSection, Field(default=LocalSection(), alias=entry.name))
            for entry in FAMILIES.values()
        },
    )
