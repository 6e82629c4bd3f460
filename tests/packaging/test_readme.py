"""What the README says in numbers is what lies in the repository."""

import re
from pathlib import Path

from scripts.readme_results import BEGIN, END, results_of
from tests.mutants.catalogue import MUTANTS

TOP = Path(__file__).parents[2]
README = (TOP / "README.md").read_text(encoding="utf-8")


def test_its_tables_are_those_of_the_published_run() -> None:
    shown = README.partition(BEGIN)[2].partition(END)[0].strip()
    assert shown == results_of(TOP, "laptop"), "run 'python scripts/readme_results.py laptop'"


def test_it_counts_the_planted_bugs() -> None:
    assert re.findall(r"(\d+) planted bugs", README) == [str(len(MUTANTS))]
