"""Read a data set, binarise it and cut it into splits.

  inference-gaps prepare-data --dataset mnist-small --binarisation static \\
      --folder data/embedded/mnist-small --output mnist.safetensors

The digests of the raw files are checked. Binarisations: static (one Bernoulli draw per pixel with probability
grey/255, --seed), threshold (1 where grey/255 >= 1/2), grey256 (grey levels; models read grey/256), given (the
files are binary). --spec takes the whole PrepareSpec as JSON instead; specs/data.py lists its keys.
"""

import argparse
from pathlib import Path
from typing import get_args

from inference_gaps.errors import UserError
from inference_gaps.replication.artifacts.fingerprints import make_provenance
from inference_gaps.replication.config.datasets import find_dataset
from inference_gaps.replication.data.contents import unpinned_digests
from inference_gaps.replication.data.preparation import prepare_splits
from inference_gaps.replication.data.prepared import save_prepared
from inference_gaps.specs.data import Binarisation, PrepareSpec

__all__ = ["add_arguments", "run"]

_DATASETS = Path("config") / "datasets.yaml"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of ``prepare-data``."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--spec", help="PrepareSpec as JSON, or a file that holds it")
    what.add_argument("--dataset", help="name of a data set of config/datasets.yaml")
    parser.add_argument("--binarisation", choices=get_args(Binarisation), help="needed with --dataset")
    parser.add_argument("--seed", type=_seed, default=0, help="of the static binarisation (default 0)")
    parser.add_argument("--folder", required=True, type=Path, help="folder that holds the raw files")
    parser.add_argument("--output", required=True, type=Path, help="prepared data to write (.safetensors)")


def _seed(text: str) -> int:
    if not text.isdecimal() or int(text) >= 2**31:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number from 0 to 2147483647")
    return int(text)


def _specification(options: argparse.Namespace) -> PrepareSpec:
    if options.spec is not None:
        spec = PrepareSpec.from_argument(options.spec)
    elif options.binarisation is None:
        raise UserError("--dataset needs --binarisation: static, threshold, grey256 or given.")
    else:
        dataset = find_dataset(_DATASETS, options.dataset)
        spec = PrepareSpec(dataset=dataset, binarisation=options.binarisation, seed=options.seed)
    # Another mirror of the same bytes is the same data, with the same fingerprint.
    return spec.model_copy(update={"dataset": spec.dataset.model_copy(update={"sources": []})})


def run(options: argparse.Namespace) -> None:
    """Prepare and write; see the module."""
    spec = _specification(options)
    inputs = unpinned_digests(spec.dataset, options.folder)
    provenance = make_provenance("prepare-data", spec.as_dict(), inputs, options.fingerprint)
    splits = prepare_splits(spec, options.folder)
    save_prepared(options.output, spec, splits, provenance)
