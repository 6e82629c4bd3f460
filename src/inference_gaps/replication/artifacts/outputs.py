"""The outputs of a job: they appear together with their record, or none does."""

import contextlib
import contextvars
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference_gaps.errors import UserError
from inference_gaps.replication.artifacts.atomic import together, write_bytes
from inference_gaps.replication.artifacts.records import (
    DIGEST,
    Provenance,
    Record,
    canonical,
    read_provenance,
    record_file,
    record_text,
)
from inference_gaps.replication.artifacts.run_records import run_facts
from inference_gaps.replication.artifacts.store import keep_copies

__all__ = ["all_or_none", "record_output"]


@dataclass(frozen=True)
class _Output:
    path: Path
    provenance: Provenance
    sha256: str
    size: int


_outputs: contextvars.ContextVar[list[_Output] | None] = contextvars.ContextVar("outputs", default=None)


@contextlib.contextmanager
def all_or_none() -> Iterator[None]:
    """Let the artifacts that are written inside the block appear together at its end with their record, or none.

    A block inside another one is part of that.
    """
    if _outputs.get() is not None:
        yield
        return
    outputs: list[_Output] = []
    token = _outputs.set(outputs)
    try:
        with together():
            yield
            _keep_others(outputs)
            _write_records(outputs)
            # Killed before the new records are there, the files have none, rather than one that is not theirs.
            for output in outputs:
                record_file(output.path).unlink(missing_ok=True)
    finally:
        _outputs.reset(token)


def _keep_others(outputs: Iterable[_Output]) -> None:
    """Keep what another job made of the files that are about to be replaced, as a job of an earlier run may do."""
    for output in outputs:
        with contextlib.suppress(UserError):
            if read_provenance(output.path)["fingerprint"] != output.provenance["fingerprint"]:
                keep_copies([output.path])


def record_output(path: Path, provenance: Mapping[str, Any], sha256: str, size: int) -> None:
    """Note in a block of :func:`all_or_none` what is known of the file ``path`` that was written in it."""
    outputs = _outputs.get()
    assert outputs is not None, "an artifact is written in a block of all_or_none"
    made_by = {key: value for key, value in provenance.items() if key != DIGEST}
    outputs.append(_Output(path, made_by, sha256, size))


def _write_records(outputs: Iterable[_Output]) -> None:
    of_jobs: dict[tuple[Path, str], list[_Output]] = {}
    for output in outputs:
        of_jobs.setdefault((output.path.absolute().parent, canonical(output.provenance)), []).append(output)
    run = run_facts()
    for made in of_jobs.values():
        files = {each.path.name: (each.sha256, each.size) for each in made}
        record = Record(made[-1].provenance, files, run)
        write_bytes(record_file(made[-1].path), record_text(record))
