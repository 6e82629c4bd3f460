"""Compare every artifact on disk with what the present configuration and code make.

Lists each file below results/PRESET and figures/PRESET, and the report, as

  fresh       it is what the study makes
  stale       it is not: which field differs, or which of its inputs
  foreign     no job of this study makes it, or it is a copy of another file
  unreadable  it is truncated or altered, or nothing says what made it

and counts what is missing. Every file is read, so a flipped bit is found. Snakemake's records are not needed. Fails
unless every file there is fresh.

  inference-gaps check --preset laptop
"""

import argparse

from inference_gaps.errors import UserError
from inference_gaps.replication.study.flags import add_study_flags, given_keys
from inference_gaps.replication.study.inspection import inspect
from inference_gaps.replication.study.plan import load_study

__all__ = ["add_arguments", "run"]

_KINDS = ("fresh", "stale", "foreign", "unreadable", "missing")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of ``check``."""
    add_study_flags(parser)
    parser.add_argument("--all", action="store_true", help="list what is missing, too")


def run(options: argparse.Namespace) -> None:
    """Compare and list; see the module."""
    study = load_study(given_keys(options), find_data=False)
    found = inspect(study)
    for finding in found:
        if finding.kind != "missing" or options.all:
            print(f"{finding.kind:<11} {finding.path}{finding.reason and f' {finding.reason}'}")
    counts = {kind: sum(finding.kind == kind for finding in found) for kind in _KINDS}
    summary = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    if counts["stale"] + counts["foreign"] + counts["unreadable"]:
        raise UserError(
            f"not all artifacts of preset {study.layout.preset} are what the study makes: {summary}. Run 'make' to "
            f"make them again; delete or move what is foreign."
        )
    print(f"All artifacts of preset {study.layout.preset} are what the study makes: {summary}.")
