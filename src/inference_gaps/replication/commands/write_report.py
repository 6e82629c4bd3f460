"""Build the replication report as a PDF.

Reads the tables, values and metrics under --results (results/PRESET), the figures under --figures
(figures/PRESET), and from --paper the text (report.typ), the paper's values, those of other reproductions, the
deviations and the references. Writes the PDF, and RESULTS/report.json with every number in it.
"""

import argparse
import json

from inference_gaps.errors import UserError
from inference_gaps.replication.analysis.published import read_published
from inference_gaps.replication.analysis.reproductions import read_reproductions
from inference_gaps.replication.analysis.sources import (
    file_digest,
    layout_of,
    paper_files,
    picture,
    provenances,
    report_sources,
)
from inference_gaps.replication.artifacts.files import all_or_none, write_document
from inference_gaps.replication.artifacts.fingerprints import make_provenance
from inference_gaps.replication.artifacts.layout import beside_files
from inference_gaps.replication.config.deviations import read_deviations
from inference_gaps.replication.report.numbers import collect
from inference_gaps.replication.report.typeset import typeset
from inference_gaps.replication.specs.documents import ReportSpec

__all__ = ["run"]


def run(options: argparse.Namespace) -> None:
    """Build the report."""
    spec = ReportSpec.from_argument(options.spec)
    layout = layout_of(options.results)
    if options.figures.resolve() != layout.figures.resolve():
        raise UserError(
            f"--figures is {options.figures}, but the figures of {options.results} lie in "
            f"{layout.figures}; write that folder."
        )
    texts = paper_files(options.paper)
    inputs = provenances(report_sources(spec, layout))
    inputs |= {
        role: file_digest(path) for role, path in {**texts, **beside_files(spec.beside, layout)}.items()
    }
    provenance = make_provenance("write-report", spec.as_dict(), inputs, options.fingerprint)
    numbers = collect(
        spec,
        layout,
        read_published(texts["published"]),
        read_reproductions(texts["reproductions"]),
        read_deviations(texts["deviations"]),
    )
    content = json.dumps(numbers, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"
    files = {texts[role].name: texts[role] for role in ("text", "references")}
    for name in spec.figures:
        shown = picture(layout, name)
        files[shown.name] = shown
    pdf = typeset(content, files)
    with all_or_none():
        write_document(options.results / "report.json", content, provenance)
        write_document(options.output, pdf, provenance)
