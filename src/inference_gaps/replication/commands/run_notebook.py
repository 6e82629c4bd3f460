"""Execute a notebook on the results of a run, and write its text and results as one HTML file.

Reads a notebook in jupytext's percent format, and the artifacts under --results (results/PRESET) that its header
lists. It is executed in the folder that holds results/, by a kernel of its own.

  inference-gaps run-notebook --spec '{"preset": "quick", "reads": ["table2.csv"]}' --results results/quick \\
      --notebook notebooks/reading_the_results.py --output results/quick/notebooks/reading_the_results.html
"""

import argparse

from inference_gaps.errors import UserError
from inference_gaps.replication.analysis.sources import (
    file_digest,
    layout_of,
    notebook_sources,
    provenances,
)
from inference_gaps.replication.artifacts.files import write_document
from inference_gaps.replication.artifacts.fingerprints import make_provenance
from inference_gaps.replication.notebooks.execution import executed
from inference_gaps.replication.notebooks.page import html_page
from inference_gaps.replication.notebooks.source import imported_code
from inference_gaps.replication.specs.documents import NotebookSpec

__all__ = ["run"]


def run(options: argparse.Namespace) -> None:
    """Execute and write; see the module."""
    spec = NotebookSpec.from_argument(options.spec)
    layout = layout_of(options.results)
    if layout.preset != spec.preset:
        raise UserError(
            f"--results is {options.results}, but --spec asks for preset {spec.preset}; name one."
        )
    inputs = provenances(notebook_sources(spec, layout))
    inputs |= {"notebook": file_digest(options.notebook), "imports": imported_code(options.notebook)}
    provenance = make_provenance("run-notebook", spec.as_dict(), inputs, options.fingerprint)
    notebook = executed(options.notebook, spec.preset, layout.top)
    write_document(options.output, html_page(notebook, options.notebook.stem.replace("_", " ")), provenance)
