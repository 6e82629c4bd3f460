"""The values that the paper publishes, with how sure we are of each."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from inference_gaps.errors import UserError
from inference_gaps.specs.families import FAMILIES, family_named

__all__ = ["PAPER_NAMES", "STATUS_WORDS", "least_sure", "published_columns", "read_nats", "read_published"]

_COLUMNS = ["table", "dataset", "trained_with", "quantity", "value", "unit", "status"]
PAPER_NAMES = {"mnist": "MNIST", "fashion-mnist": "Fashion-MNIST", "cifar10": "CIFAR-10 (3-bit)"}
STATUS_WORDS = {
    "verified": "compared with the paper",
    "recalled": "recalled from memory, unverified",
    "uncertain": "recalled from memory with doubts, unverified",
}


def read_nats(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Read a CSV file with the columns value and unit, all in nats, and others.

    Raises:
        UserError: the file is missing, lacks one of ``columns``, or holds a value that is no number of nats.
    """
    try:
        frame = pd.read_csv(path)
    except FileNotFoundError as error:
        raise UserError(f"{path} does not exist; restore it from the repository.") from error
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read as CSV ({error}); restore it from the repository.") from error
    missing = [column for column in columns if column not in frame]
    if missing:
        raise UserError(f"{path} lacks the column {missing[0]}; its first line must be: {','.join(columns)}")
    if not (frame["unit"] == "nats").all() or not pd.api.types.is_numeric_dtype(frame["value"]):
        raise UserError(
            f"{path} must give every value as a number in nats; correct the columns value and unit."
        )
    return frame


def read_published(path: Path) -> pd.DataFrame:
    """Read ``published.csv``: one published value a line, in nats, with its status.

    Raises:
        UserError: the file is missing, lacks a column, or holds a status or unit that is not known.
    """
    frame = read_nats(path, _COLUMNS)
    unknown = sorted(set(frame["status"].astype(str)) - set(STATUS_WORDS))
    if unknown:
        raise UserError(f"{path} has the status {unknown[0]!r}; write one of {', '.join(STATUS_WORDS)}.")
    return frame


def published_columns(frame: pd.DataFrame, table: int | None) -> dict[tuple[str, str], pd.DataFrame]:
    """Return the lines of one published table by (data set, training family) in our words.

    The keys are such as ``("fashion-mnist", "ffg")``; the frames are indexed by quantity, in our names.
    """
    ours = {name: key for key, name in PAPER_NAMES.items()}
    local = {f"elbo_local_{entry.label}": f"elbo_local_{entry.key}" for entry in FAMILIES.values()}
    names = {"log_p": "log_p_best", **local}
    chosen = frame[frame["table"] == table] if table is not None else frame.iloc[:0]
    chosen = chosen.assign(quantity=chosen["quantity"].replace(names))
    return {
        (ours[str(dataset)], family_named(str(family))): lines.set_index("quantity")
        for (dataset, family), lines in chosen.groupby(["dataset", "trained_with"], sort=False)
        if str(dataset) in ours
    }


def least_sure(statuses: Iterable[str]) -> str:
    """Return the status that is least sure."""
    return max(statuses, key=list(STATUS_WORDS).index)
