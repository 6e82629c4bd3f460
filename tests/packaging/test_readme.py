"""What the README says in numbers is what lies in the repository."""

from pathlib import Path

import pytest

from scripts.readme_results import between_marks, parts

TOP = Path(__file__).parents[2]
README = (TOP / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "content"), parts(TOP, "laptop").items())
def test_its_tables_are_those_of_the_files(name: str, content: str) -> None:
    assert between_marks(README, name)[1] == content, "run 'python scripts/readme_results.py laptop'"
