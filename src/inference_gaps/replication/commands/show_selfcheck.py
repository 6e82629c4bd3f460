"""Print the table of the self-check; fail if an estimate missed its answer.

inference-gaps show-selfcheck results/quick/selfcheck.csv
"""

import argparse
from pathlib import Path

from inference_gaps.replication.analysis.selfcheck import read_selfcheck, require_passed
from inference_gaps.replication.analysis.selfcheck_layout import selfcheck_text

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("table", type=Path, help="table of the self-check (make-selfcheck --csv)")


def run(options: argparse.Namespace) -> None:
    """Print, then judge."""
    print(selfcheck_text(read_selfcheck(options.table)))
    require_passed(options.table)
