"""Build a table of bounds and gaps from per-point values.

Reads, under --results (results/PRESET), the IWAE and AIS values of every model of the specification, the
paper's values and those of other reproductions.
With --selfcheck it refuses to make a table unless the estimators hit the exact answers.
Writes the same table three times: tidy CSV with every estimator, interval and Monte-Carlo error; Markdown
and LaTeX, laid out like the paper's table if it has one, with one line per model otherwise. Needs seconds,
no GPU, no PyTorch.
"""

import argparse

from inference_gaps.replication.analysis.markup import laid_out, to_latex, to_markdown
from inference_gaps.replication.analysis.published import read_published
from inference_gaps.replication.analysis.reproductions import read_reproductions
from inference_gaps.replication.analysis.selfcheck import require_passed
from inference_gaps.replication.analysis.sources import (
    file_digest,
    layout_of,
    provenances,
    table_sources,
)
from inference_gaps.replication.analysis.table import build_table
from inference_gaps.replication.artifacts.files import all_or_none, write_document, write_values
from inference_gaps.replication.artifacts.fingerprints import make_provenance
from inference_gaps.replication.specs.tables import TableSpec

__all__ = ["run"]


def run(options: argparse.Namespace) -> None:
    """Make the table."""
    spec = TableSpec.from_argument(options.spec)
    layout = layout_of(options.results)
    sources = table_sources(spec, layout) | ({"selfcheck": options.selfcheck} if options.selfcheck else {})
    of_others = {role: file_digest(getattr(options, role)) for role in ("published", "reproductions")}
    inputs = {**of_others, **provenances(sources)}
    provenance = make_provenance("make-table", spec.as_dict(), inputs, options.fingerprint)
    if options.selfcheck:
        require_passed(options.selfcheck)
    table = build_table(spec, layout)
    published, reproductions = read_published(options.published), read_reproductions(options.reproductions)
    shown = laid_out(spec, table, published, reproductions)
    with all_or_none():
        write_document(options.markdown, to_markdown(shown).encode(), provenance)
        write_document(options.latex, to_latex(shown).encode(), provenance)
        write_values(options.csv, table, provenance)
