"""Where a notebook finds the results of a run: opened in Jupyter, or executed by the workflow."""

import os
from dataclasses import dataclass
from pathlib import Path

from inference_gaps.errors import UserError
from inference_gaps.replication.artifacts.files import read_provenance
from inference_gaps.replication.artifacts.fingerprints import identity
from inference_gaps.replication.artifacts.layout import Layout

__all__ = ["PRESET_VARIABLE", "FinishedRun", "finished_run"]

PRESET_VARIABLE = "INFERENCE_GAPS_PRESET"
"""Environment variable by which the workflow tells a notebook which preset it is executed for."""


@dataclass(frozen=True)
class FinishedRun(Layout):
    """Paths of a preset whose results are there."""

    def data_of(self, model: str, seed: int) -> Path:
        """Return the prepared data that a model was trained on.

        Raises:
            UserError: the model or its data are not there.
        """
        weights = self.weights(model, seed)
        wanted = read_provenance(weights)["inputs"].get("data")
        for path in sorted(self.data("any").parent.glob("*.safetensors")):
            if identity(read_provenance(path)) == wanted:
                return path
        raise UserError(f"the data that {weights} was trained on are not there; run 'make' first.")


def finished_run(preset: str) -> FinishedRun:
    """Return the run of a preset, found here or in a folder above.

    Raises:
        UserError: there are no results of this preset.
    """
    here = Path.cwd()
    for top in (here, *here.parents):
        if (top / "results" / preset).is_dir():
            return FinishedRun(preset, Path(os.path.relpath(top, here)))
    raise UserError(f"there are no results of preset {preset} here; run 'make PRESET={preset}' first.")
