"""Remove the results, the figures and the report of one preset, models included.

What was downloaded stays, and so do other presets. A link is not followed: where results lie elsewhere, nothing is
removed. While a run is going on in this folder, nothing is removed either.

  inference-gaps clean --preset quick
"""

import argparse
import shutil
from pathlib import Path

from inference_gaps.errors import UserError
from inference_gaps.replication.artifacts.layout import Layout
from inference_gaps.replication.artifacts.records import record_file
from inference_gaps.replication.config.loading import chosen_preset
from inference_gaps.replication.jobs.run_lock import refuse_while_running
from inference_gaps.replication.study.flags import add_study_flags, given_keys

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of ``clean``."""
    add_study_flags(parser)


def run(options: argparse.Namespace) -> None:
    """Say what is removed, and remove it; see the module."""
    preset = chosen_preset(Path(), given_keys(options))
    layout = Layout(preset)
    paths = [
        layout.results,
        layout.store,
        layout.figures,
        layout.report,
        record_file(layout.report),
        layout.page,
    ]
    for path in paths:
        _refuse_links(path)
    found = [path for path in paths if path.exists()]
    if not found:
        print(f"There is nothing of preset {preset} here.")
        return
    refuse_while_running("Nothing was removed.")
    for path in found:
        print(f"Removing {path}", flush=True)
        try:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        except OSError as error:
            raise UserError(
                f"{error.filename} cannot be removed ({error.strerror}); make its folder writable, then run the "
                f"same command again."
            ) from error


def _refuse_links(path: Path) -> None:
    for part in (path, *path.parents):
        if part.is_symlink():
            raise UserError(
                f"{part} is a link to {part.readlink()}, and clean follows none; nothing was removed. If all "
                f"that it holds is of this project, remove it yourself."
            )
