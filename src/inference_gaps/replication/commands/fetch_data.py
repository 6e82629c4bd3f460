"""Download the files of a data set, resume and verify them.

  inference-gaps fetch-data --dataset mnist --output-folder data/downloads/mnist

Addresses are tried in turn. A transfer that breaks off resumes where it stopped, also in a later run. A file is
kept only if it has the SHA-256 that config/datasets.yaml pins. A file that is there and right is not fetched again.
"""

import argparse
from pathlib import Path

from inference_gaps.replication.config.datasets import find_dataset
from inference_gaps.replication.data.download import fetch_dataset
from inference_gaps.replication.specs.data import DatasetSpec

__all__ = ["add_arguments", "run"]

_DATASETS = Path("config") / "datasets.yaml"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of ``fetch-data``."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--spec", help="DatasetSpec as JSON, or a file that holds it")
    what.add_argument("--dataset", help="name of a data set of config/datasets.yaml")
    parser.add_argument("--output-folder", required=True, type=Path, help="folder for the files")


def run(options: argparse.Namespace) -> None:
    """Download; see the module."""
    if options.spec is not None:
        dataset = DatasetSpec.from_argument(options.spec)
    else:
        dataset = find_dataset(_DATASETS, options.dataset)
    fetch_dataset(dataset, options.output_folder)
