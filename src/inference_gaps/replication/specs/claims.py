"""Which claims are judged, by which statistics of which models."""

from typing import Annotated, Literal

from pydantic import Field

from inference_gaps.replication.specs.data import Part
from inference_gaps.replication.specs.tables import TableRowSpec
from inference_gaps.specs.base import Spec

__all__ = [
    "ClaimQuantity",
    "ClaimSpec",
    "ClaimsSpec",
    "Combination",
    "Comparison",
    "EffectSpec",
    "Factor",
    "FormerRuleSpec",
    "JudgedDatasetSpec",
    "Level",
    "Share",
    "StatisticSpec",
    "TermSpec",
    "Threshold",
    "Times",
]

# Quantities of summary.gaps and of BDMC; gaps are those of the family that the model was trained with.
ClaimQuantity = Literal[
    "log_p_best",
    "log_p_paper",
    "approximation_gap",
    "amortization_gap",
    "inference_gap",
    "approximation_gap_paper",
    "inference_gap_paper",
    "amortization_minus_approximation",
    "elbo_amortized",
    "elbo_local_ffg",
    "elbo_local_af",
    "iwae_amortized",
    "iwae_local_ffg",
    "iwae_local_af",
    "ais_prior",
    "ais_local_ffg",
    "bdmc_prior",
    "bdmc_local_ffg",
]
Comparison = Literal["positive", "negative", "decreasing", "below"]
Combination = Literal["all", "most"]
Times = Annotated[float, Field(ge=-10, le=10)]
Threshold = Annotated[float, Field(gt=0, description="Nats.")]
Factor = Annotated[float, Field(ge=1, le=100)]
Share = Annotated[float, Field(gt=0, le=1)]
Level = Annotated[float, Field(gt=0, lt=1)]


class TermSpec(Spec):
    """A quantity of a model, times a number.

    ``epoch``: after how many epochs of its training; null is the end. ``published`` is the table of the paper that
    has the quantity.
    """

    quantity: ClaimQuantity
    times: Times = 1.0
    experiment: str
    model: str
    split: Part
    epoch: Annotated[int, Field(ge=1)] | None = None
    published: Annotated[int, Field(ge=1)] | None = None


class StatisticSpec(Spec):
    """A sum of terms on one data set, and what it is compared with.

    Attributes:
        name: what it is, in words.
        dataset: data set of the paper.
        comparison: ``positive`` or ``negative``: on this side of zero; ``decreasing``: the terms, in this order;
            ``below``: less than ``threshold``.
        threshold: in nats; the smallest effect that counts where no published one is known, or for ``below`` the
            limit. What is not judged needs none.
        judged: whether it decides, or is only shown beside the others.
        terms: empty where the statistic cannot be had in this run.
        not_run: why, in that case.
    """

    name: str
    dataset: str
    comparison: Comparison
    threshold: Threshold | None = None
    judged: bool
    terms: list[TermSpec]
    not_run: str = ""


class FormerRuleSpec(Spec):
    """A rule that was changed: what was changed, and the statistics that decided before."""

    words: str
    statistics: Annotated[list[str], Field(min_length=1)]


class ClaimSpec(Spec):
    """A claim of the paper. ``combine``: whether all of its statistics must hold, or most."""

    id: str
    title: str
    claim: str
    where: str
    why: str
    combine: Combination
    former: FormerRuleSpec | None = None
    statistics: Annotated[list[StatisticSpec], Field(min_length=1)]


class EffectSpec(Spec):
    """What a deviation from the paper changes; ``id`` is its number in ``paper/deviations.yaml``."""

    id: str
    statistics: Annotated[list[StatisticSpec], Field(min_length=1)]


class JudgedDatasetSpec(Spec):
    """A data set of the paper, and how its copy in this run is called."""

    name: str
    title: str


class ClaimsSpec(Spec):
    """Claims, what counts as replicated, and the runs that decide.

    ``caveat``: what has to be said of all verdicts of this run, such as that its data are small copies. ``rows``:
    the models that the terms name, all their seeds, by experiment.
    """

    preset: str
    caveat: str = ""
    level: Level
    factor: Factor
    seeds_agree: Share
    datasets: list[JudgedDatasetSpec]
    claims: Annotated[list[ClaimSpec], Field(min_length=1)]
    effects: list[EffectSpec] = []
    rows: dict[str, list[TableRowSpec]]
