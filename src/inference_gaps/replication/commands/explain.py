"""Say what made an artifact, from what, when, how long it took, on what, and how to make it again.

Reads the records of the artifact and its inputs (results/PRESET/records), and the plan of its study, if any.

  inference-gaps explain results/quick/table2.csv
"""

import argparse
from pathlib import Path

from inference_gaps.replication.study.explanation import explain
from inference_gaps.replication.study.flags import add_study_flags, given_keys

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of ``explain``."""
    parser.add_argument("file", type=Path, help="artifact of any kind")
    add_study_flags(parser)


def run(options: argparse.Namespace) -> None:
    """Explain; see the module."""
    print(explain(options.file, given_keys(options)))
