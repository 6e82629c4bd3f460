"""Describe the whole run in a manifest, a Workflow Run RO-Crate.

Reads every artifact of a preset and the records of its jobs. Writes one JSON-LD file: each file with its SHA-256,
each job with what it read and made and when it ran. It describes this run, so its bytes differ between runs.

  inference-gaps write-manifest --preset quick --output results/quick/ro-crate-metadata.json
"""

import argparse
from pathlib import Path

from inference_gaps.replication.artifacts.files import write_bytes
from inference_gaps.replication.study.flags import add_study_flags, given_keys
from inference_gaps.replication.study.manifest import manifest
from inference_gaps.replication.study.plan import load_study

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of ``write-manifest``."""
    add_study_flags(parser)
    parser.add_argument("--experiments", nargs="+", help="as in config/config.yaml, which is the default")
    parser.add_argument("--output", required=True, type=Path, help="manifest to write (.json)")


def run(options: argparse.Namespace) -> None:
    """Describe and write; see the module."""
    study = load_study(given_keys(options), find_data=False)
    write_bytes(options.output, manifest(study))
