"""Calling the commands in this process, as a person calls them."""

import json

from inference_gaps.replication.cli import main
from inference_gaps.specs.base import Spec

__all__ = ["arguments", "run"]


def arguments(command: str, **flags: object) -> list[str]:
    """Return a command line; a specification is written as JSON."""
    words = [command]
    for name, value in flags.items():
        text = value.as_json() if isinstance(value, Spec) else value
        words += [f"--{name.replace('_', '-')}", json.dumps(text) if isinstance(text, dict) else str(text)]
    return words


def run(command: str, **flags: object) -> None:
    """Run a command that must succeed."""
    assert main(arguments(command, **flags)) == 0
