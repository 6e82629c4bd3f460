"""The paper's values: as data with a status, and errors that say what to write."""

from pathlib import Path

import pytest

from inference_gaps.errors import UserError
from inference_gaps.replication.analysis.published import published_columns, read_published

PUBLISHED = Path(__file__).parents[2] / "paper" / "published.csv"


def test_published_gaps_are_the_differences_of_published_bounds() -> None:
    columns = published_columns(read_published(PUBLISHED), 2)
    assert len(columns) == 6
    for (_, family), lines in columns.items():
        value = lines["value"]
        best = value[f"elbo_local_{family}"]
        assert value["approximation_gap"] == pytest.approx(value["log_p_best"] - best, abs=0.006)
        assert value["amortization_gap"] == pytest.approx(best - value["elbo_amortized"], abs=0.006)
        assert value["inference_gap"] == pytest.approx(
            value["log_p_best"] - value["elbo_amortized"], abs=0.006
        )


def test_no_table_has_no_columns() -> None:
    frame = read_published(PUBLISHED)
    assert published_columns(frame, None) == {}
    assert published_columns(frame, 99) == {}


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("recalled", "certain", "has the status 'certain'; write one of verified, recalled, uncertain"),
        ("nats", "bits", "must give every value as a number in nats"),
        ("-89.80", "many", "must give every value as a number in nats"),
        ("quantity", "what", "lacks the column quantity"),
    ],
)
def test_a_damaged_file_is_a_sentence(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    path = tmp_path / "published.csv"
    path.write_text(PUBLISHED.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(UserError) as error:
        read_published(path)
    assert sentence in str(error.value)


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist; restore it"):
        read_published(tmp_path / "published.csv")
