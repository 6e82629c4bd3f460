"""Flags that say which study a command is about; each stands for a key of ``config/config.yaml``."""

import argparse
import json
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from inference_gaps.replication.config.files import UserSettings

__all__ = ["add_study_flags", "flags_for", "given_keys"]


def add_study_flags(parser: argparse.ArgumentParser) -> None:
    """Declare ``--preset``, ``--data-folder`` and ``--copies``."""
    parser.add_argument("--preset", help="preset instead of the one in config/config.yaml")
    parser.add_argument("--data-folder", help="folder of data sets instead of the one in config/config.yaml")
    parser.add_argument(
        "--copies", type=_yaml, help="other copies of data sets, as in make COPIES='{cifar10: cifar10}'"
    )


def given_keys(options: argparse.Namespace) -> dict[str, Any]:
    """Return the keys of ``config/config.yaml`` that flags stand for, those that were given."""
    keys = ("preset", "data_folder", "copies", "experiments")
    return {key: getattr(options, key) for key in keys if getattr(options, key, None) is not None}


def flags_for(settings: "UserSettings") -> list[str]:
    """Return the flags with which a command is about the study of ``settings``."""
    words = ["--preset", settings.preset]
    if settings.data_folder is not None:
        words += ["--data-folder", settings.data_folder]
    return [*words, "--copies", json.dumps(settings.copies)] if settings.copies else words


def _yaml(text: str) -> Any:
    """Read what is as in a file; whether it makes sense is said with the rest of the configuration."""
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise argparse.ArgumentTypeError(
            f"is {text!r}, which is not YAML; write which copy for which data set: '{{cifar10: cifar10}}'"
        ) from error
