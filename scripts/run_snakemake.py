"""Run Snakemake in this folder: one run at a time, and without unlocking by hand after one that was killed.

    python scripts/run_snakemake.py [--preset P] [--data-folder D] [--copies C] [--page] ARGUMENTS OF SNAKEMAKE

The flags stand for keys of config/config.yaml, as they do for the commands of inference-gaps. --page has Snakemake
write its own report on the run, one page to browse.
"""

import argparse
import json
import os
import sys
from pathlib import Path

from inference_gaps.errors import UserError
from inference_gaps.replication.artifacts.layout import Layout
from inference_gaps.replication.config.loading import chosen_preset
from inference_gaps.replication.jobs.run_lock import hold_run, running
from inference_gaps.replication.study.flags import add_study_flags, given_keys
from inference_gaps.replication.warm.start import start_server

__all__ = ["main"]

_STATE = Path(".snakemake")
_SNAKEMAKE = str(Path(sys.executable).parent / "snakemake")


def _words(arguments: list[str]) -> list[str]:
    """Return the arguments of Snakemake.

    Raises:
        UserError: they are not valid.
    """
    parser = argparse.ArgumentParser(
        prog="snakemake", allow_abbrev=False, usage="see scripts/run_snakemake.py"
    )
    add_study_flags(parser)
    parser.add_argument("--page", action="store_true")
    options, words = parser.parse_known_args(arguments)
    given = given_keys(options)
    if options.page:
        words += ["--report", str(Layout(chosen_preset(Path(), given)).page)]
    if os.environ.get("SNAKEMAKE_OUTPUT_CACHE"):
        words.append("--cache")
    if given:
        # In JSON, which is YAML, a text stays one where it looks like a number.
        words += [
            "--config",
            *(f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in given.items()),
        ]
    return words


def _hold() -> None:
    try:
        free = hold_run(_STATE)
    except OSError as error:
        raise UserError(
            f"{_STATE.resolve()} cannot be locked ({error.strerror}); make this folder writable."
        ) from error
    if not free:
        raise UserError(
            f"another run is going on in this folder ({running(_STATE)}); wait until it has ended, or stop it. "
            f"Nothing was started."
        )


def main(arguments: list[str]) -> int:
    """Become Snakemake with ``arguments``, or return an exit status."""
    try:
        words = _words(arguments)
        _hold()
    except UserError as error:
        print(f"snakemake: {error}", file=sys.stderr)
        return 1
    if "--report" not in words:
        start_server(_STATE / "warm.log")
    os.execv(_SNAKEMAKE, [_SNAKEMAKE, *words])
    raise AssertionError("execv does not return")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
