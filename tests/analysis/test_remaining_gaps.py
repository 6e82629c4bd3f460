"""What stands for log p(x) where it is not known, and the errors of what is left to it."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from inference_gaps.replication.analysis.remaining_gaps import Reference, reference_values, remaining_gaps

POINTS = 16


def _measured(estimator: str, size: int, mean: float, error: float) -> pd.DataFrame:
    """Return an estimate whose mean over points has the standard error ``error``."""
    columns = {"estimator": estimator, "size": size, "point": range(POINTS), "passes": size, "value": mean}
    errors = {"standard_error": error * POINTS**0.5, "single_chain": np.nan, "single_chain_error": np.nan}
    return pd.DataFrame(columns | errors)


def test_the_tightest_estimate_stands_for_log_p_with_its_error() -> None:
    """Not the largest mean, which is the most noisy; what is left to it has the errors of both."""
    noisy, tight, loose = (
        _measured("ais_prior", 1000, -88.30, 0.06),
        _measured("ais_local_ffg", 1000, -88.40, 0.004),
        _measured("iwae_amortized", 100, -89.00, 0.003),
    )
    values = pd.concat([loose, noisy, tight], ignore_index=True)
    reference = reference_values(values, None)
    assert reference.chosen == "ais_local_ffg 1000"
    gaps = remaining_gaps(values, reference).set_index("estimator")
    assert gaps.loc["ais_local_ffg", ["gap", "standard_error"]].tolist() == [0.0, 0.0]
    assert gaps.loc["iwae_amortized", "gap"] == pytest.approx(0.6)
    assert gaps.loc["iwae_amortized", "standard_error"] == pytest.approx(0.005)
    assert gaps.loc["ais_prior", "gap"] == pytest.approx(-0.1)


def test_exact_values_have_no_error() -> None:
    values = _measured("iwae_amortized", 10, -89.0, 0.01)
    exact = pd.DataFrame({"quantity": "log_p", "point": range(POINTS), "value": -88.5})
    reference = reference_values(values, exact)
    assert reference.chosen is None
    gaps = remaining_gaps(values, reference)
    assert gaps["gap"].item() == pytest.approx(0.5)
    assert gaps["standard_error"].item() == pytest.approx(0.01)


def _slope(sizes: Sequence[int], gaps: Sequence[float], errors: Sequence[float]) -> float:
    """Return the slope that is found where a single chain of each size leaves so much."""
    parts = [
        _measured("ais_prior", size, -90.0, 0.01).assign(
            single_chain=-88.0 - gap, single_chain_error=error * POINTS**0.5
        )
        for size, gap, error in zip(sizes, gaps, errors, strict=True)
    ]
    reference = Reference(pd.Series(-88.0, index=range(POINTS)))
    return float(remaining_gaps(pd.concat(parts, ignore_index=True), reference)["slope"].iloc[0])


def test_the_slope_is_that_of_the_sizes_whose_gap_is_clear() -> None:
    """A gap of 40 / size, exact where it is clear; the last one is far off, and within its noise."""
    sizes, gaps, errors = (10, 40, 100, 1000), (4.0, 1.0, 0.4, 0.39), (0.1, 0.05, 0.02, 0.2)
    assert _slope(sizes, gaps, errors) == pytest.approx(-1.0)


def test_the_slope_weights_each_gap_by_its_relative_error() -> None:
    """As a library fits it; one clear gap has no slope."""
    sizes, gaps, errors = [10, 100, 1000], [4.0, 1.1, 0.2], [0.05, 0.05, 0.04]
    expected = np.polyfit(np.log(sizes), np.log(gaps), 1, w=np.divide(gaps, errors))[0]
    assert _slope(sizes, gaps, errors) == pytest.approx(expected)
    assert abs(expected - np.polyfit(np.log(sizes), np.log(gaps), 1)[0]) > 0.02
    assert np.isnan(_slope(sizes[:1], gaps[:1], errors[:1]))
