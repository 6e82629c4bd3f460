"""Print the table of the self-check; fail if an estimate missed its answer.

inference-gaps show-selfcheck --preset quick
inference-gaps show-selfcheck results/quick/selfcheck.csv
"""

import argparse
from pathlib import Path

from inference_gaps.replication.analysis.selfcheck import read_selfcheck, require_passed
from inference_gaps.replication.analysis.selfcheck_layout import selfcheck_text
from inference_gaps.replication.artifacts.layout import Layout
from inference_gaps.replication.config.loading import chosen_preset
from inference_gaps.replication.study.flags import add_study_flags, given_keys

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    help_ = "table of the self-check (make-selfcheck --csv; default: that of the preset)"
    parser.add_argument("table", type=Path, nargs="?", help=help_)
    add_study_flags(parser)


def run(options: argparse.Namespace) -> None:
    """Print, then judge."""
    table = options.table or Layout(chosen_preset(Path(), given_keys(options))).selfcheck("csv")
    print(selfcheck_text(read_selfcheck(table)))
    require_passed(table)
