"""Jobs, and the set of them that a study consists of."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from inference_gaps.errors import UserError
from inference_gaps.replication.analysis.sources import file_digest
from inference_gaps.replication.artifacts.code import code_of, families_named
from inference_gaps.replication.artifacts.fingerprints import fingerprint
from inference_gaps.replication.stages import STAGES
from inference_gaps.specs.base import Spec

__all__ = ["Job", "Jobs", "derived_seed"]


@dataclass(frozen=True)
class Job:
    """One call of a stage.

    Attributes:
        stage: its name, such as ``evaluate-iwae``.
        spec: what it is asked to do.
        inputs: the files that it reads, by role.
        outputs: the files that it makes, by role; all carry the same fingerprint.
        read: the fingerprint of each of ``inputs`` that a job makes, and the digest of each other, by role.
        digests: of what it reads beside ``inputs``, by role.
        code: the digest of each part of its code.
        fingerprint: hash of everything that decides what it makes.
    """

    stage: str
    spec: Spec
    inputs: Mapping[str, Path]
    outputs: Mapping[str, Path]
    read: Mapping[str, str]
    digests: Mapping[str, str]
    code: Mapping[str, str]
    fingerprint: str


class Jobs:
    """The jobs of a study by the files that they make. A job that is added twice is one job."""

    def __init__(self) -> None:
        self._by_output: dict[Path, Job] = {}

    def add(
        self,
        stage: str,
        spec: Spec,
        inputs: Mapping[str, Path],
        outputs: Mapping[str, Path],
        files: Mapping[str, Path] | None = None,
        digests: Mapping[str, str] | None = None,
    ) -> Job:
        """Add a job and return it.

        Args:
            stage: one of the table of stages.
            spec: what it is asked to do.
            inputs: what jobs added before make for it, by role.
            outputs: what it makes, by role.
            files: files of the project that it reads, by role; their content counts.
            digests: of whatever else it reads, by role.

        Raises:
            UserError: one of ``files`` cannot be read, or another job makes one of ``outputs``.
            ValueError: the table has no such stage, or one with other outputs.
        """
        if stage not in STAGES or set(outputs) != {output.role for output in STAGES[stage].outputs}:
            raise ValueError(
                f"the table of stages has no stage {stage} with the outputs {', '.join(outputs)}"
            )
        files = files or {}
        sources = {role: self._by_output[path] for role, path in inputs.items()}
        upstream = {role: source.fingerprint for role, source in sources.items()}
        upstream |= {role: file_digest(path) for role, path in files.items()}
        digests = digests or {}
        asked = spec.as_dict()
        code = code_of(stage, families_named(asked, [source.code for source in sources.values()]))
        made_by = fingerprint(stage, asked, {**upstream, **digests}, code)
        job = Job(stage, spec, {**inputs, **files}, outputs, upstream, digests, code, made_by)
        for path in outputs.values():
            other = self._by_output.setdefault(path, job)
            if other != job:
                raise UserError(
                    f"{path} would be made by {other.stage} and by {stage}; give the experiment, the model or "
                    f"the notebook that it is named after another name."
                )
        return self._by_output[next(iter(outputs.values()))]

    def __getitem__(self, output: Path | str) -> Job:
        return self._by_output[Path(output)]

    def __contains__(self, output: object) -> bool:
        return output in self._by_output

    def __iter__(self) -> Iterator[Job]:
        seen: set[int] = set()
        for job in self._by_output.values():
            if id(job) not in seen:
                seen.add(id(job))
                yield job

    def of(self, stage: str) -> list[Job]:
        """Return the jobs of a stage."""
        return [job for job in self if job.stage == stage]


def derived_seed(*names: str | int) -> int:
    """Return a fixed seed below 2**31 for a job that goes by ``names``; other names give another stream."""
    text = "/".join(map(str, names))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1
