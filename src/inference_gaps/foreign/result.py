"""What a measurement found: bounds and gaps per data point, and their means with intervals."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from inference_gaps.errors import UserError
from inference_gaps.foreign.probes import Check
from inference_gaps.specs.families import FAMILIES
from inference_gaps.summary.gaps import Bounds, Quantity, quantities
from inference_gaps.summary.intervals import mean_interval
from inference_gaps.summary.trust import trusted

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Bidirectional", "Result", "points_frame", "summarise"]

GAPS = ("inference_gap", "approximation_gap", "amortization_gap")


@dataclass(frozen=True)
class Bidirectional:
    """Forward and reverse AIS on data simulated from the model, means over points in nats.

    Attributes:
        start: where chains start.
        width: reverse less forward: an upper less a lower bound on log p(x).
        error: standard error of the width over points.
        points: how many.
    """

    start: str
    width: float
    error: float
    points: int


@dataclass(frozen=True)
class Result:
    """What :func:`~inference_gaps.foreign.measure.measure` found.

    Attributes:
        points: one row per data point: every bound with its standard error and effective sample size, log p(x), the
            gaps, residuals of q*, and flags in words.
        summary: one row per quantity: ``mean``, ``ci_low``, ``ci_high`` (95 % over points), ``error`` (of the
            estimators), ``estimator`` (what stands for log p(x)), ``loose``; nats.
        checks: what was looked at.
        bidirectional: how far AIS is from log p(x) on the model's own data, per start.
        settings: what was asked for.
    """

    points: pd.DataFrame
    summary: pd.DataFrame
    checks: list[Check]
    bidirectional: list[Bidirectional]
    settings: Mapping[str, Any]

    def warnings(self) -> list[str]:
        """Return the sentences of checks that did not pass."""
        return [check.sentence for check in self.checks if check.level == "warning"]

    def __str__(self) -> str:
        """Return the summary as text."""
        lines = [f"{len(self.points)} data points; nats, means with 95 % intervals over points", ""]
        width = max(len(_title(name)) for name in self.summary.index)
        for name, row in self.summary.iterrows():
            lines.append(f"  {_title(str(name)):<{width}}  {_cell(row)}")
        for each in self.bidirectional:
            lines.append(
                f"  BDMC from {each.start}, {each.points} simulated points: upper - lower bound "
                f"{each.width:.3f} ± {each.error:.3f}"
            )
        for level, title in (("warning", "Warnings"), ("note", "Notes")):
            found = [check.sentence for check in self.checks if check.level == level]
            if found:
                lines += ["", f"{title}:", *(f"  - {sentence}" for sentence in found)]
        passed = [check.name for check in self.checks if check.level == "passed"]
        lines += ["", f"Passed: {', '.join(passed)}."]
        return "\n".join(lines)

    def plot(self) -> "Figure":
        """Draw the ladder of bounds with intervals, and the gaps of each point, sorted."""
        from inference_gaps.foreign.picture import draw

        widths = [each.width for each in self.bidirectional]
        return draw(self.points, self.summary, widths[0] if widths else None)

    def save(self, folder: Path | str) -> None:
        """Write ``points.csv``, ``summary.csv``, ``result.json``, ``summary.txt`` and ``gaps.pdf`` into a folder.

        Raises:
            UserError: the folder cannot be written.
        """
        path = Path(folder)
        try:
            path.mkdir(parents=True, exist_ok=True)
            self.points.to_csv(path / "points.csv")
            self.summary.to_csv(path / "summary.csv")
            (path / "summary.txt").write_text(f"{self}\n", encoding="utf-8")
            content = json.dumps(self.as_dict(), indent=2, ensure_ascii=False)
            (path / "result.json").write_text(f"{content}\n", encoding="utf-8")
            self.plot().savefig(path / "gaps.pdf")
        except OSError as error:
            raise UserError(
                f"{folder} cannot be written ({error.strerror or error}); name another folder."
            ) from error

    def as_dict(self) -> dict[str, Any]:
        """Return all but the single points as JSON types."""
        summary = self.summary.astype(object).where(self.summary.notna(), None)
        return {
            "summary": summary.to_dict("index"),
            "bidirectional": [vars(each) for each in self.bidirectional],
            "checks": [vars(check) for check in self.checks],
            "settings": dict(self.settings),
        }


def _title(name: str) -> str:
    """Return how a quantity is called in text."""
    words = {"log_p": "log p(x)", "elbo_amortized": "L[q]", "iwae_amortized": "IWAE from q"}
    if name in words:
        return words[name]
    for prefix, text in (
        ("elbo_local_", "L[q*_{}]"),
        ("iwae_local_", "IWAE from q*_{}"),
        ("ais_local_", "AIS from q*_{}"),
    ):
        if name.startswith(prefix):
            return text.format(_label(name.removeprefix(prefix)))
    if name == "ais_prior":
        return "AIS from the prior"
    for gap in GAPS:
        if name.startswith(f"{gap}_"):
            return f"{gap.replace('_', ' ')} of {_label(name.removeprefix(f'{gap}_'))}"
    if name.startswith("gain_"):
        return f"L[q*_{_label(name.removeprefix('gain_'))}] - L[q*_FFG]"
    return name.replace("_", " ")


def _label(key: str) -> str:
    return next((entry.label for entry in FAMILIES.values() if entry.key == key), key.upper())


def _cell(row: pd.Series) -> str:
    if row["loose"]:
        kind = "at least" if str(row.name) in ("log_p",) or "gap" in str(row.name) else "lower bound"
        return (
            f"{kind} {row['mean']:.3f} (lower bound, loose)"
            if kind == "at least"
            else f"{row['mean']:.3f} (loose)"
        )
    interval = f"[{row['ci_low']:.3f}, {row['ci_high']:.3f}]" if math.isfinite(row["ci_low"]) else ""
    by = f"  by {_title(row['estimator'])}" if row["estimator"] and row["estimator"] != row.name else ""
    return f"{row['mean']:10.3f} {interval:>22}  error {row['error']:.3f}{by}"


def _found(bounds: Bounds, families: list[str]) -> list[Quantity]:
    """Return bounds, log p(x), and the gaps of each family, the first without its name."""
    found: dict[str, Quantity] = {}
    for index, family in enumerate(families or ["ffg"]):
        for each in quantities(bounds, family):
            if each.name.endswith("_paper") or each.name == "amortization_minus_approximation":
                continue
            name = "log_p" if each.name == "log_p_best" else each.name
            if index and name in GAPS[1:]:
                name = f"{name}_{FAMILIES[family].key}"
            found.setdefault(name, each)
    return [Quantity(**{**vars(each), "name": name}) for name, each in found.items()]


def summarise(bounds: Bounds, families: list[str]) -> pd.DataFrame:
    """Return means over points with their intervals and errors.

    An interval covers the spread between points, and reaches up by how far log mean weights may fall short. What is
    loose has neither interval nor error.

    Args:
        bounds: at data points.
        families: of q*, the first one that of the gaps.
    """
    rows = []
    for each in _found(bounds, families):
        interval = mean_interval(each.per_point.to_numpy(dtype=np.float64))
        rows.append(
            {
                "quantity": each.name,
                "mean": interval.mean,
                "ci_low": np.nan if each.loose else interval.low,
                "ci_high": np.nan if each.loose else interval.high + each.shortfall,
                "error": np.nan if each.loose else each.error,
                "estimator": each.estimator,
                "loose": each.loose,
                "n_points": len(each.per_point),
            }
        )
    return pd.DataFrame(rows).set_index("quantity")


def points_frame(bounds: Bounds, families: list[str], others: Mapping[str, pd.Series]) -> pd.DataFrame:
    """Return one row per data point; an error is given only where enough weights count.

    Args:
        bounds: at data points.
        families: as of :func:`summarise`.
        others: further columns.
    """
    columns: dict[str, Any] = {}
    for each in _found(bounds, families):
        columns[each.name] = each.per_point
        if each.name not in bounds.value:
            continue
        error = bounds.standard_error[each.name]
        sizes = bounds.effective_sample_size
        if sizes is not None and each.name in sizes:
            columns[f"{each.name}_standard_error"] = error.where(trusted(sizes[each.name], error))
            columns[f"{each.name}_effective_sample_size"] = sizes[each.name]
        else:
            columns[f"{each.name}_standard_error"] = error
    frame = pd.DataFrame({**columns, **others})
    frame.index.name = "point"
    return frame
