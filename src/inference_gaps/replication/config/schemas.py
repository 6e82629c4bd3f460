"""JSON schemas of the configuration files, so that editors complete and check them.

``python -m inference_gaps.replication.config.schemas`` writes them to ``workflow/schemas/``.
"""

import json
from pathlib import Path

from pydantic import BaseModel

from inference_gaps.replication.artifacts.files import write_bytes
from inference_gaps.replication.config.files import Claims, Datasets, Experiments, Preset, UserSettings

__all__ = ["schema_files", "write_schemas"]

_MODELS: dict[str, type[BaseModel]] = {
    "claims": Claims,
    "config": UserSettings,
    "datasets": Datasets,
    "experiments": Experiments,
    "preset": Preset,
}


def schema_files() -> dict[str, str]:
    """Return the text of each schema by the name of its file."""
    return {
        f"{name}.schema.json": json.dumps(
            {"$schema": "https://json-schema.org/draft/2020-12/schema", **model.model_json_schema()}, indent=2
        )
        + "\n"
        for name, model in _MODELS.items()
    }


def write_schemas(folder: Path) -> None:
    """Write all schemas to ``folder``."""
    for name, text in schema_files().items():
        write_bytes(folder / name, text.encode())


if __name__ == "__main__":
    write_schemas(Path("workflow/schemas"))
