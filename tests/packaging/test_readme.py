"""What the README says in numbers is what lies in the repository."""

import re
from pathlib import Path

import pytest

from scripts.readme_results import between_marks, parts
from tests.mutants.catalogue import MUTANTS

TOP = Path(__file__).parents[2]
README = (TOP / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "content"), parts(TOP, "laptop").items())
def test_its_tables_are_those_of_the_files(name: str, content: str) -> None:
    assert between_marks(README, name)[1] == content, "run 'python scripts/readme_results.py laptop'"


def test_it_counts_the_planted_bugs() -> None:
    assert re.findall(r"(\d+) planted bugs", README) == [str(len(MUTANTS))]
