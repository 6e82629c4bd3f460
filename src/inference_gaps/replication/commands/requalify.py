"""Let edited code stand for that of a commit whose results it gives, to the bit.

Runs the jobs of preset quick, and a probe with every value of every option of the specifications, with the code of
the commit and with the present one: those that execute what has changed. A part of the code, a stage or a posterior
family, stands for the one of the commit if all numbers are the same to the bit, every changed piece of code was
executed, and no number or comparison in it is another one. Its line is written into the ledger, which is to be
committed; then what the commit has made is fresh. Of each other part it says what differs, or what no job executes.

  inference-gaps requalify --base HEAD
"""

import argparse
from pathlib import Path

from inference_gaps.errors import UserError
from inference_gaps.replication.artifacts.code import LEDGER
from inference_gaps.replication.requalify.judging import add_to_ledger, requalify

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of ``requalify``."""
    parser.add_argument("--base", required=True, help="commit whose results are to stay, such as HEAD")
    parser.add_argument(
        "--preset", default="quick", help="preset that is run beside the probe (default: quick)"
    )


def run(options: argparse.Namespace) -> None:
    """Run, compare and write; see the module."""
    verdicts = requalify(options.base, Path(), options.preset)
    for verdict in verdicts:
        if verdict.reasons:
            print(f"{verdict.part} ({verdict.digest}) stands for nothing but itself:")
            print("".join(f"  {reason}\n" for reason in verdict.reasons), end="")
        else:
            print(f"{verdict.part} ({verdict.digest}) stands for {verdict.stands_for}: {verdict.evidence}.")
    add_to_ledger(verdicts, LEDGER)
    refused = [verdict.part for verdict in verdicts if verdict.reasons]
    if refused:
        raise UserError(
            f"{len(refused)} of {len(verdicts)} changed parts of the code may give other results: "
            f"{', '.join(refused)}. What they make is stale."
        )
    print(f"All {len(verdicts)} changed parts of the code give the results of {options.base}.")
