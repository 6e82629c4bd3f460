"""Which latent units a model uses.

Reference: Burda et al., *Importance Weighted Autoencoders*, 2015, section 5.2.
"""

from collections.abc import Iterable
from pathlib import Path

from inference_gaps.replication.artifacts.checks import values_of

__all__ = ["ACTIVE_ABOVE", "active_units", "count_active"]

ACTIVE_ABOVE = 0.01
"""A unit is active if the variance over images of its mean in q(z|x) is larger than this."""


def count_active(activity: Iterable[float]) -> int:
    """Return how many units are active, by the activity of each."""
    return sum(value > ACTIVE_ABOVE for value in activity)


def active_units(path: Path) -> int:
    """Return how many units of a model are active, by the file that ``evaluate-units`` wrote.

    Raises:
        UserError: the file is missing, damaged, or of another stage.
    """
    return count_active(values_of(path, "evaluate-units", ("unit", "activity"))[0]["activity"])
