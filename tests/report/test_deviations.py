"""The list of deviations is numbered and complete."""

from pathlib import Path

import pytest

from inference_gaps.errors import UserError
from inference_gaps.replication.config.deviations import read_deviations

DEVIATIONS = Path(__file__).parents[2] / "paper" / "deviations.yaml"


def test_deviations_are_numbered_without_gaps_and_say_their_effect() -> None:
    entries = read_deviations(DEVIATIONS)
    assert [entry["id"] for entry in entries] == [f"D{number}" for number in range(1, len(entries) + 1)]
    assert all(entry["effect"] for entry in entries)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("- id: D1\n  topic: x\n", "Entry 1 of .* must have exactly the keys id, topic"),
        ("- [", "is not valid YAML"),
    ],
)
def test_a_damaged_list_is_a_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "deviations.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=sentence):
        read_deviations(path)
