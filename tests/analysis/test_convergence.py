"""What stands for log p(x) where it is not known, and the errors of what is left to it."""

import numpy as np
import pandas as pd
import pytest

from inference_gaps.analysis.convergence import reference_values, remaining_gaps

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
