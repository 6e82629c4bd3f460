"""The jobs that gather many results: tables, figures, the report."""

from pathlib import Path
from typing import Any

from inference_gaps.analysis.sources import (
    ais_starts,
    paper_files,
    report_sources,
    samples_sources,
    table_sources,
    training_sources,
)
from inference_gaps.config.loading import Configuration
from inference_gaps.layout import Layout
from inference_gaps.specs.figures import (
    GapsFigureSpec,
    ModelSpec,
    SampledModelSpec,
    SamplesFigureSpec,
    TrainingFigureSpec,
)
from inference_gaps.specs.report import ReportSpec
from inference_gaps.specs.table import Split, TableRowSpec, TableSpec
from inference_gaps.study.jobs import Job, Jobs
from inference_gaps.study.models import ModelJobs, data_variant

__all__ = ["Summary"]

_FIGURE_SUFFIXES = ("pdf", "png", "csv")
# Reconstructions show best on images that the model has not seen.
_UNSEEN_FIRST: tuple[Split, ...] = ("validation", "test", "train")


class Summary:
    """Adds tables, figures and the report, and the jobs of the models that they need."""

    def __init__(self, jobs: Jobs, layout: Layout, configuration: Configuration, paper: Path) -> None:
        self._jobs, self._layout, self._configuration, self._paper = jobs, layout, configuration, paper

    def table(self, experiment: str) -> Job:
        """Add the table of an experiment and every bound in it."""
        settings = self._configuration.experiments.experiments[experiment]
        rows = [
            self._row(model, seed, split, experiment)
            for model in settings.models
            for split in settings.splits
            for seed in self._configuration.preset.seeds
        ]
        spec = TableSpec(
            experiment=experiment,
            title=settings.title,
            preset=self._layout.preset,
            published=settings.published,
            rows=rows,
        )
        for row in rows:
            self._evaluate(row)
        suffixes = {"csv": "csv", "markdown": "md", "latex": "tex"}
        outputs = {flag: self._layout.table(experiment, suffix) for flag, suffix in suffixes.items()}
        inputs = table_sources(spec, self._layout)
        return self._jobs.add("make-table", spec, inputs, outputs, {"published": self._published})

    def figures(self, experiments: list[str]) -> list[Job]:
        """Add the gaps of each experiment, and training curves and samples of all their models."""
        made = [self._gaps(experiment) for experiment in experiments]
        settings = [self._configuration.experiments.experiments[name] for name in experiments]
        models = list(dict.fromkeys(model for experiment in settings for model in experiment.models))
        return [*made, self._training(models), self._samples(models)]

    def report(self, tables: list[Job], figures: list[Job]) -> Job:
        """Add the report on ``tables`` with ``figures``."""
        spec = ReportSpec(
            preset=self._layout.preset,
            description=self._configuration.preset.description,
            tables=[table.spec for table in tables if isinstance(table.spec, TableSpec)],
            figures=[figure.outputs["csv"].stem for figure in figures],
        )
        inputs = report_sources(spec, self._layout)
        outputs = {"output": self._layout.report, "numbers": self._layout.results / "report.json"}
        return self._jobs.add("write-report", spec, inputs, outputs, paper_files(self._paper))

    @property
    def _published(self) -> Path:
        return self._paper / "published.csv"

    def _row(self, model: str, seed: int, split: Split, experiment: str) -> TableRowSpec:
        settings = self._configuration.experiments.models[model]
        dataset = self._configuration.datasets[self._configuration.copy_of(model)]
        return TableRowSpec(
            model=model,
            seed=seed,
            split=split,
            dataset=settings.dataset,
            dataset_title=dataset.title,
            dataset_note=dataset.note,
            binarisation=settings.binarisation,
            trained_with=settings.posterior.family,
            local=self._configuration.experiments.experiments[experiment].local,
        )

    def _evaluate(self, row: TableRowSpec) -> None:
        jobs = ModelJobs(self._jobs, self._layout, self._configuration, row.model, row.seed)
        jobs.iwae(row.split)
        for family in row.local:
            jobs.iwae(row.split, family)
        for start in ais_starts(row):
            jobs.ais(row.split, start)

    def _figure(self, name: str) -> dict[str, Path]:
        return {suffix: self._layout.figure(name, suffix) for suffix in _FIGURE_SUFFIXES}

    def _gaps(self, experiment: str) -> Job:
        settings = self._configuration.experiments.experiments[experiment]
        spec = GapsFigureSpec(experiment=experiment, preset=self._layout.preset, published=settings.published)
        table = self._layout.table(experiment, "csv")
        outputs = self._figure(f"gaps-{experiment}")
        inputs = {table.relative_to(self._layout.top).as_posix(): table}
        return self._jobs.add("plot-gaps", spec, inputs, outputs, {"published": self._published})

    def _training(self, models: list[str]) -> Job:
        shown = [
            ModelSpec(model=model, seed=seed, **self._names(model))
            for model in models
            for seed in self._configuration.preset.seeds
        ]
        spec = TrainingFigureSpec(preset=self._layout.preset, models=shown)
        inputs = training_sources(spec, self._layout)
        return self._jobs.add("plot-training", spec, inputs, self._figure("training"))

    def _samples(self, models: list[str]) -> Job:
        shown = [
            SampledModelSpec(
                model=model,
                seed=self._configuration.preset.seeds[0],
                data=data_variant(self._configuration, model),
                **self._names(model),
            )
            for model in models
        ]
        splits = [self._configuration.datasets[self._configuration.copy_of(model)].splits for model in models]
        split = next(name for name in _UNSEEN_FIRST if all(name in cut for cut in splits))
        spec = SamplesFigureSpec(preset=self._layout.preset, models=shown, split=split)
        inputs = samples_sources(spec, self._layout)
        return self._jobs.add("plot-samples", spec, inputs, self._figure("samples"))

    def _names(self, model: str) -> dict[str, Any]:
        settings = self._configuration.experiments.models[model]
        title = self._configuration.datasets[self._configuration.copy_of(model)].title
        return {"dataset_title": title, "trained_with": settings.posterior.family}
