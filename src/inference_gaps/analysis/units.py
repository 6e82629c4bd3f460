"""How many latent units of a model are in use.

Burda et al., *Importance Weighted Autoencoders*, 2015 (arXiv 1509.00519), section 5.2: a unit is active if the mean
of q(z_u|x) has a variance between images above a hundredth.
"""

from pathlib import Path

import pandas as pd

from inference_gaps.artifact_kinds import values_of

__all__ = ["count_active", "read_units"]

_ACTIVE = 0.01


def read_units(path: Path) -> pd.DataFrame:
    """Read what ``evaluate-units`` made: unit, activity.

    Raises:
        UserError: the file is missing, damaged, or another one.
    """
    return values_of(path, "evaluate-units", ("unit", "activity"))[0]


def count_active(units: pd.DataFrame) -> int:
    """Return how many units are active."""
    return int((units["activity"] > _ACTIVE).sum())
