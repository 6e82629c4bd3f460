"""What an artifact holds, checked before a stage uses it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from inference_gaps.errors import UserError
from inference_gaps.replication.artifacts.files import Provenance, read_values

if TYPE_CHECKING:
    import pandas as pd
    import torch

__all__ = ["require_finite", "values_of"]


def require_finite(path: Path | str, tensors: "dict[str, torch.Tensor]") -> None:
    """Make sure that all numbers of a tensor file are finite.

    Raises:
        UserError: one is not.
    """
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise UserError(
                f"{path} holds numbers that are not finite, in {name}; what made it went wrong, so move it "
                f"away, and look at its training curve before its stage is run again."
            )


def values_of(
    path: Path | str, command: str, numbers: Sequence[str], words: Sequence[str] = ()
) -> "tuple[pd.DataFrame, Provenance]":
    """Read a values file and make sure that it is one of ``command``, with the columns that a reader needs.

    Args:
        path: the file.
        command: the subcommand that makes such files.
        numbers: columns that hold numbers; a missing number is NaN.
        words: columns that hold text.

    Raises:
        UserError: the file is missing, damaged, of another stage, or lacks a column.
    """
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    frame, provenance = read_values(path, command)
    for name in (*numbers, *words):
        if name not in frame:
            raise UserError(f"{path} lacks the column {name}; move it away and run '{command}' again.")
    for name in numbers:
        if not is_numeric_dtype(frame[name]) or is_bool_dtype(frame[name]):
            raise UserError(
                f"{path} holds something else than numbers in its column {name}; move it away and run '{command}' "
                f"again."
            )
    return frame, provenance
