"""Compare every estimate with its exact answer, on models that have one.

Reads, under --results (results/PRESET), the bounds of the models of the specification and their exact answers.
Writes the table as tidy CSV and as Markdown, whether the estimates hit or miss. If one missed, make-table refuses
to go on, and show-selfcheck says which.
"""

import argparse

from inference_gaps.replication.analysis.selfcheck import build_selfcheck
from inference_gaps.replication.analysis.selfcheck_layout import selfcheck_markdown
from inference_gaps.replication.analysis.sources import layout_of, provenances, selfcheck_sources
from inference_gaps.replication.artifacts.files import all_or_none, write_document, write_values
from inference_gaps.replication.artifacts.fingerprints import make_provenance
from inference_gaps.replication.specs.tables import SelfcheckSpec

__all__ = ["run"]


def run(options: argparse.Namespace) -> None:
    """Make the table."""
    spec = SelfcheckSpec.from_argument(options.spec)
    layout = layout_of(options.results)
    inputs = provenances(selfcheck_sources(spec, layout))
    provenance = make_provenance("make-selfcheck", spec.as_dict(), inputs, options.fingerprint)
    table = build_selfcheck(spec, layout)
    with all_or_none():
        write_document(options.markdown, selfcheck_markdown(spec.title, table).encode(), provenance)
        write_values(options.csv, table, provenance)
