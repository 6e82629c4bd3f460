"""Which models a table compares, and what was evaluated on each."""

from typing import Annotated

from pydantic import Field

from inference_gaps.posteriors.registry import Family
from inference_gaps.specs.base import Count, Name, Spec
from inference_gaps.specs.data import Binarisation, Split

__all__ = ["Family", "TableRowSpec", "TableSpec"]


class TableRowSpec(Spec):
    """One trained model (one seed) on one split.

    ``dataset`` is the data set of the paper; ``dataset_title`` and ``dataset_note`` say which copy of it was
    used. ``local`` lists the families that q* was optimised in; AIS from q* exists where it holds ``ffg``.
    """

    model: Name
    seed: Annotated[int, Field(ge=0, lt=2**31)]
    split: Split = "train"
    dataset: str
    dataset_title: str
    dataset_note: str = ""
    binarisation: Binarisation
    trained_with: Family
    local: list[Family] = ["ffg", "af"]


class TableSpec(Spec):
    """A table of bounds and gaps; ``published`` is the number of the paper's table that it answers."""

    experiment: Name
    title: str
    preset: Name
    published: Count | None = None
    rows: Annotated[list[TableRowSpec], Field(min_length=1)]
