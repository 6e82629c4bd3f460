"""All planted bugs, and the table of what caught each."""

from tests.mutants.annealing import ANNEALING
from tests.mutants.checking import CHECKING
from tests.mutants.densities import DENSITIES
from tests.mutants.estimators import ESTIMATORS
from tests.mutants.mutant import Check, Mutant
from tests.mutants.summaries import SUMMARIES
from tests.mutants.transitions import TRANSITIONS

__all__ = ["CHECKS", "MUTANTS", "table"]

MUTANTS: list[Mutant] = [*DENSITIES, *TRANSITIONS, *ANNEALING, *ESTIMATORS, *SUMMARIES, *CHECKING]
CHECKS: dict[str, Check] = {mutant.check.name: mutant.check for mutant in MUTANTS}


def table() -> list[tuple[str, str, str]]:
    """Return name, description and the name of the test that catches it, of each mutant."""
    return [(mutant.name, mutant.description, mutant.check.name) for mutant in MUTANTS]
