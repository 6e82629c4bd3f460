"""Outputs that could never be written, found before anything is computed."""

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

from inference_gaps.errors import UserError

__all__ = ["check_outputs"]

_FILES = ("output", "metrics", "residuals", "csv", "markdown", "latex")
_FIGURE_SUFFIXES = (".pdf", ".png", ".csv")


def _outputs(options: argparse.Namespace) -> Iterator[tuple[str, Path]]:
    for name in _FILES:
        if getattr(options, name, None):
            yield f"--{name}", Path(getattr(options, name))
    if getattr(options, "output_prefix", None):
        for suffix in _FIGURE_SUFFIXES:
            yield "--output-prefix", Path(f"{options.output_prefix}{suffix}")


def _inputs(options: argparse.Namespace) -> Iterator[tuple[str, Path]]:
    for name, value in vars(options).items():
        named = name not in (*_FILES, "output_prefix", "spec") and isinstance(value, str | Path)
        if named and Path(value).is_file():
            yield f"--{name.replace('_', '-')}", Path(value)


def check_outputs(options: argparse.Namespace) -> None:
    """Make sure that the files which a command is to make can be made, as far as can be told without making them.

    Raises:
        UserError: an output is a folder, lies where nothing can be written, or is an input or another output.
    """
    try:
        _check(options)
    except OSError as error:
        raise UserError(
            f"{error.filename} is no name of a file ({error.strerror}); write another."
        ) from error


def _check(options: argparse.Namespace) -> None:
    taken = {path.absolute(): flag for flag, path in _inputs(options)}
    for flag, path in _outputs(options):
        if path.is_dir():
            raise UserError(f"{flag} is {path}, which is a folder; name a file in it.")
        if path.absolute() in taken:
            raise UserError(
                f"{flag} and {taken[path.absolute()]} are both {path}; an output needs a file of its own."
            )
        taken[path.absolute()] = flag
        folder = next(parent for parent in path.absolute().parents if parent.exists())
        if not folder.is_dir():
            raise UserError(f"{flag} is {path}, but {folder} is a file, not a folder; name another folder.")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise UserError(
                f"{flag} is {path}, but the folder {folder} cannot be written; make it writable or name another."
            )
