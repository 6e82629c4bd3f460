"""Which files a table, a figure or the report reads; asked by the commands and by the workflow.

Each function maps the role of a file (its path below the top of the project) to the file.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from inference_gaps.errors import UserError
from inference_gaps.replication.artifacts.files import Provenance, check_content
from inference_gaps.replication.artifacts.layout import Layout, at_epoch
from inference_gaps.replication.specs.claims import ClaimsSpec
from inference_gaps.replication.specs.documents import (
    ConvergenceFigureSpec,
    NotebookSpec,
    PosteriorsFigureSpec,
    ReportSpec,
    SamplesFigureSpec,
    TrainingFigureSpec,
)
from inference_gaps.replication.specs.tables import SelfcheckSpec, TableRowSpec, TableSpec

__all__ = [
    "bdmc_files",
    "claims_sources",
    "convergence_sources",
    "file_digest",
    "layout_of",
    "notebook_sources",
    "paper_files",
    "picture",
    "posteriors_sources",
    "provenances",
    "report_sources",
    "residual_files",
    "samples_sources",
    "selfcheck_sources",
    "table_sources",
    "training_sources",
    "units_file",
    "values_files",
]


def layout_of(results: Path) -> Layout:
    """Return the layout whose folder of results is ``results``.

    Raises:
        UserError: the folder is not called ``results/<preset>``.
    """
    if results.absolute().parent.name != "results":
        raise UserError(
            f"--results must be a folder results/PRESET, not {results}; write for example results/quick."
        )
    return Layout(preset=results.name, top=results.parent.parent)


def _owner(row: TableRowSpec) -> tuple[str, int | str]:
    model, epoch = row.owner
    return model, at_epoch(row.seed, epoch)


def values_files(row: TableRowSpec, layout: Layout) -> dict[str, Path]:
    """Return the values files of a row by estimator: ``iwae-<posterior>`` and ``ais-<start>``.

    What depends on the generator and the points alone is its owner's.
    """
    own = (row.model, at_epoch(row.seed, row.epoch), row.split)
    files = {"iwae-amortised": layout.iwae(*own, "amortised")}
    for family in row.local:
        posterior = f"local-{family}"
        files[f"iwae-{posterior}"] = layout.iwae(*_owner(row), row.split, posterior)
    return files | {f"ais-{start}": layout.ais(*_owner(row), row.split, start) for start in row.ais}


def bdmc_files(row: TableRowSpec, layout: Layout) -> dict[str, Path]:
    """Return the BDMC values of a row by the start of the chains."""
    return {start: layout.bdmc(*_owner(row), start) for start in row.ais}


def residual_files(row: TableRowSpec, layout: Layout) -> dict[str, Path]:
    """Return how far each local optimisation of a row went, by family."""
    return {family: layout.residuals(*_owner(row), row.split, family) for family in row.local}


def units_file(row: TableRowSpec, layout: Layout) -> Path:
    """Return the activity of the latent units of a row."""
    return layout.units(row.model, at_epoch(row.seed, row.epoch), row.split)


def _by_role(layout: Layout, paths: list[Path]) -> dict[str, Path]:
    return {path.relative_to(layout.top).as_posix(): path for path in paths}


def table_sources(spec: TableSpec, layout: Layout) -> dict[str, Path]:
    """Return the values files that ``make-table`` reads."""
    paths = []
    for row in spec.rows:
        paths += [*values_files(row, layout).values(), *bdmc_files(row, layout).values()]
        paths += [units_file(row, layout)] if row.active_units else []
    return _by_role(layout, paths)


def claims_sources(spec: ClaimsSpec, layout: Layout) -> dict[str, Path]:
    """Return the values files, and the residuals of local optima, that ``judge-claims`` reads."""
    found: dict[str, Path] = {}
    for experiment, rows in spec.rows.items():
        table = TableSpec(experiment=experiment, title="", preset=spec.preset, rows=rows)
        local = [path for row in rows for path in residual_files(row, layout).values()]
        found |= table_sources(table, layout) | _by_role(layout, local)
    return found


def selfcheck_sources(spec: SelfcheckSpec, layout: Layout) -> dict[str, Path]:
    """Return the values files that ``make-selfcheck`` reads."""
    table = TableSpec(experiment="selfcheck", title=spec.title, preset=spec.preset, rows=list(spec.rows))
    splits = [(row, split) for row in spec.rows for split in (row.split, "simulated")]
    exact = [layout.exact(row.model, row.seed, split) for row, split in splits]
    return table_sources(table, layout) | _by_role(layout, exact)


def convergence_sources(spec: ConvergenceFigureSpec, layout: Layout) -> dict[str, Path]:
    """Return the values files that ``plot-convergence`` reads."""
    at = [(model.model, model.seed, model.split) for model in spec.models]
    exact = [layout.exact(*place) for place, model in zip(at, spec.models, strict=True) if model.exact]
    return _by_role(layout, [layout.convergence(*place) for place in at] + exact)


def training_sources(spec: TrainingFigureSpec, layout: Layout) -> dict[str, Path]:
    """Return the metrics files that ``plot-training`` reads."""
    return _by_role(layout, [layout.metrics(model.model, model.seed) for model in spec.models])


def posteriors_sources(spec: PosteriorsFigureSpec, layout: Layout) -> dict[str, Path]:
    """Return the densities that ``plot-posteriors`` reads."""
    return _by_role(layout, [layout.posteriors(spec.model.model, spec.model.seed, spec.split)])


def samples_sources(spec: SamplesFigureSpec, layout: Layout) -> dict[str, Path]:
    """Return the images that ``plot-samples`` reads."""
    return _by_role(layout, [layout.samples(model.model, model.seed) for model in spec.models])


def notebook_sources(spec: NotebookSpec, layout: Layout) -> dict[str, Path]:
    """Return the artifacts that a notebook reads."""
    return _by_role(layout, [layout.results / path for path in spec.reads])


def report_sources(spec: ReportSpec, layout: Layout) -> dict[str, Path]:
    """Return the artifacts that ``write-report`` reads: all of them are small."""
    paths = [picture(layout, name) for name in spec.figures]
    paths += [layout.figure("posteriors", "csv")] if "posteriors" in spec.figures else []
    if spec.selfcheck:
        paths.append(layout.selfcheck("csv"))
    if spec.claims:
        paths.append(layout.claims("csv"))
    paths += [layout.procedures(each.model, each.seed, each.split) for each in spec.procedures]
    for table in spec.tables:
        paths.append(layout.table(table.experiment, "csv"))
        paths += table_sources(table, layout).values()
        for row in table.rows:
            paths.append(layout.metrics(row.model, row.seed))
            paths += residual_files(row, layout).values()
    return _by_role(layout, paths)


def picture(layout: Layout, figure: str) -> Path:
    """Return the file of a figure that the report shows."""
    # Pictures of images are stored as pixels; the rest are drawings, sharp at any size.
    return layout.figure(figure, "png" if figure == "samples" else "pdf")


def paper_files(paper: Path) -> dict[str, Path]:
    """Return the files of the folder ``paper`` that ``write-report`` reads; their content counts."""
    return {
        "deviations": paper / "deviations.yaml",
        "published": paper / "published.csv",
        "reproductions": paper / "reproductions.csv",
        "references": paper / "references.yml",
        "text": paper / "report.typ",
    }


def provenances(sources: Mapping[str, Path]) -> dict[str, str | Provenance]:
    """Return what made each artifact, by role.

    Raises:
        UserError: an artifact is missing or altered, or it is not known what made it.
    """
    return {role: check_content(path) for role, path in sources.items()}


def file_digest(path: Path) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of a file that is kept under version control.

    Raises:
        UserError: the file cannot be read.
    """
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    except OSError as error:
        raise UserError(
            f"{path} cannot be read ({error.strerror}); restore it from the repository."
        ) from error
