"""Run a notebook and write it with its outputs as HTML.

Reads notebooks/NAME.py (jupytext's percent format), and whatever results of the preset that asks for; --reads names
these, so that it runs again when one of them changes. Takes seconds.

  inference-gaps run-notebook --spec '{"notebook": "reading-the-results", "preset": "quick"}' \\
      --notebook notebooks/reading_the_results.py --output results/quick/notebooks/reading-the-results.html
"""

import argparse
from pathlib import Path

from inference_gaps.analysis.sources import artifact_identities, file_digest
from inference_gaps.artifacts import write_signed
from inference_gaps.fingerprints import make_provenance, without_contents
from inference_gaps.report.notebooks import run_notebook
from inference_gaps.specs.notebook import NotebookSpec

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of ``run-notebook``."""
    parser.add_argument("--spec", required=True, help="NotebookSpec as JSON, or a file that holds it")
    parser.add_argument("--notebook", required=True, type=Path, help="script in percent format")
    parser.add_argument("--reads", nargs="*", default=[], type=Path, help="artifacts that it reads")
    parser.add_argument("--output", required=True, help="HTML to write")


def run(options: argparse.Namespace) -> None:
    """Run it."""
    spec = NotebookSpec.from_argument(options.spec)
    inputs = {"notebook": file_digest(options.notebook)}
    inputs |= artifact_identities({path.as_posix(): path for path in options.reads})
    provenance = make_provenance("run-notebook", spec.as_dict(), inputs, options.fingerprint)
    html = run_notebook(options.notebook, {"INFERENCE_GAPS_PRESET": spec.preset})
    write_signed(options.output, html, without_contents(provenance))
