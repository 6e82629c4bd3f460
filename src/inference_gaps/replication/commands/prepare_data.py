"""Read a data set, binarise it and cut it into splits.

  inference-gaps prepare-data --dataset mnist-small --binarisation static \\
      --folder data/embedded/mnist-small --output mnist.safetensors

The digests of the raw files are checked. Binarisations: static (one Bernoulli draw per pixel with probability
grey/255, --seed), threshold (1 where grey/255 >= 1/2), grey256 (grey levels; models read grey/256), given (the
files are binary). --spec takes the whole PrepareSpec as JSON instead; replication/specs/data.py lists its keys.
"""

import argparse
import json
from pathlib import Path

from inference_gaps.errors import UserError
from inference_gaps.replication.artifacts.fingerprints import make_provenance
from inference_gaps.replication.config.datasets import find_dataset
from inference_gaps.replication.data.preparation import prepare_splits
from inference_gaps.replication.data.raw_files import unpinned_digests
from inference_gaps.replication.specs.data import PrepareSpec
from inference_gaps.replication.storage.prepared_data import save_prepared

__all__ = ["run"]

_DATASETS = Path("config") / "datasets.yaml"


def _specification(options: argparse.Namespace) -> PrepareSpec:
    if options.dataset is None:
        for flag, value in (("--binarisation", options.binarisation), ("--seed", options.seed)):
            if value is not None:
                raise UserError(f"{flag} goes with --dataset; with --spec, write it as a key of that.")
        spec = PrepareSpec.from_argument(options.spec)
    elif options.spec != "{}":
        raise UserError("--spec and --dataset both say what is to be prepared; leave one of them out.")
    elif options.binarisation is None:
        raise UserError("--dataset needs --binarisation: static, threshold, grey256 or given.")
    else:
        seed = options.seed or "0"
        named = {
            "dataset": find_dataset(_DATASETS, options.dataset).as_dict(),
            "binarisation": options.binarisation,
            "seed": int(seed) if seed.removeprefix("-").isdecimal() else seed,
        }
        spec = PrepareSpec.from_argument(json.dumps(named))
    # Another mirror of the same bytes is the same data, with the same fingerprint.
    return spec.model_copy(update={"dataset": spec.dataset.model_copy(update={"sources": []})})


def run(options: argparse.Namespace) -> None:
    """Prepare and write; see the module."""
    spec = _specification(options)
    inputs = unpinned_digests(spec.dataset, options.folder)
    provenance = make_provenance("prepare-data", spec.as_dict(), inputs, options.fingerprint)
    splits = prepare_splits(spec, options.folder)
    save_prepared(options.output, spec, splits, provenance)
