"""Which models a table compares, what was evaluated on each, and which of them have known answers."""

from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from pydantic import Field

from inference_gaps.replication.specs.data import Binarisation
from inference_gaps.specs.base import Count, Name, Spec
from inference_gaps.specs.bounds import AisStart, Split
from inference_gaps.specs.families import FAMILIES, Family

__all__ = ["Estimator", "PresetName", "SelfcheckRowSpec", "SelfcheckSpec", "TableRowSpec", "TableSpec"]

PresetName = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9._-]{0,98}[a-z0-9_-])?$")]
"""The name of a file and of folders; no two that some file systems take for one."""

if TYPE_CHECKING:
    Estimator: TypeAlias = str
else:
    _LOCAL = tuple(f"iwae_local_{entry.key}" for entry in FAMILIES.values())
    Estimator = Literal[("iwae_amortized", *_LOCAL, "ais_prior", "ais_local_ffg")]


class TableRowSpec(Spec):
    """One trained model (one seed) on one split.

    ``label`` is what tables and figures call the model. ``epoch``: after how many epochs of its training; null is
    the end. ``generator`` names the model whose generator this one was given: what does not depend on q(z|x), which
    is q*, AIS and BDMC, was evaluated there. ``dataset`` is the data set of the paper; ``dataset_title`` and
    ``dataset_note`` say which copy of it was used. ``local`` lists the families whose q* was evaluated, ``ais``
    where chains started. ``reproduced_as``: what ``reproductions.csv`` calls the model, where others have it too.
    """

    model: Name
    label: str = ""
    reproduced_as: str = ""
    seed: Annotated[int, Field(ge=0, lt=2**31)]
    epoch: Annotated[int, Field(ge=1, lt=2**31)] | None = None
    generator: Name | None = None
    split: Split = "train"
    dataset: str
    dataset_title: str
    dataset_note: str = ""
    binarisation: Binarisation
    trained_with: Family
    local: list[Family] = ["ffg", "af"]
    ais: list[AisStart] = ["prior", "local-ffg"]
    active_units: bool = False

    @property
    def owner(self) -> tuple[str, int | None]:
        """The model whose q*, AIS and BDMC are those of this row, and after how many epochs of its training."""
        return (self.generator, None) if self.generator else (self.model, self.epoch)


class TableSpec(Spec):
    """A table of bounds and gaps; ``published`` is the number of the paper's table that it answers.

    ``about`` says what the experiment is for.
    """

    experiment: Name
    title: str
    about: str = ""
    preset: PresetName
    published: Count | None = None
    rows: Annotated[list[TableRowSpec], Field(min_length=1)]


class SelfcheckRowSpec(TableRowSpec):
    """One model with known answers; ``reaches`` are the estimators that must hit its log p(x).

    The others must only stay below it.
    """

    reaches: list[Estimator]


class SelfcheckSpec(Spec):
    """Every estimate of some models beside its exact answer."""

    title: str
    preset: PresetName
    rows: Annotated[list[SelfcheckRowSpec], Field(min_length=1)]
