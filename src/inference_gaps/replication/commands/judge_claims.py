"""Judge the claims of the paper by the rules of config/claims.yaml.

Reads, under --results (results/PRESET), the bounds, the BDMC values and the local optima of every model that the
specification names, and the paper's values. With --selfcheck it refuses to judge unless the estimators hit the
exact answers. Writes the verdicts as tidy CSV (one line per statistic, data set and claim) and as Markdown. Needs
seconds, no GPU, no PyTorch.
"""

import argparse

from inference_gaps.replication.analysis.claims import build_claims
from inference_gaps.replication.analysis.claims_layout import claims_markdown
from inference_gaps.replication.analysis.published import read_published
from inference_gaps.replication.analysis.selfcheck import require_passed
from inference_gaps.replication.analysis.sources import (
    claims_sources,
    file_digest,
    layout_of,
    provenances,
)
from inference_gaps.replication.artifacts.files import all_or_none, write_document, write_values
from inference_gaps.replication.artifacts.fingerprints import make_provenance
from inference_gaps.replication.specs.claims import ClaimsSpec

__all__ = ["run"]


def run(options: argparse.Namespace) -> None:
    """Judge."""
    spec = ClaimsSpec.from_argument(options.spec)
    layout = layout_of(options.results)
    sources = claims_sources(spec, layout) | ({"selfcheck": options.selfcheck} if options.selfcheck else {})
    inputs = {"published": file_digest(options.published), **provenances(sources)}
    provenance = make_provenance("judge-claims", spec.as_dict(), inputs, options.fingerprint)
    if options.selfcheck:
        require_passed(options.selfcheck)
    table = build_claims(spec, layout, read_published(options.published))
    with all_or_none():
        write_document(options.markdown, claims_markdown(spec, table).encode(), provenance)
        write_values(options.csv, table, provenance)
