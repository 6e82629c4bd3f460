"""List what was set aside of other settings of a preset (results/.store), or remove it for good.

A run moves there what the study does not ask for, and takes back what it asks for again. config/config.yaml bounds
it: store_gigabytes. What no stage made is listed as unknown; it is only removed by --empty.

  inference-gaps store --preset quick
  inference-gaps store --preset quick --empty
"""

import argparse
from pathlib import Path

from inference_gaps.replication.artifacts.layout import Layout
from inference_gaps.replication.artifacts.store import Entry, Store, in_words
from inference_gaps.replication.config.loading import chosen_preset
from inference_gaps.replication.jobs.run_lock import refuse_while_running
from inference_gaps.replication.study.flags import add_study_flags, given_keys

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of ``store``."""
    add_study_flags(parser)
    parser.add_argument("--empty", action="store_true", help="remove all of it")


def run(options: argparse.Namespace) -> None:
    """List, or remove; see the module."""
    layout = Layout(chosen_preset(Path(), given_keys(options)))
    store = Store(layout)
    entries = store.entries()
    for entry in entries:
        print(_line(entry))
    size = sum(entry.size for entry in entries)
    if not entries:
        print(f"There is nothing set aside of preset {layout.preset}.")
    elif options.empty:
        refuse_while_running("Nothing was removed.")
        store.remove(entries)
        print(f"Removed {in_words(size)}.")
    else:
        print(f"{in_words(size)} in {store.folder}; inference-gaps store --empty removes it.")


def _line(entry: Entry) -> str:
    what = entry.provenance["command"] if entry.provenance else "unknown"
    more = f" and {len(entry.files) - 1} more" if len(entry.files) > 1 else ""
    return f"{entry.since:%Y-%m-%d %H:%M}  {in_words(entry.size):>8}  {what:<20} {entry.files[0]}{more}"
