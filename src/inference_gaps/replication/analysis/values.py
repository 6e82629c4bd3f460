"""Reading the bounds of one model at its data points, and making sure that they are the same points."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from inference_gaps.errors import UserError
from inference_gaps.replication.analysis.sources import bdmc_files, values_files
from inference_gaps.replication.artifacts.checks import values_of
from inference_gaps.replication.artifacts.layout import Layout
from inference_gaps.replication.specs.tables import TableRowSpec
from inference_gaps.summary.gaps import Bounds, Quantity
from inference_gaps.summary.trust import stuck

__all__ = [
    "ACTIVE_ABOVE",
    "BIDIRECTIONAL",
    "active_units",
    "align",
    "count_active",
    "read_bidirectional",
    "read_bounds",
    "read_metrics",
]

BIDIRECTIONAL = ("forward", "forward_standard_error", "reverse", "reverse_standard_error")
"""Columns of a values file of ``evaluate-bdmc``, in nats."""

ACTIVE_ABOVE = 0.01
"""A unit is active if the variance over images of its mean in q(z|x) is larger than this."""

_SIZE = "effective_sample_size"
_ESTIMATE = ("point", "value", "standard_error", _SIZE)
_MOST_EXCLUDED = 0.1


def _column(posterior: str) -> str:
    return {"amortised": "amortized"}.get(posterior, posterior.replace("-", "_"))


def _one_estimator(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    if frame["point"].duplicated().any():
        raise UserError(
            f"{source} holds a data point more than once; move it away and run again the stage that makes it."
        )
    return frame.set_index("point")


def align(estimators: dict[str, pd.DataFrame], source: str) -> Bounds:
    """Join estimators (frames indexed by point: value, standard_error) over one list of points.

    A point where any estimator is not finite is left out of all of them, and counted. The effective sample sizes of
    IWAE and AIS, where they are given, say whether an estimate may stand for log p(x).

    Raises:
        UserError: the files do not hold the same points, or too many points are not finite.
    """
    first, *others = estimators
    points = estimators[first].index
    for other in others:
        if set(estimators[other].index) != set(points):
            raise UserError(
                f"The values {first} and {other} in {source} are not of the same data points "
                f"({len(points)} and {len(estimators[other])}); run both stages again with the same points."
            )
    value = pd.DataFrame({name: frame["value"] for name, frame in estimators.items()}).sort_index()
    error = pd.DataFrame({name: frame["standard_error"] for name, frame in estimators.items()}).sort_index()
    finite = pd.Series((np.isfinite(value) & np.isfinite(error)).all(axis=1), index=value.index)
    excluded = int((~finite).sum())
    if excluded > _MOST_EXCLUDED * len(value) or finite.sum() < 2:
        worst = (~np.isfinite(value) | ~np.isfinite(error)).sum().idxmax()
        raise UserError(
            f"{excluded} of {len(value)} data points in {source} have a value that is not finite, most often "
            f"in {worst}; the model did not train well, or its evaluation needs smaller steps. Look at its "
            f"training curve before anything else."
        )
    sizes = {name: frame[_SIZE] for name, frame in estimators.items() if _is_sized(name, frame)}
    size = pd.DataFrame(sizes).sort_index().loc[finite] if sizes else None
    return Bounds(value.loc[finite], error.loc[finite], excluded, effective_sample_size=size)


def _is_sized(estimator: str, frame: pd.DataFrame) -> bool:
    return _SIZE in frame and not estimator.startswith("elbo_")


def read_bidirectional(row: TableRowSpec, layout: Layout) -> list[Quantity]:
    """Read how far reverse AIS lies above forward AIS at points simulated from the model, per start of the chains.

    The quantities are ``bdmc_prior`` and ``bdmc_local_ffg``; a point that is not finite is left out.

    Raises:
        UserError: a file is missing or damaged, or too many points are not finite.
    """
    found = []
    for start, path in bdmc_files(row, layout).items():
        frame = values_of(path, "evaluate-bdmc", ("point", *BIDIRECTIONAL, "acceptance"))[0].set_index(
            "point"
        )
        gap = frame["reverse"] - frame["forward"]
        error = np.hypot(frame["forward_standard_error"], frame["reverse_standard_error"])
        finite = np.isfinite(gap) & np.isfinite(error)
        if (~finite).sum() > _MOST_EXCLUDED * len(gap) or finite.sum() < 2:
            raise UserError(
                f"{(~finite).sum()} of {len(gap)} simulated data points in {path} have a value that is not finite; "
                f"the model did not train well, or AIS needs smaller steps."
            )
        found.append(
            Quantity(
                f"bdmc_{_column(start)}",
                f"ais_{_column(start)}",
                gap[finite],
                pd.Series(error)[finite],
                excluded=int((~finite).sum()),
                stuck=stuck(frame["acceptance"]),
            )
        )
    return found


def read_metrics(path: Path) -> pd.DataFrame:
    """Read the training curves of a model: epoch, elbo, validation_elbo (NaN where not evaluated), entropy_weight.

    Raises:
        UserError: the file is missing, damaged, or another one.
    """
    return values_of(path, "train", ("epoch", "elbo", "validation_elbo", "entropy_weight"))[0]


def read_bounds(row: TableRowSpec, layout: Layout) -> Bounds:
    """Read every bound of one model, seed and split.

    The columns are ``elbo_<posterior>`` and ``iwae_<posterior>`` (``amortized``, ``local_ffg``, ...)
    and ``ais_<start>`` (``prior``, ``local_ffg``).

    Raises:
        UserError: a file is missing, damaged, or about other points than the rest.
    """
    found: dict[str, pd.DataFrame] = {}
    stuck_at: dict[str, int] = {}
    for name, path in values_files(row, layout).items():
        kind, _, of = name.partition("-")
        if kind == "ais":
            frame, _ = values_of(path, "evaluate-ais", (*_ESTIMATE, "acceptance"))
            found[f"ais_{_column(of)}"] = _one_estimator(frame, str(path))
            stuck_at[f"ais_{_column(of)}"] = stuck(frame["acceptance"])
            continue
        frame, _ = values_of(path, "evaluate-iwae", _ESTIMATE, ("bound",))
        for bound in ("elbo", "iwae"):
            if not (frame["bound"] == bound).any():
                raise UserError(
                    f"{path} holds no {bound} values; move it away and run 'evaluate-iwae' again."
                )
            found[f"{bound}_{_column(of)}"] = _one_estimator(frame[frame["bound"] == bound], str(path))
    bounds = align(found, str(layout.run(row.model, row.seed) / row.split))
    return replace(bounds, stuck=stuck_at)


def count_active(activity: Iterable[float]) -> int:
    """Return how many latent units are active, by the activity of each (Burda et al. 2015, section 5.2)."""
    return sum(value > ACTIVE_ABOVE for value in activity)


def active_units(path: Path) -> int:
    """Return how many units of a model are active, by the file that ``evaluate-units`` wrote.

    Raises:
        UserError: the file is missing, damaged, or of another stage.
    """
    return count_active(values_of(path, "evaluate-units", ("unit", "activity"))[0]["activity"])
