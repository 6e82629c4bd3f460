"""Takes the place of the command line: makes the files that a command was asked for, and computes nothing.

Each says what made it, as the plan has it.
"""

import hashlib
import itertools
import json
import struct
import sys
from pathlib import Path

from inference_gaps.errors import UserError
from inference_gaps.replication.artifacts.files import read_provenance, write_bytes
from inference_gaps.replication.artifacts.fingerprints import make_provenance
from inference_gaps.replication.artifacts.signing import canonical, digest_of, signed
from inference_gaps.replication.stages import STAGES

_EMPTY = {
    ".html": b"<p>text</p>\n",
    ".json": b"{}",
    ".md": b"text\n",
    ".pdf": b"%PDF\nstartxref\n0\n%%EOF\n",
    ".png": b"\x89PNG\r\n\x1a\n\0\0\0\0IEND\xaeB`\x82",
    ".tex": b"text\n",
}


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


def _write(path: Path, provenance: dict) -> None:
    if path.suffix == ".csv":
        made_by = canonical({**provenance, "sha256": digest_of(provenance, b"a\n1\n")})
        write_bytes(path, f"# {made_by}\na\n1\n".encode())
    elif path.suffix == ".safetensors":
        digest = hashlib.sha256(digest_of(provenance, b"").encode()).hexdigest()
        metadata = {"provenance": canonical({**provenance, "sha256": digest})}
        header = json.dumps({"__metadata__": metadata}).encode()
        write_bytes(path, struct.pack("<Q", len(header)) + header)
    else:
        write_bytes(path, signed(path.suffix, _EMPTY[path.suffix], provenance))


def main() -> None:
    command, *options = sys.argv[1:]
    values = {flag: value for flag, value in itertools.pairwise(options) if flag.startswith("--")}
    if command == "train" and Path("broken").exists():
        sys.exit("inference-gaps train: the disk is full; free some space.")
    with Path("ran.txt").open("a") as log:
        log.write(f"{command}\n")
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
    for path in map(Path, paths):
        _write(path, provenance)
