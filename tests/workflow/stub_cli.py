"""Takes the place of the command line: makes the files that a command was asked for, and computes nothing.

Their records say what made them, as the plan has it. A training is done once at a time, and is noted when it is
done; one that outlives its Snakemake leaves its end, as the real one does.
"""

import contextlib
import hashlib
import itertools
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from inference_gaps.errors import UserError
from inference_gaps.replication.artifacts.files import (
    all_or_none,
    read_provenance,
    write_bytes,
    write_document,
)
from inference_gaps.replication.artifacts.fingerprints import make_provenance
from inference_gaps.replication.artifacts.records import canonical
from inference_gaps.replication.artifacts.store import keep_copies
from inference_gaps.replication.jobs.lock import locked
from inference_gaps.replication.stages import STAGES

_SECONDS = float(os.environ.get("STUB_SECONDS", "0"))


def _planned(made: str, fingerprint: str) -> dict:
    cache = Path(".stub-plan.json")
    plan = json.loads(cache.read_text()) if cache.exists() else {}
    name = f"{made} {fingerprint}"
    if name not in plan:
        from inference_gaps.replication.study.plan import load_study

        for job in load_study().jobs:
            inputs = {role: [str(path), job.read[role]] for role, path in job.inputs.items()}
            first = next(iter(job.outputs.values()))
            plan[f"{first} {job.fingerprint}"] = {"inputs": inputs, "digests": dict(job.digests)}
        write_bytes(cache, json.dumps(plan).encode())
    return plan[name]


def _read(path: str, digest: str) -> str | dict:
    try:
        return read_provenance(path)
    except UserError:
        return digest


def _work(provenance: dict) -> str:
    inputs = hashlib.sha256(canonical(provenance["inputs"]).encode()).hexdigest()
    return f"{provenance['fingerprint']}-{inputs[:8]}"


def _abandoned() -> bool:
    try:
        os.kill(int(os.environ.get("INFERENCE_GAPS_RUN_BY", os.getpid())), 0)
    except ProcessLookupError:
        return True
    return False


@contextlib.contextmanager
def _training(weights: Path, provenance: dict, paths: list[str]) -> Iterator[bool]:
    """Yield whether there is something to do."""
    work = _work(provenance)
    state = weights.with_name(f".{weights.name}.{work}.resume")
    with locked(weights.with_name(f".{weights.name}.lock"), lambda: time.sleep(0.1)) as waited:
        there = [read_provenance(path) for path in paths if Path(path).exists()] if waited else []
        if len(there) == len(paths) and all(_work(each) == work for each in there):
            yield False
            return
        time.sleep(0 if state.exists() else _SECONDS)
        yield True
        if not state.exists():
            with Path("trained.txt").open("a") as log:
                log.write(f"{weights.parts[1]}:{work}\n")
        state.unlink(missing_ok=True)
        if _abandoned():
            keep_copies(paths)
            state.touch()


def main() -> None:
    command, *options = sys.argv[1:]
    values = {flag: value for flag, value in itertools.pairwise(options) if flag.startswith("--")}
    if command == "train" and Path("broken").exists():
        sys.exit("inference-gaps train: the disk is full; free some space.")
    with Path("ran.txt").open("a") as log:
        log.write(f"{command}\n")
    if command != "train":
        time.sleep(_SECONDS)
    if command == "fetch-data":
        return
    if command == "write-manifest":
        from inference_gaps.replication.study.manifest import manifest
        from inference_gaps.replication.study.plan import load_study

        write_bytes(values["--output"], manifest(load_study()))
        return
    paths = [f"{values[output.flag]}{output.added}" for output in STAGES[command].outputs]
    job = _planned(paths[0], values["--fingerprint"])
    inputs = {role: _read(*source) for role, source in job["inputs"].items()} | job["digests"]
    provenance = make_provenance(command, json.loads(values["--spec"]), inputs, values["--fingerprint"])
    if os.environ.get("STUB_OTHERWISE") == command:
        provenance["fingerprint"] = "0" * 16
    training = (
        _training(Path(paths[0]), provenance, paths) if command == "train" else contextlib.nullcontext(True)
    )
    with training as to_do:
        if to_do:
            _write(paths, provenance)


def _write(paths: list[str], provenance: dict) -> None:
    with all_or_none():
        # As the commands do, the main file last.
        for path in map(Path, reversed(paths)):
            text = f"{path.name} of {json.dumps(provenance['spec'])}, work {_work(provenance)}\n"
            values = f"a\n{int(provenance['fingerprint'][:8], 16)}\n"
            write_document(path, (values if path.suffix == ".csv" else text).encode(), provenance)
