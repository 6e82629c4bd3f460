"""What the summary says of the published values."""

import pandas as pd
import pytest

from inference_gaps.replication.report.findings import _published_sentences


def _column(approximation: float, amortization: float | None, status: str = "recalled") -> pd.DataFrame:
    values = {"approximation_gap": approximation, "amortization_gap": amortization, "log_p": -90.0}
    known = {name: value for name, value in values.items() if value is not None}
    return pd.DataFrame({"value": list(known.values()), "status": status}, index=pd.Index(list(known)))


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (
            [_column(1.4, 1.3), _column(0.8, 1.9)],
            ["In the paper's values (recalled, unverified), the", "1 of 2"],
        ),
        ([_column(0.8, 1.9, "verified")], ["In the paper's values, the amortization gap", "1 of 1"]),
        (
            [_column(0.8, 1.9, "verified"), _column(2, 1, "uncertain")],
            ["(recalled, unverified)", "1 of 2"],
        ),
        ([_column(0.8, None), _column(0.8, 1.9)], ["1 of 1"]),
    ],
)
def test_published_gaps_are_counted_as_sure_as_they_are(columns: list[pd.DataFrame], said: list[str]) -> None:
    (sentence,) = _published_sentences(columns)
    assert all(part in sentence for part in said)


def test_without_both_gaps_nothing_is_said() -> None:
    assert _published_sentences([_column(0.8, None)]) == []
    assert _published_sentences([]) == []
