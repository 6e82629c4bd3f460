"""All planted bugs, and the table of what caught each; ``python -m tests.mutants.catalogue`` writes it anew."""

from pathlib import Path

from tests.mutants.annealing import ANNEALING
from tests.mutants.checking import CHECKING
from tests.mutants.claims import CLAIMS
from tests.mutants.densities import DENSITIES
from tests.mutants.estimators import ESTIMATORS
from tests.mutants.jobs import JOBS
from tests.mutants.mutant import Check, Mutant
from tests.mutants.notebooks import NOTEBOOKS
from tests.mutants.summaries import SUMMARIES
from tests.mutants.trainings import TRAININGS
from tests.mutants.transitions import TRANSITIONS

__all__ = ["CHECKS", "LIST", "MUTANTS", "as_markdown", "table"]

LIST = Path(__file__).parents[2] / "docs" / "mutants.md"

MUTANTS: list[Mutant] = [
    *DENSITIES,
    *TRANSITIONS,
    *ANNEALING,
    *TRAININGS,
    *ESTIMATORS,
    *SUMMARIES,
    *CHECKING,
    *CLAIMS,
    *JOBS,
    *NOTEBOOKS,
]
CHECKS: dict[str, Check] = {mutant.check.name: mutant.check for mutant in MUTANTS}


def table() -> list[tuple[str, str, str]]:
    """Return name, description and the name of the test that catches it, of each mutant."""
    return [(mutant.name, mutant.description, mutant.check.name) for mutant in MUTANTS]


def as_markdown() -> str:
    """Return the table as the page ``docs/mutants.md``."""
    lines = [
        "# Planted bugs",
        "",
        f"Each of these {len(MUTANTS)} bugs is planted into the running code, one at a time, and must make the",
        "test beside it fail; without it the test must pass (`tests/mutants/`, part of `make test`).",
        "",
        "| bug | what is wrong | caught by |",
        "|---|---|---|",
    ]
    lines += [
        f"| {name} | {description} | `{check.partition('[')[0]}` |" for name, description, check in table()
    ]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    LIST.write_text(as_markdown(), encoding="utf-8")
