"""The notebooks of a study: those whose every artifact some job makes."""

from pathlib import Path

from inference_gaps.replication.analysis.sources import notebook_sources
from inference_gaps.replication.artifacts.layout import Layout
from inference_gaps.replication.notebooks.source import imported_code, reads
from inference_gaps.replication.specs.documents import NotebookSpec
from inference_gaps.replication.study.jobs import Job, Jobs

__all__ = ["add_notebooks"]


def add_notebooks(jobs: Jobs, layout: Layout, folder: Path) -> tuple[list[Job], dict[Path, Path]]:
    """Add a job for each notebook of a folder that can be executed on what the study makes.

    With the weights of a model, a notebook reads the data that the model was trained on.

    Args:
        jobs: all that makes what notebooks may read.
        layout: of the preset.
        folder: holds notebooks as Python files.

    Returns:
        The jobs; and of each notebook that was left out, an artifact that no job of this study makes.

    Raises:
        UserError: a notebook cannot be read, is not Python, or does not say what it reads.
    """
    added: list[Job] = []
    left_out: dict[Path, Path] = {}
    for notebook in sorted(folder.glob("*.py")):
        wanted = [layout.results / path for path in reads(notebook)]
        missing = next((path for path in wanted if path not in jobs), None)
        if missing is not None:
            left_out[notebook] = missing
            continue
        weights = [jobs[path] for path in wanted if path.name == "model.safetensors"]
        data = [job.inputs["data"] for job in weights if "data" in job.inputs]
        below = [path.relative_to(layout.results).as_posix() for path in dict.fromkeys([*wanted, *data])]
        spec = NotebookSpec(preset=layout.preset, reads=below)
        outputs = {"output": layout.results / "notebooks" / f"{notebook.stem}.html"}
        digests = {"imports": imported_code(notebook)}
        inputs = notebook_sources(spec, layout)
        added.append(jobs.add("run-notebook", spec, inputs, outputs, {"notebook": notebook}, digests))
    return added, left_out
