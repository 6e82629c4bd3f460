"""From the claims and the chosen experiments to what is judged: which models stand for each term."""

from collections.abc import Callable, Iterable

from inference_gaps.config.files import ClaimSettings, StatisticSettings, TermSettings
from inference_gaps.config.loading import Configuration
from inference_gaps.config.resolution import evaluated_in
from inference_gaps.specs.claims import ClaimSpec, ClaimsSpec, JudgedDatasetSpec, StatisticSpec, TermSpec
from inference_gaps.specs.data import Split
from inference_gaps.specs.table import Family, TableRowSpec

__all__ = ["claims_spec"]

MakeRow = Callable[[str, int, Split, list[Family]], TableRowSpec]


def claims_spec(configuration: Configuration, preset: str, make_row: MakeRow) -> ClaimsSpec:
    """Return what ``judge-claims`` is asked to do.

    Args:
        configuration: what the study is asked to do.
        preset: its name.
        make_row: from model, seed, split and local families to a row.
    """
    return _Resolution(configuration, make_row).spec(preset)


class _Resolution:
    """Collects the rows that terms need on the way."""

    def __init__(self, configuration: Configuration, make_row: MakeRow) -> None:
        self._configuration, self._make_row = configuration, make_row
        self._rows: dict[str, list[TableRowSpec]] = {}
        experiments = configuration.experiments
        shown = [model for each in experiments.experiments.values() for model in each.models]
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
        return ClaimsSpec(
            preset=preset,
            caveat=self._caveat(),
            level=settings.level,
            factor=settings.factor,
            seeds_agree=settings.seeds_agree,
            datasets=self._datasets(claims),
            claims=claims,
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
            statistics=[
                self._statistic(claim, statistic, dataset)
                for statistic in claim.statistics
                for dataset in self._in_order(statistic.models)
            ],
        )

    def _statistic(self, claim: ClaimSettings, statistic: StatisticSettings, dataset: str) -> StatisticSpec:
        models = statistic.models[dataset]
        missing = [why for term in statistic.terms for why in self._missing(claim, term, models[term.of])]
        terms = [] if missing else [self._term(claim, term, models[term.of]) for term in statistic.terms]
        return StatisticSpec(
            name=statistic.name,
            dataset=dataset,
            comparison=statistic.comparison,
            threshold=claim.threshold[dataset],
            judged=statistic.judged,
            terms=terms,
            not_run=missing[0] if missing else "",
        )

    def _experiment(self, claim: ClaimSettings, term: TermSettings, model: str) -> str | None:
        experiments = self._configuration.experiments
        chosen = self._configuration.chosen_experiments
        return evaluated_in(
            experiments, [each for each in claim.experiments if each in chosen], model, term.split
        )

    def _missing(self, claim: ClaimSettings, term: TermSettings, model: str) -> list[str]:
        """Say why a term cannot be had; an empty list if it can."""
        if self._experiment(claim, term, model):
            return []
        experiments = self._configuration.experiments
        elsewhere = evaluated_in(experiments, claim.experiments, model, term.split)
        if elsewhere:
            return [f"experiment {elsewhere} was not chosen for this run"]
        planned = [each for each in claim.experiments if each not in experiments.experiments]
        return [f"experiment {planned[0]} does not exist yet"]

    def _term(self, claim: ClaimSettings, term: TermSettings, model: str) -> TermSpec:
        experiment = self._experiment(claim, term, model)
        assert experiment is not None
        settings = self._configuration.experiments.experiments[experiment]
        rows = self._rows.setdefault(experiment, [])
        for seed in self._configuration.preset.seeds:
            row = self._make_row(model, seed, term.split, settings.local)
            if row not in rows:
                rows.append(row)
        return TermSpec(
            quantity=term.quantity,
            times=term.times,
            experiment=experiment,
            model=model,
            split=term.split,
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
