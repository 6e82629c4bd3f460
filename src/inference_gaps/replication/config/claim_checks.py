"""What ``config/claims.yaml`` and the experiments together can tell."""

from collections import Counter
from collections.abc import Iterable

from inference_gaps.replication.config.files import (
    Claims,
    ClaimSettings,
    EffectSettings,
    Experiments,
    ExperimentSettings,
    StatisticSettings,
    TermSettings,
)
from inference_gaps.replication.config.resolution import evaluated_in
from inference_gaps.replication.config.sentences import unknown_name
from inference_gaps.specs.families import FAMILIES

__all__ = ["problems_of_claims"]

_FILE = "config/claims.yaml"
_OF_TRAINED_FAMILY = ("approximation_gap", "amortization", "approximation_gap_paper")


def problems_of_claims(claims: Claims, experiments: Experiments) -> list[str]:
    """Return one sentence for each problem: names that nothing defines, statistics that cannot be had."""
    problems = []
    for name, claim in claims.claims.items():
        place = f"{_FILE}: claims.{name}"
        problems += _statistics_problems(place, claim, claims.planned, experiments)
        names = [statistic.name for statistic in claim.statistics]
        problems += [
            unknown_name(f"{place}.former.statistics", each, f"a statistic of {name}", names)
            for each in (claim.former.statistics if claim.former else [])
            if each not in names
        ]
        datasets = {each for statistic in claim.statistics for each in statistic.models}
        judged = {each for statistic in claim.statistics if statistic.judged for each in statistic.models}
        problems += [
            f"{place}.threshold has no number for {each}, where a statistic is judged; add one."
            for each in sorted(datasets - set(claim.threshold))
        ]
        problems += [
            f"{place} has nothing on {each} that is judged; set judged: true for one statistic there."
            for each in sorted(datasets - judged)
        ]
    for name, effect in claims.effects.items():
        problems += _statistics_problems(f"{_FILE}: effects.{name}", effect, claims.planned, experiments)
    return problems


def _statistics_problems(
    place: str, settings: ClaimSettings | EffectSettings, planned: list[str], experiments: Experiments
) -> list[str]:
    known = [*experiments.experiments, *planned]
    problems = [
        unknown_name(f"{place}.experiments", each, f"in config/experiments.yaml or planned in {_FILE}", known)
        for each in settings.experiments
        if each not in known
    ]
    names = Counter(each.name for each in settings.statistics)
    problems += [
        f"{place}.statistics has two called '{each}'; give each a name of its own."
        for each, count in names.items()
        if count > 1
    ]
    of_models = {model.dataset for model in experiments.models.values()}
    for number, statistic in enumerate(settings.statistics):
        here = f"{place}.statistics[{number}]"
        problems += _shape_problems(here, statistic)
        problems += [
            unknown_name(f"{here}.models", dataset, "a data set of config/experiments.yaml", of_models)
            for dataset in statistic.models
            if dataset not in of_models
        ]
        for dataset in (each for each in statistic.models if each in of_models):
            problems += _dataset_problems(here, settings, statistic, dataset, experiments)
    return problems


def _shape_problems(place: str, statistic: StatisticSettings) -> list[str]:
    problems = []
    quantities = [term.quantity for term in statistic.terms]
    if len(quantities) > 1 and any(each.startswith("bdmc_") for each in quantities):
        problems.append(
            f"{place} adds a bdmc quantity to another; it is of simulated points, so let it be the only term."
        )
    if statistic.comparison == "decreasing" and (
        len(quantities) < 2 or any(term.times != 1 for term in statistic.terms)
    ):
        problems.append(
            f"{place}.comparison is decreasing, which compares each term with the next; write at least two terms, "
            f"without times."
        )
    if statistic.comparison == "decreasing" and len({term.split for term in statistic.terms}) > 1:
        problems.append(
            f"{place}.comparison is decreasing, with terms of several splits; its steps are between the same "
            f"images, so write one split."
        )
    if any(term.times == 0 for term in statistic.terms):
        problems.append(f"{place} has a term with times 0; leave the term out.")
    return problems


def _dataset_problems(
    place: str,
    claim: ClaimSettings | EffectSettings,
    statistic: StatisticSettings,
    dataset: str,
    experiments: Experiments,
) -> list[str]:
    parts = statistic.models[dataset]
    here = f"{place}.models.{dataset}"
    problems = [
        unknown_name(f"{place}.terms", part, f"a part of models.{dataset}", parts)
        for part in dict.fromkeys(term.of for term in statistic.terms)
        if part not in parts
    ]
    there = [name for name in claim.experiments if name in experiments.experiments]
    all_there = len(there) == len(claim.experiments)
    for term in statistic.terms:
        model = parts.get(term.of)
        if model is None:
            continue
        experiment = evaluated_in(experiments, there, model, term.split)
        if experiment:
            settings = experiments.experiments[experiment]
            problems += _evaluated_problems(here, model, term, dataset, experiments, settings)
        elif all_there:
            problems.append(
                f"{here} names {model}, but none of the experiments {', '.join(claim.experiments)} evaluates it on "
                f"{term.split}; add it to one of them, or name the experiment that does."
            )
    of_models = [experiments.models[model] for model in parts.values() if model in experiments.models]
    # An effect may be just that.
    if isinstance(claim, ClaimSettings) and len({model.binarisation for model in of_models}) > 1:
        problems.append(
            f"{here} compares models of data that are binarised differently; they share no data points."
        )
    return list(dict.fromkeys(problems))


def _evaluated_problems(
    place: str,
    model: str,
    term: TermSettings,
    dataset: str,
    experiments: Experiments,
    settings: ExperimentSettings,
) -> Iterable[str]:
    """Yield what is wrong with a term whose model is there."""
    known = experiments.models.get(model)
    if known is None:
        return
    if known.dataset != dataset:
        yield f"{place} names {model}, which is a model of {known.dataset}; name one of {dataset}."
    if term.checkpoint and not settings.at_checkpoints:
        yield f"{place}: {model} is not evaluated at checkpoints of its training; leave checkpoint out."
    kind, _, of = term.quantity.partition("_")
    if kind in ("ais", "bdmc"):
        start = of.replace("_", "-")
        if start not in settings.ais:
            yield (
                f"{place}: {term.quantity} of {model} needs AIS from {start}, which its experiment does not run; "
                f"add it to ais there."
            )
        return
    key = term.quantity.rpartition("_local_")[2] if "_local_" in term.quantity else None
    if term.quantity.startswith(_OF_TRAINED_FAMILY):
        key = FAMILIES[known.posterior.family].key
    optimised = [FAMILIES[name].key for name in settings.families(known.posterior.family)]
    if key and key not in optimised:
        yield (
            f"{place}: {term.quantity} of {model} needs q* of {key.replace('_', '-')}, which its experiment does "
            f"not optimise; add it to local there."
        )
