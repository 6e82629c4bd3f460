"""All planted bugs; ``python -m tests.mutants.catalogue`` prints what caught each."""

from tests.mutants.annealing import ANNEALING
from tests.mutants.checking import CHECKING
from tests.mutants.claims import CLAIMS
from tests.mutants.densities import DENSITIES
from tests.mutants.estimators import ESTIMATORS
from tests.mutants.foreign import FOREIGN
from tests.mutants.jobs import JOBS
from tests.mutants.mutant import Check, Mutant
from tests.mutants.summaries import SUMMARIES
from tests.mutants.trainings import TRAININGS
from tests.mutants.transitions import TRANSITIONS

__all__ = ["CHECKS", "MUTANTS"]

MUTANTS: list[Mutant] = [
    *DENSITIES,
    *TRANSITIONS,
    *ANNEALING,
    *TRAININGS,
    *ESTIMATORS,
    *SUMMARIES,
    *FOREIGN,
    *CHECKING,
    *CLAIMS,
    *JOBS,
]
CHECKS: dict[str, Check] = {mutant.check.name: mutant.check for mutant in MUTANTS}


if __name__ == "__main__":
    for mutant in MUTANTS:
        print(f"{mutant.name}: {mutant.description} ({mutant.check.name})")
