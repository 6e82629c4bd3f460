"""The shape of each configuration file."""

from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from inference_gaps.replication.config.sections import (
    AisSections,
    ConvergenceSection,
    IwaeSection,
    LocalSections,
    ProceduresSection,
    TrainSection,
    UnitsSection,
)
from inference_gaps.replication.specs.claims import (
    ClaimQuantity,
    Combination,
    Comparison,
    Factor,
    Level,
    Share,
    Threshold,
    Times,
)
from inference_gaps.replication.specs.data import Binarisation, DatasetSpec, Part
from inference_gaps.replication.specs.tables import Estimator, PresetName
from inference_gaps.specs.base import Count, Name, Spec
from inference_gaps.specs.bounds import AisStart
from inference_gaps.specs.families import FAMILIES, Family
from inference_gaps.specs.train import ArchitectureSpec, Epochs, PosteriorSpec

__all__ = [
    "CheckedModel",
    "ClaimSettings",
    "Claims",
    "ConvergenceSettings",
    "Datasets",
    "EffectSettings",
    "ExperimentSettings",
    "Experiments",
    "ModelSettings",
    "PosteriorsSettings",
    "Preset",
    "PresetDataset",
    "ProceduresSettings",
    "ProtocolSettings",
    "SelfcheckSettings",
    "StatisticSettings",
    "TermSettings",
    "UserSettings",
]

# An interval needs two.
_Points = Annotated[int, Field(ge=2, lt=2**31)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]


def _all_or_names(value: Any) -> Any:
    if value == "all" or (isinstance(value, list) and value and all(isinstance(name, str) for name in value)):
        return value
    raise PydanticCustomError("all_or_names", "must be the word all or a list of names")


AllOrNames = Annotated[
    Literal["all"] | list[str],
    PlainValidator(_all_or_names),
    WithJsonSchema(
        {"anyOf": [{"const": "all"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
    ),
]


class UserSettings(Spec):
    """``config/config.yaml``: what a user edits."""

    preset: Annotated[PresetName, Field(description="A file of config/presets, without .yaml.")]
    experiments: Annotated[AllOrNames, Field(description="Names of config/experiments.yaml, or all.")]
    data_folder: Annotated[str, Field(min_length=1)] | None = Field(
        description="Folder with one sub-folder per data set; null: download."
    )
    copies: dict[Name, Name] = Field(
        default={},
        description="Data sets of config/datasets.yaml instead of the preset's copies, by data set.",
    )
    device: Annotated[Literal["auto", "cpu", "cuda"], Field(description="Where PyTorch computes.")]
    threads: Annotated[int, Field(ge=1, le=1024, description="Threads of each job.")]
    longest_job_hours: Annotated[int, Field(ge=1, lt=2**31)] | None = Field(
        default=None, description="On a cluster: the longest time that a job asks for; null: any."
    )
    store_gigabytes: Annotated[
        float, Field(ge=0, description="How much is kept of what other settings made, in results/.store.")
    ] = 20.0


class _Amounts(Spec):
    training: TrainSection = TrainSection()
    iwae: IwaeSection = IwaeSection()
    ais: AisSections = AisSections()
    local: LocalSections = LocalSections()
    convergence: ConvergenceSection = ConvergenceSection()
    procedures: ProceduresSection = ProceduresSection()
    units: UnitsSection = UnitsSection()


class PresetDataset(_Amounts):
    """The copy that stands for a data set of the paper, and what is done differently on it."""

    copied_as: Annotated[str, Field(alias="copy", description="A data set of config/datasets.yaml.")]
    points: _Points | None = None
    simulated_points: _Points | None = None


class ExperimentBudget(Spec):
    """What one experiment gets instead of what all get; ``run: false`` leaves it out of ``experiments: all``."""

    seeds: Annotated[list[Seed], Field(min_length=1)] | None = None
    run: bool = True


class ProtocolSettings(Spec):
    """What a preset does differently for the models that name this protocol."""

    training: TrainSection = TrainSection()
    local: LocalSections = LocalSections()


class Preset(_Amounts):
    """``config/presets/*.yaml``: how much work each stage gets."""

    description: str
    seeds: Annotated[list[Seed], Field(min_length=1)]
    points: _Points
    simulated_points: Annotated[_Points, Field(description="Points simulated from each model, for BDMC.")] = (
        16
    )
    checkpoints: Annotated[
        Epochs, Field(description="Epochs whose weights are kept where an experiment is evaluated at them.")
    ] = []
    datasets: Annotated[dict[Name, PresetDataset], Field(min_length=1)]
    protocols: Annotated[
        dict[Name, ProtocolSettings],
        Field(description="For models that name one; other presets may lack it."),
    ] = {}
    experiments: dict[Name, ExperimentBudget] = {}
    without: Annotated[
        list[Name],
        Field(description="Models that this preset leaves out; experiments and claims do without them."),
    ] = []
    beside: Annotated[
        PresetName | None,
        Field(
            description="A preset whose finished run the report shows of the claims that this one leaves out."
        ),
    ] = None

    def seeds_of(self, experiment: str) -> list[int]:
        """Return the training seeds of an experiment."""
        own = self.experiments.get(experiment, ExperimentBudget())
        return list(own.seeds or self.seeds)


class ModelSettings(Spec):
    """A model of the paper: data, networks, posterior family, and training keys that no preset changes.

    ``label`` is what tables and figures call it. ``protocol``: how presets that have one of this name train it.
    ``generator_of``: another model, whose generator it has; only its recognition network is trained.
    ``reproduced_as``: what ``paper/reproductions.csv`` calls it, where another reproduction has it.
    """

    label: Annotated[str, Field(max_length=40)] = ""
    reproduced_as: str = ""
    dataset: Name
    binarisation: Binarisation
    architecture: ArchitectureSpec
    posterior: PosteriorSpec
    protocol: Name | None = None
    generator_of: Name | None = None
    training: TrainSection = TrainSection()


if TYPE_CHECKING:
    FamilyOrTrained: TypeAlias = str
else:
    FamilyOrTrained = Literal[(*FAMILIES, "trained")]


class ExperimentSettings(Spec):
    """Models, what is evaluated on them, and the table of the paper that this answers.

    ``about`` says what the experiment is for. ``local``: families whose q* is evaluated, or ``trained``, the one
    that each model was trained with. ``ais``: where the chains of AIS start, on the points of the splits and for
    BDMC. ``at_checkpoints``: also at the checkpoints of the preset, before the end of the training.
    """

    title: str
    about: str = ""
    models: Annotated[list[str], Field(min_length=1)]
    splits: Annotated[list[Part], Field(min_length=1)]
    local: list[FamilyOrTrained]
    ais: list[AisStart] = ["prior", "local-ffg"]
    active_units: bool = False
    at_checkpoints: bool = False
    published: Count | None = None

    def families(self, trained_with: Family) -> list[Family]:
        """Return the families whose q* is evaluated of a model trained with ``trained_with``."""
        return list(dict.fromkeys(trained_with if name == "trained" else name for name in self.local))


class CheckedModel(Spec):
    """A model with known answers: the families of its q*, and the estimators that must reach its log p(x)."""

    local: list[Family]
    reaches: list[Estimator]


class SelfcheckSettings(Spec):
    """Models whose exact answers the estimators must hit, and the amount of work, the same in every preset."""

    title: str
    models: Annotated[dict[Name, CheckedModel], Field(min_length=1)]
    budget: Preset


class ConvergenceSettings(Spec):
    """Models on which the estimators of log p(x) are compared at growing cost."""

    models: Annotated[list[str], Field(min_length=1)]
    split: Part = "train"


class ProceduresSettings(Spec):
    """Models on which the authors' procedure of local optimisation is compared with ours."""

    models: Annotated[list[str], Field(min_length=1)]
    split: Part = "train"


class PosteriorsSettings(Spec):
    """A model of two latent dimensions whose posteriors are drawn, of how many images, beside q* of which families.

    The family that it is trained with has to be among them.
    """

    model: str
    split: Part = "train"
    images: Annotated[int, Field(ge=1, le=8)] = 4
    local: Annotated[list[Family], Field(min_length=1)] = ["ffg", "af"]


class Experiments(Spec):
    """``config/experiments.yaml``: what the paper does, and how its estimators are checked."""

    models: Annotated[dict[Name, ModelSettings], Field(min_length=1)]
    experiments: Annotated[dict[Name, ExperimentSettings], Field(min_length=1)]
    selfcheck: SelfcheckSettings | None = None
    convergence: ConvergenceSettings | None = None
    procedures: ProceduresSettings | None = None
    posteriors: PosteriorsSettings | None = None


class Datasets(Spec):
    """``config/datasets.yaml``: every data set by name."""

    datasets: Annotated[dict[Name, DatasetSpec], Field(min_length=1)]


class TermSettings(Spec):
    """A quantity of one of the models of a statistic, named by its part in it, times a number."""

    quantity: ClaimQuantity
    of: Annotated[Name, Field(description="A key of models, below.")]
    times: Times = 1.0
    split: Part = "train"
    checkpoint: Annotated[
        Literal["first", "after-warm-up", "last"] | None,
        Field(
            description="Which of the checkpoints of a training; after-warm-up is the first of them there."
        ),
    ] = None


class StatisticSettings(Spec):
    """A sum of terms, and the models that take each part in it on each data set."""

    name: str
    comparison: Comparison
    terms: Annotated[list[TermSettings], Field(min_length=1)]
    models: Annotated[dict[Name, dict[Name, Name]], Field(min_length=1)]
    judged: bool = True


class FormerRule(Spec):
    """How a claim was judged before its rule was changed: by these statistics; what was changed, when and why."""

    words: str
    statistics: Annotated[list[str], Field(min_length=1)]


class ClaimSettings(Spec):
    """A claim of the paper, and what decides it.

    ``experiments``: where its models are evaluated; a model counts as the first of them that has it does.
    ``threshold``: by data set, the smallest effect that counts, or the limit of what must stay below; ``why`` says
    why. ``combine``: whether all statistics and data sets must hold, or most.
    """

    title: Annotated[str, Field(max_length=60, description="A line of the table on page one.")]
    claim: str
    where: str
    experiments: Annotated[list[Name], Field(min_length=1)]
    combine: Combination
    threshold: dict[Name, Threshold]
    why: str
    former: FormerRule | None = None
    statistics: Annotated[list[StatisticSettings], Field(min_length=1)]


class EffectSettings(Spec):
    """What a deviation from the paper changes: sums of terms, measured as for a claim, that nothing judges."""

    experiments: Annotated[list[Name], Field(min_length=1)]
    statistics: Annotated[list[StatisticSettings], Field(min_length=1)]


class Claims(Spec):
    """``config/claims.yaml``: what the paper claims, and what counts as replicated."""

    level: Annotated[Level, Field(description="Coverage of intervals.")]
    factor: Annotated[Factor, Field(description="How far from the published effect, either way.")]
    seeds_agree: Annotated[Share, Field(description="Least share of the seeds on the side of the mean.")]
    planned: list[Name] = Field(
        default=[], description="Experiments that claims name and config/experiments.yaml does not have yet."
    )
    claims: Annotated[dict[str, ClaimSettings], Field(description="None ({}): nothing is judged.")]
    effects: Annotated[
        dict[str, EffectSettings], Field(description="By number in paper/deviations.yaml.")
    ] = {}
