"""From the claims and the chosen experiments to what is judged: which models stand for each term."""

from collections.abc import Iterable, Mapping

from inference_gaps.replication.config.files import (
    ClaimSettings,
    EffectSettings,
    StatisticSettings,
    TermSettings,
)
from inference_gaps.replication.config.loading import Configuration
from inference_gaps.replication.config.resolution import evaluated_in
from inference_gaps.replication.specs.claims import (
    ClaimSpec,
    ClaimsSpec,
    EffectSpec,
    FormerRuleSpec,
    JudgedDatasetSpec,
    StatisticSpec,
    TermSpec,
)
from inference_gaps.replication.specs.tables import TableRowSpec
from inference_gaps.replication.study.rows import experiment_rows

__all__ = ["claims_spec"]


def claims_spec(configuration: Configuration, preset: str) -> ClaimsSpec:
    """Return what ``judge-claims`` is asked to do in a preset of this name."""
    return _Resolution(configuration).spec(preset)


def _former(claim: ClaimSettings) -> FormerRuleSpec | None:
    if claim.former is None:
        return None
    return FormerRuleSpec(words=" ".join(claim.former.words.split()), statistics=claim.former.statistics)


class _Resolution:
    """Collects the rows that terms need on the way."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._rows: dict[str, list[TableRowSpec]] = {}
        experiments = configuration.experiments
        # Models that the preset leaves out come last.
        shown = [model for each in experiments.experiments.values() for model in each.models] + [
            *experiments.models
        ]
        self._order = list(dict.fromkeys(experiments.models[model].dataset for model in shown))

    def _in_order(self, datasets: Iterable[str]) -> list[str]:
        """Return data sets as tables show them: the order of keys in a file means nothing."""
        known = [name for name in self._order if name in set(datasets)]
        return known + sorted(set(datasets) - set(known))

    def spec(self, preset: str) -> ClaimsSpec:
        """Return the whole specification."""
        settings = self._configuration.claims
        # C10 comes after C9.
        names = sorted(settings.claims, key=lambda name: (len(name), name))
        claims = [self._claim(name, settings.claims[name]) for name in names]
        numbers = sorted(settings.effects, key=lambda name: (len(name), name))
        effects = [self._effect(name, settings.effects[name]) for name in numbers]
        return ClaimsSpec(
            preset=preset,
            caveat=self._caveat(),
            level=settings.level,
            factor=settings.factor,
            seeds_agree=settings.seeds_agree,
            datasets=self._datasets(claims),
            claims=claims,
            effects=effects,
            rows=self._rows,
        )

    def _claim(self, name: str, claim: ClaimSettings) -> ClaimSpec:
        return ClaimSpec(
            id=name,
            title=claim.title,
            claim=" ".join(claim.claim.split()),
            where=claim.where,
            why=" ".join(claim.why.split()),
            combine=claim.combine,
            former=_former(claim),
            statistics=self._statistics(claim, claim.threshold),
        )

    def _effect(self, name: str, effect: EffectSettings) -> EffectSpec:
        return EffectSpec(id=name, statistics=self._statistics(effect, {}))

    def _statistics(
        self, settings: ClaimSettings | EffectSettings, thresholds: Mapping[str, float]
    ) -> list[StatisticSpec]:
        return [
            self._statistic(settings.experiments, statistic, dataset, thresholds.get(dataset))
            for statistic in settings.statistics
            for dataset in self._in_order(statistic.models)
        ]

    def _statistic(
        self, experiments: list[str], statistic: StatisticSettings, dataset: str, threshold: float | None
    ) -> StatisticSpec:
        models = statistic.models[dataset]
        missing = [
            why for term in statistic.terms for why in self._missing(experiments, term, models[term.of])
        ]
        terms = (
            [] if missing else [self._term(experiments, term, models[term.of]) for term in statistic.terms]
        )
        return StatisticSpec(
            name=statistic.name,
            dataset=dataset,
            comparison=statistic.comparison,
            threshold=threshold,
            judged=statistic.judged and threshold is not None,
            terms=terms,
            not_run=missing[0] if missing else "",
        )

    def _experiment(self, experiments: list[str], term: TermSettings, model: str) -> str | None:
        chosen = self._configuration.chosen_experiments
        there = [each for each in experiments if each in chosen]
        return evaluated_in(self._configuration.experiments, there, model, term.split)

    def _missing(self, experiments: list[str], term: TermSettings, model: str) -> list[str]:
        """Say why a term cannot be had; an empty list if it can."""
        if self._experiment(experiments, term, model):
            if (
                term.checkpoint == "after-warm-up"
                and self._configuration.checkpoint_after_warm_up(model) is None
            ):
                return [f"{model} has no checkpoint after its warm-up"]
            return []
        if model in self._configuration.preset.without:
            return [f"{model} is left out"]
        known = self._configuration.experiments
        elsewhere = evaluated_in(known, experiments, model, term.split)
        if elsewhere:
            return [f"experiment {elsewhere} was not chosen for this run"]
        planned = [each for each in experiments if each not in known.experiments]
        return [f"experiment {planned[0]} does not exist yet"]

    def _term(self, experiments: list[str], term: TermSettings, model: str) -> TermSpec:
        experiment = self._experiment(experiments, term, model)
        assert experiment is not None
        settings = self._configuration.experiments.experiments[experiment]
        of_model = [
            row
            for row in experiment_rows(self._configuration, experiment)
            if (row.model, row.split) == (model, term.split)
        ]
        epoch = None
        if term.checkpoint == "first":
            epoch = min(row.epoch for row in of_model if row.epoch is not None)
        elif term.checkpoint == "after-warm-up":
            epoch = self._configuration.checkpoint_after_warm_up(model)
        rows = self._rows.setdefault(experiment, [])
        rows += [row for row in of_model if row.epoch == epoch and row not in rows]
        return TermSpec(
            quantity=term.quantity,
            times=term.times,
            experiment=experiment,
            model=model,
            split=term.split,
            epoch=epoch,
            # The paper's tables are of training points.
            published=settings.published if term.split == "train" else None,
        )

    def _title(self, dataset: str) -> str:
        return self._configuration.datasets[self._configuration.preset.datasets[dataset].copied_as].title

    def _datasets(self, claims: list[ClaimSpec]) -> list[JudgedDatasetSpec]:
        used = {statistic.dataset for claim in claims for statistic in claim.statistics}
        known = self._configuration.preset.datasets
        return [
            JudgedDatasetSpec(name=name, title=self._title(name) if name in known else name)
            for name in self._in_order(used)
        ]

    def _caveat(self) -> str:
        """Say what hangs over all verdicts: that the data are the small copies that ship with the project."""
        rows = [row for of_experiment in self._rows.values() for row in of_experiment]
        embedded = [
            self._title(name)
            for name in dict.fromkeys(row.dataset for row in rows)
            if self._configuration.datasets[self._configuration.preset.datasets[name].copied_as].embedded
        ]
        if not embedded:
            return ""
        return (
            f"On small embedded data ({', '.join(embedded)}), which replicate nothing: these verdicts show how the "
            f"rules work."
        )
