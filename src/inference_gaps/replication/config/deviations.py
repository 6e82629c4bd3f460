"""The numbered deviations from the paper, as ``paper/deviations.yaml`` lists them."""

from pathlib import Path

from inference_gaps.errors import UserError
from inference_gaps.replication.config.yaml_files import read_yaml

__all__ = ["read_deviations"]

_KEYS = ("id", "topic", "paper_or_code", "ours", "why", "effect")


def read_deviations(path: Path) -> list[dict[str, str]]:
    """Read the numbered deviations from the paper.

    Raises:
        UserError: the file is missing, is not YAML, or an entry lacks a key or has an unknown one.
    """
    entries, problems = read_yaml(path, str(path))
    if problems:
        raise UserError(" ".join(problems))
    if not isinstance(entries, list):
        raise UserError(f"{path} must hold a list of deviations, each with the keys {', '.join(_KEYS)}.")
    for number, entry in enumerate(entries, start=1):
        if not isinstance(entry, dict) or set(entry) != set(_KEYS):
            raise UserError(f"Entry {number} of {path} must have exactly the keys {', '.join(_KEYS)}.")
    return [{key: " ".join(str(entry[key]).split()) for key in _KEYS} for entry in entries]
