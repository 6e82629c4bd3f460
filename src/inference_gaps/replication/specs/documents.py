"""What each figure draws, what the report covers, and what a notebook reads."""

from typing import Annotated

from pydantic import Field

from inference_gaps.replication.specs.tables import PresetName, TableSpec
from inference_gaps.specs.base import Count, Name, Spec
from inference_gaps.specs.bounds import Split
from inference_gaps.specs.families import Family

__all__ = [
    "ComparedModelSpec",
    "ConvergenceFigureSpec",
    "ConvergenceModelSpec",
    "GapsFigureSpec",
    "ModelSpec",
    "NotebookSpec",
    "PosteriorsFigureSpec",
    "ReportSpec",
    "SamplesFigureSpec",
    "SchematicFigureSpec",
    "TrainingFigureSpec",
]

_BELOW_RESULTS = r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*(/[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*)*$"


class GapsFigureSpec(Spec):
    """The gaps of one experiment, beside table ``published`` of the paper if there is one.

    ``epochs``: how many its models are trained for, where they are evaluated at checkpoints of that.
    ``reproduced``: what ``reproductions.csv`` calls those of its models that others have trained too.
    """

    experiment: Name
    preset: PresetName
    published: Count | None = None
    epochs: Count | None = None
    reproduced: dict[Name, str] = {}


class SchematicFigureSpec(Spec):
    """The gaps of one experiment as ladders between bounds, one per model."""

    experiment: Name
    preset: PresetName


class ModelSpec(Spec):
    """A trained model and how figures name it."""

    model: Name
    label: str = ""
    seed: Annotated[int, Field(ge=0, lt=2**31)]
    dataset_title: str
    trained_with: Family


class TrainingFigureSpec(Spec):
    """Training curves, one panel per model, all its seeds in it."""

    preset: PresetName
    models: Annotated[list[ModelSpec], Field(min_length=1)]


class SamplesFigureSpec(Spec):
    """Images, reconstructions and samples from the prior, one panel per model."""

    preset: PresetName
    models: Annotated[list[ModelSpec], Field(min_length=1)]


class ComparedModelSpec(ModelSpec):
    """A model on which estimators, or ways to optimise, were compared at points of ``split``."""

    split: Split = "train"


class ConvergenceModelSpec(ComparedModelSpec):
    """A model on which estimators were compared; ``exact`` where its log p(x) is known."""

    exact: bool


class ConvergenceFigureSpec(Spec):
    """What is left to log p(x) against the cost of each estimator, one panel per model."""

    preset: PresetName
    models: Annotated[list[ConvergenceModelSpec], Field(min_length=1)]


class PosteriorsFigureSpec(Spec):
    """Posteriors over the plane of two latent dimensions, one row per image; of one model."""

    preset: PresetName
    model: ModelSpec
    split: Split = "train"


class ReportSpec(Spec):
    """The tables and figures of one preset.

    ``tables`` are the specifications that the tables were made from; models, data and budgets are read from
    what they made. ``figures`` are names as in ``figures/<preset>/<name>.pdf``: ``gaps-<experiment>``,
    ``training``, ``samples``, ``convergence``. ``selfcheck``: whether there is a table of the self-check.
    ``claims``: whether there are verdicts on the claims of the paper. ``procedures``: models on which the authors'
    local optimisation was compared with ours. ``beside``: a preset whose run is shown of the claims that this one
    has not run.
    """

    preset: PresetName
    description: str
    tables: list[TableSpec]
    figures: list[Name] = []
    selfcheck: bool = False
    claims: bool = False
    procedures: list[ComparedModelSpec] = []
    beside: PresetName | None = None


class NotebookSpec(Spec):
    """The preset whose results a notebook reads, and which of them: paths below ``results/<preset>``."""

    preset: PresetName
    reads: list[Annotated[str, Field(pattern=_BELOW_RESULTS)]] = []
