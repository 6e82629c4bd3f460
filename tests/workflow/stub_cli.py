"""Takes the place of the command line: makes the files that a command was asked for, and computes nothing.

Their records say what made them, as the plan has it.
"""

import itertools
import json
import os
import sys
import time
from pathlib import Path

from inference_gaps.errors import UserError
from inference_gaps.replication.artifacts.files import (
    all_or_none,
    read_provenance,
    write_bytes,
    write_document,
)
from inference_gaps.replication.artifacts.fingerprints import make_provenance
from inference_gaps.replication.stages import STAGES


def _planned(fingerprint: str) -> dict:
    cache = Path(".stub-plan.json")
    plan = json.loads(cache.read_text()) if cache.exists() else {}
    if fingerprint not in plan:
        from inference_gaps.replication.study.plan import load_study

        for job in load_study().jobs:
            inputs = {role: [str(path), job.read[role]] for role, path in job.inputs.items()}
            plan[job.fingerprint] = {"inputs": inputs, "digests": dict(job.digests)}
        write_bytes(cache, json.dumps(plan).encode())
    return plan[fingerprint]


def _read(path: str, digest: str) -> str | dict:
    try:
        return read_provenance(path)
    except UserError:
        return digest


def main() -> None:
    command, *options = sys.argv[1:]
    values = {flag: value for flag, value in itertools.pairwise(options) if flag.startswith("--")}
    if command == "train" and Path("broken").exists():
        sys.exit("inference-gaps train: the disk is full; free some space.")
    with Path("ran.txt").open("a") as log:
        log.write(f"{command}\n")
    time.sleep(float(os.environ.get("STUB_SECONDS", "0")))
    if command == "fetch-data":
        return
    if command == "write-manifest":
        from inference_gaps.replication.study.manifest import manifest
        from inference_gaps.replication.study.plan import load_study

        write_bytes(values["--output"], manifest(load_study()))
        return
    paths = [f"{values[output.flag]}{output.added}" for output in STAGES[command].outputs]
    job = _planned(values["--fingerprint"])
    inputs = {role: _read(*source) for role, source in job["inputs"].items()} | job["digests"]
    provenance = make_provenance(command, json.loads(values["--spec"]), inputs, values["--fingerprint"])
    if os.environ.get("STUB_OTHERWISE") == command:
        provenance["fingerprint"] = "0" * 16
    with all_or_none():
        # As the commands do, the main file last.
        for path in map(Path, reversed(paths)):
            text = f"{path.name} of {json.dumps(provenance['spec'])}\n"
            values = f"a\n{int(provenance['fingerprint'][:8], 16)}\n"
            write_document(path, (values if path.suffix == ".csv" else text).encode(), provenance)
