"""The jobs that gather many results: tables, figures, the report."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from inference_gaps.replication.analysis.sources import (
    claims_sources,
    convergence_sources,
    paper_files,
    posteriors_sources,
    report_sources,
    samples_sources,
    selfcheck_sources,
    table_sources,
    training_sources,
)
from inference_gaps.replication.artifacts.layout import Layout, beside_files
from inference_gaps.replication.config.loading import Configuration
from inference_gaps.replication.config.resolution import train_spec
from inference_gaps.replication.specs.documents import (
    ComparedModelSpec,
    ConvergenceFigureSpec,
    ConvergenceModelSpec,
    GapsFigureSpec,
    ModelSpec,
    PosteriorsFigureSpec,
    ReportSpec,
    SamplesFigureSpec,
    SchematicFigureSpec,
    TrainingFigureSpec,
)
from inference_gaps.replication.specs.tables import SelfcheckRowSpec, SelfcheckSpec, TableRowSpec, TableSpec
from inference_gaps.replication.study.claim_terms import claims_spec
from inference_gaps.replication.study.jobs import Job, Jobs
from inference_gaps.replication.study.model_jobs import ModelJobs
from inference_gaps.replication.study.raw_sources import Source
from inference_gaps.replication.study.rows import checked_row, experiment_rows
from inference_gaps.specs.bounds import Split

__all__ = ["Summary"]

# Reconstructions show best on images that the model has not seen.
_UNSEEN_FIRST: tuple[Split, ...] = ("validation", "test", "train")


class Summary:
    """Adds tables, figures and the report, and the jobs of the models that they need."""

    def __init__(
        self,
        jobs: Jobs,
        layout: Layout,
        configuration: Configuration,
        sources: Mapping[str, Source],
        paper: Path,
    ) -> None:
        self._jobs, self._layout, self._configuration = jobs, layout, configuration
        self._sources, self._paper = sources, paper

    def selfcheck(self) -> Job | None:
        """Add the self-check of the estimators and every bound in it, if the configuration has one."""
        settings = self._configuration.experiments.selfcheck
        if settings is None:
            return None
        rows = []
        for model, checked in settings.models.items():
            for seed in settings.budget.seeds:
                row = checked_row(self._configuration, model, seed, checked.local)
                self._evaluate(row)
                jobs = self._model_jobs(model, seed)
                jobs.exact("train")
                jobs.exact("simulated")
                rows.append(SelfcheckRowSpec(**row.model_dump(), reaches=checked.reaches))
        spec = SelfcheckSpec(title=settings.title, preset=self._layout.preset, rows=rows)
        outputs = {"csv": self._layout.selfcheck("csv"), "markdown": self._layout.selfcheck("md")}
        return self._jobs.add("make-selfcheck", spec, selfcheck_sources(spec, self._layout), outputs)

    def table(self, experiment: str, selfcheck: Job | None) -> Job:
        """Add the table of an experiment and every bound in it; it is made once the ``selfcheck`` is passed."""
        settings = self._configuration.experiments.experiments[experiment]
        rows = experiment_rows(self._configuration, experiment)
        spec = TableSpec(
            experiment=experiment,
            title=settings.title,
            about=" ".join(settings.about.split()),
            preset=self._layout.preset,
            published=settings.published,
            rows=rows,
        )
        for row in rows:
            self._evaluate(row)
        suffixes = {"csv": "csv", "markdown": "md", "latex": "tex"}
        outputs = {flag: self._layout.table(experiment, suffix) for flag, suffix in suffixes.items()}
        inputs = table_sources(spec, self._layout)
        if selfcheck:
            inputs["selfcheck"] = selfcheck.outputs["csv"]
        return self._jobs.add("make-table", spec, inputs, outputs, self._of_others)

    def claims(self, selfcheck: Job | None) -> Job | None:
        """Add the verdicts on the claims of the paper, if there are any, from what tables added before evaluate."""
        if not self._configuration.claims.claims:
            return None
        spec = claims_spec(self._configuration, self._layout.preset)
        outputs = {"csv": self._layout.claims("csv"), "markdown": self._layout.claims("md")}
        inputs = claims_sources(spec, self._layout)
        if selfcheck:
            inputs["selfcheck"] = selfcheck.outputs["csv"]
        return self._jobs.add("judge-claims", spec, inputs, outputs, {"published": self._published})

    def figures(self, experiments: list[str]) -> list[Job]:
        """Add the gaps of each experiment, training curves of their models, samples of those of the first.

        Before them comes the schematic, of the first experiment that answers a table of the paper with gaps.
        """
        known = self._configuration.experiments.experiments
        answers = [name for name in experiments if known[name].published is not None and self._has_gaps(name)]
        made = [self._schematic(name) for name in answers[:1]]
        made += [self._gaps(experiment) for experiment in experiments]
        seeds = self._seeds(experiments)
        first = self._configuration.experiments.experiments[experiments[0]].models
        made += [self._training(seeds), self._samples({model: seeds[model][0] for model in first})]
        more = [self._convergence(list(seeds)), self._posteriors()]
        return [*made, *(figure for figure in more if figure)]

    def report(self, tables: list[Job], figures: list[Job], selfcheck: Job | None, claims: Job | None) -> Job:
        """Add the report on ``tables`` with ``figures`` and ``claims``, and the ``selfcheck`` in its appendix."""
        spec = ReportSpec(
            preset=self._layout.preset,
            description=self._configuration.preset.description,
            tables=[table.spec for table in tables if isinstance(table.spec, TableSpec)],
            figures=[figure.outputs["csv"].stem for figure in figures],
            selfcheck=selfcheck is not None,
            claims=claims is not None,
            procedures=self._procedures(),
            beside=self._configuration.preset.beside if claims else None,
        )
        inputs = report_sources(spec, self._layout)
        outputs = {"output": self._layout.report, "numbers": self._layout.results / "report.json"}
        files = paper_files(self._paper) | beside_files(spec.beside, self._layout)
        return self._jobs.add("write-report", spec, inputs, outputs, files)

    @property
    def _published(self) -> Path:
        return self._paper / "published.csv"

    @property
    def _of_others(self) -> dict[str, Path]:
        """What stands beside the values of our run."""
        return {"published": self._published, "reproductions": self._paper / "reproductions.csv"}

    def _model_jobs(self, model: str, seed: int, epoch: int | None = None) -> ModelJobs:
        return ModelJobs(self._jobs, self._layout, self._configuration, self._sources, model, seed, epoch)

    def _evaluate(self, row: TableRowSpec) -> None:
        jobs = self._model_jobs(row.model, row.seed, row.epoch)
        jobs.iwae(row.split)
        if row.active_units:
            jobs.units(row.split)
        model, epoch = row.owner
        owner = self._model_jobs(model, row.seed, epoch)
        for family in row.local:
            owner.iwae(row.split, family)
        for start in row.ais:
            owner.ais(row.split, start)
            owner.bdmc(start)

    def _figure(self, name: str) -> dict[str, Path]:
        return {suffix: self._layout.figure(name, suffix) for suffix in ("csv", "pdf", "png")}

    def _has_gaps(self, experiment: str) -> bool:
        """Whether q* is optimised in the own family of some model, so that its gaps are known."""
        settings = self._configuration.experiments.experiments[experiment]
        models = self._configuration.experiments.models
        families = [models[name].posterior.family for name in settings.models]
        return any(family in settings.families(family) for family in families)

    def _schematic(self, experiment: str) -> Job:
        spec = SchematicFigureSpec(experiment=experiment, preset=self._layout.preset)
        return self._jobs.add("plot-schematic", spec, self._table_of(experiment), self._figure("schematic"))

    def _table_of(self, experiment: str) -> dict[str, Path]:
        table = self._layout.table(experiment, "csv")
        return {table.relative_to(self._layout.top).as_posix(): table}

    def _gaps(self, experiment: str) -> Job:
        settings = self._configuration.experiments.experiments[experiment]
        known = self._configuration.experiments.models
        spec = GapsFigureSpec(
            experiment=experiment,
            preset=self._layout.preset,
            published=settings.published,
            epochs=self._epochs(settings.models) if settings.at_checkpoints else None,
            reproduced={
                name: known[name].reproduced_as for name in settings.models if known[name].reproduced_as
            },
        )
        outputs = self._figure(f"gaps-{experiment}")
        return self._jobs.add("plot-gaps", spec, self._table_of(experiment), outputs, self._of_others)

    def _epochs(self, models: list[str]) -> int:
        """Return how many epochs models are trained for; the longest of them."""
        known = self._configuration.experiments.models
        return max(train_spec(self._configuration.preset, known[name], seed=0).epochs for name in models)

    def _seeds(self, experiments: list[str]) -> dict[str, list[int]]:
        """Return the models of some experiments, each with the seeds that any of them has it trained with."""
        found: dict[str, list[int]] = {}
        for name in experiments:
            for model in self._configuration.experiments.experiments[name].models:
                known = found.setdefault(model, [])
                known += [each for each in self._configuration.preset.seeds_of(name) if each not in known]
        return found

    def _training(self, seeds: Mapping[str, list[int]]) -> Job:
        shown = [
            ModelSpec(model=model, seed=seed, **self._names(model))
            for model, of_model in seeds.items()
            for seed in of_model
        ]
        spec = TrainingFigureSpec(preset=self._layout.preset, models=shown)
        inputs = training_sources(spec, self._layout)
        return self._jobs.add("plot-training", spec, inputs, self._figure("training"))

    def _samples(self, seeds: Mapping[str, int]) -> Job:
        shown = [ModelSpec(model=model, seed=seed, **self._names(model)) for model, seed in seeds.items()]
        splits = [self._configuration.datasets[self._configuration.copy_of(model)].splits for model in seeds]
        split = next(name for name in _UNSEEN_FIRST if all(name in cut for cut in splits))
        for model, seed in seeds.items():
            self._model_jobs(model, seed).samples(split)
        spec = SamplesFigureSpec(preset=self._layout.preset, models=shown)
        inputs = samples_sources(spec, self._layout)
        return self._jobs.add("plot-samples", spec, inputs, self._figure("samples"))

    def _convergence(self, models: list[str]) -> Job | None:
        experiments = self._configuration.experiments
        if experiments.convergence is None:
            return None
        checked = experiments.selfcheck.models if experiments.selfcheck else {}
        # An experiment that was not chosen does not have its models trained for this figure alone.
        chosen = [name for name in experiments.convergence.models if name in checked or name in models]
        split = experiments.convergence.split
        shown = []
        for model in chosen:
            seed = self._configuration.budget_of(model).seeds[0]
            jobs = self._model_jobs(model, seed)
            jobs.convergence(split)
            if model in checked:
                jobs.exact(split)
            shown.append(
                ConvergenceModelSpec(
                    model=model, seed=seed, split=split, exact=model in checked, **self._names(model)
                )
            )
        if not shown:
            return None
        spec = ConvergenceFigureSpec(preset=self._layout.preset, models=shown)
        inputs = convergence_sources(spec, self._layout)
        return self._jobs.add("plot-convergence", spec, inputs, self._figure("convergence"))

    def _procedures(self) -> list[ComparedModelSpec]:
        """Add what compares local optimisations, on those of the models that the chosen experiments have."""
        settings = self._configuration.experiments.procedures
        if settings is None:
            return []
        seeds = self._seeds(self._configuration.chosen_experiments)
        compared = []
        for model in (name for name in settings.models if name in seeds):
            # What an optimisation reaches is a matter of the images; one training of the model is enough.
            seed = seeds[model][0]
            self._model_jobs(model, seed).procedures(settings.split)
            names = self._names(model)
            compared.append(ComparedModelSpec(model=model, seed=seed, split=settings.split, **names))
        return compared

    def _posteriors(self) -> Job | None:
        settings = self._configuration.experiments.posteriors
        if settings is None:
            return None
        seed = self._configuration.budget_of(settings.model).seeds[0]
        self._model_jobs(settings.model, seed).posteriors(settings.split, settings.local, settings.images)
        shown = ModelSpec(model=settings.model, seed=seed, **self._names(settings.model))
        spec = PosteriorsFigureSpec(preset=self._layout.preset, model=shown, split=settings.split)
        inputs = posteriors_sources(spec, self._layout)
        return self._jobs.add("plot-posteriors", spec, inputs, self._figure("posteriors"))

    def _names(self, model: str) -> dict[str, Any]:
        settings = self._configuration.experiments.models[model]
        title = self._configuration.datasets[self._configuration.copy_of(model)].title
        return {
            "label": settings.label,
            "dataset_title": title,
            "trained_with": settings.posterior.family,
        }
