"""Which models a table compares, and what was evaluated on each."""

from typing import Annotated, Literal

from pydantic import Field

from inference_gaps.specs.base import Count, Name, Spec
from inference_gaps.specs.data import Binarisation, Split
from inference_gaps.specs.families import Family

__all__ = ["AisStart", "Family", "TableRowSpec", "TableSpec"]

AisStart = Literal["prior", "local-ffg"]


class TableRowSpec(Spec):
    """One trained model (one seed) on one split.

    ``label`` is what tables and figures call the model. ``epoch``: after how many epochs of its training; null is
    the end. ``generator`` names the model whose generator this one was given: what does not depend on q(z|x), which
    is q*, AIS and BDMC, was evaluated there. ``dataset`` is the data set of the paper; ``dataset_title`` and
    ``dataset_note`` say which copy of it was used. ``local`` lists the families whose q* was evaluated, ``ais``
    where chains started.
    """

    model: Name
    label: str = ""
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
    preset: Name
    published: Count | None = None
    rows: Annotated[list[TableRowSpec], Field(min_length=1)]
