"""Say where the report, the tables and the figures of a finished run are.

inference-gaps where --preset laptop
"""

import argparse
from pathlib import Path

from inference_gaps.errors import UserError
from inference_gaps.replication.artifacts.layout import Layout
from inference_gaps.replication.config.loading import chosen_preset
from inference_gaps.replication.study.flags import add_study_flags, given_keys

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of ``where``."""
    add_study_flags(parser)


def run(options: argparse.Namespace) -> None:
    """Say it of what is there; see the module."""
    layout = Layout(chosen_preset(Path(), given_keys(options)))
    if not layout.report.is_file():
        raise UserError(f"there is no {layout.report}; run 'make' to make it.")
    print(f"The report is {layout.report}; tables are in {layout.results}, figures in {layout.figures}.")
    if layout.page.is_file() and layout.page.stat().st_mtime >= layout.report.stat().st_mtime:
        print(f"Figures, tables, notebooks and run times are in {layout.page}.")
