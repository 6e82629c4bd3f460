"""The plan of a study: from the configuration to every job of a preset.

The workflow builds its rules from it. It starts nothing and reads no data, so that it can say what a run
would do before there is anything on disk.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference_gaps.errors import UserError
from inference_gaps.replication.artifacts.layout import Layout, is_published, preset_of
from inference_gaps.replication.config.loading import Configuration, load_configuration
from inference_gaps.replication.config.sentences import shown
from inference_gaps.replication.stages import STAGES
from inference_gaps.replication.study.amounts import amount_problems
from inference_gaps.replication.study.jobs import Job, Jobs
from inference_gaps.replication.study.notebook_jobs import add_notebooks
from inference_gaps.replication.study.raw_sources import Source, find_source
from inference_gaps.replication.study.summary_jobs import Summary

__all__ = ["Study", "load_study", "study_of"]


@dataclass(frozen=True)
class Study:
    """Every job of one preset.

    Attributes:
        configuration: what was asked for.
        layout: where results lie, relative to the working directory.
        sources: where the raw files of each data set are, by name.
        jobs: all jobs by what they make.
        selfcheck: the job that holds the estimators against known answers, if the configuration has models for it.
        tables: the jobs that make tables.
        claims: the job that judges the claims of the paper, if the configuration has any.
        figures: the jobs that draw figures.
        report: the job that writes the report.
        notebooks: the jobs that execute notebooks.
        left_out: of each other notebook, an artifact that it reads and that no job makes.
    """

    configuration: Configuration
    layout: Layout
    sources: Mapping[str, Source]
    jobs: Jobs
    selfcheck: Job | None
    tables: list[Job]
    claims: Job | None
    figures: list[Job]
    report: Job
    notebooks: list[Job]
    left_out: Mapping[Path, Path]

    def source_of(self, prepared: Path) -> Source:
        """Return where the raw files are that a prepared data set is made from."""
        return self.sources[prepared.stem.rpartition("-")[0]]


def load_study(
    overrides: Mapping[str, Any] | None = None, top: Path = Path(), *, find_data: bool = True
) -> Study:
    """Plan what the configuration asks for.

    Args:
        overrides: keys of ``config/config.yaml`` as the command line gives them.
        top: top folder of the project, which holds ``config/``, ``paper/`` and the embedded data. Results and
            a relative ``data_folder`` belong to the working directory instead.
        find_data: whether the raw data must be there, unless all that is made from them is there already.

    Raises:
        UserError: one line for each problem found.
    """
    configuration = load_configuration(top, overrides)
    if find_data or "data_folder" in (overrides or {}):
        _require_folder(configuration.settings.data_folder)
    layout = Layout(configuration.settings.preset)
    jobs = Jobs()
    sources, problems = _sources(configuration, top)
    summary = Summary(jobs, layout, configuration, sources, top / "paper")
    names = configuration.chosen_experiments
    selfcheck = summary.selfcheck()
    tables = [summary.table(name, selfcheck) for name in names]
    claims = summary.claims(selfcheck)
    figures = summary.figures(names)
    report = summary.report(tables, figures, selfcheck, claims)
    notebooks, left_out = add_notebooks(jobs, layout, top / "notebooks")
    if find_data and not all(path.exists() for path in _values(jobs)):
        for what, found in (
            ("cannot be found", problems),
            ("do not suffice", amount_problems(jobs, sources)),
        ):
            if found:
                lines = "".join(f"\n  {problem}" for problem in found)
                raise UserError(f"the data {what}; nothing was started.{lines}")
    return Study(
        configuration,
        layout,
        sources,
        jobs,
        selfcheck,
        tables,
        claims,
        figures,
        report,
        notebooks,
        left_out,
    )


def study_of(paths: Iterable[Path | str], overrides: Mapping[str, Any] | None = None) -> Study | None:
    """Return the study that some artifacts belong to, by their places; ``None`` if there is none.

    Its configuration is the one of the working directory, but for the keys in ``overrides``.

    Raises:
        UserError: with ``overrides``, the configuration is not valid.
    """
    found = {preset for preset in map(preset_of, paths) if preset}
    if len(found) != 1:
        return None
    try:
        return load_study({"preset": found.pop(), **(overrides or {})}, find_data=False)
    except UserError:
        if overrides:
            raise
        return None


def _require_folder(given: str | None) -> None:
    if given and not Path(os.path.expanduser(given)).is_dir():
        raise UserError(
            f"the data cannot be found; nothing was started.\n  data_folder is {shown(given)}, which is no folder; "
            f"name the one that holds a folder for each data set (in config/config.yaml, or make DATA=...)."
        )


def _values(jobs: Jobs) -> list[Path]:
    """Return what tables, figures and the report are made from: all that needs data or a trained model."""
    computed = [job for job in jobs if not STAGES[job.stage].gathers]
    return [path for job in computed for path in job.outputs.values() if is_published(path)]


def _sources(configuration: Configuration, top: Path) -> tuple[dict[str, Source], list[str]]:
    given = configuration.settings.data_folder
    data_folder = Path(os.path.expanduser(given)) if given else None
    experiments = configuration.experiments.experiments
    models = [model for name in configuration.chosen_experiments for model in experiments[name].models]
    checked = configuration.experiments.selfcheck
    models += checked.models if checked else []
    drawn = configuration.experiments.posteriors
    models += [drawn.model] if drawn else []
    sources: dict[str, Source] = {}
    problems: list[str] = []
    for name in dict.fromkeys(map(configuration.copy_of, models)):
        sources[name], found = find_source(name, configuration.datasets[name], data_folder, top)
        problems += found
    return sources, problems
