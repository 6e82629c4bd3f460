"""The data sets of ``config/datasets.yaml``, by name."""

import difflib
from pathlib import Path

from pydantic import ValidationError

from inference_gaps.errors import UserError
from inference_gaps.replication.config.yaml_files import read_yaml
from inference_gaps.replication.specs.data import DatasetSpec
from inference_gaps.specs.base import InvalidSpec

__all__ = ["find_dataset", "load_datasets"]


def load_datasets(path: Path | str) -> dict[str, DatasetSpec]:
    """Read every data set below the key ``datasets``.

    Raises:
        UserError: the file is missing, is not YAML, or describes a data set wrongly.
    """
    if not Path(path).exists():
        raise UserError(f"{path} does not exist; run the command in the top folder of the project.")
    content, problems = read_yaml(Path(path), str(path))
    if problems:
        raise UserError(" ".join(problems))
    entries = content.get("datasets") if isinstance(content, dict) else None
    if not isinstance(entries, dict):
        raise UserError(f"{path} has no key datasets that maps names to data sets; write one.")
    datasets = {}
    for name, entry in entries.items():
        try:
            datasets[str(name)] = DatasetSpec.model_validate(entry)
        except ValidationError as error:
            raise InvalidSpec(f"{path}: datasets.{name}", DatasetSpec, entry, error) from error
    return datasets


def find_dataset(path: Path | str, name: str) -> DatasetSpec:
    """Return one data set of the file.

    Raises:
        UserError: as :func:`load_datasets`, or there is no data set of this name.
    """
    datasets = load_datasets(path)
    if name in datasets:
        return datasets[name]
    close = difflib.get_close_matches(name, datasets, n=1, cutoff=0.5)
    hint = f"the nearest is {close[0]}" if close else f"choose one of {', '.join(datasets)}"
    raise UserError(f"{path} has no data set {name}; {hint}.")
