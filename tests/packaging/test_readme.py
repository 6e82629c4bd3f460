"""What the README says in numbers is what lies in the repository."""

from pathlib import Path

import pytest

from scripts.readme_results import between_marks, marks, parts

TOP = Path(__file__).parents[2]
README = (TOP / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "preset"), marks(README))
def test_its_tables_are_those_of_the_files(name: str, preset: str) -> None:
    shown = parts(TOP, preset)[name]
    assert between_marks(README, name, preset)[1] == shown, "run 'python scripts/readme_results.py'"


def test_it_shows_both_published_runs() -> None:
    of_weekend = {(name, "weekend") for name in ("summary", "verdicts", "gaps")}
    assert set(marks(README)) == {*of_weekend, ("gaps", "laptop")}
