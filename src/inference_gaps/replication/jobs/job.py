"""The state of a job beside its output, in a hidden file named by its fingerprint, what it reads and the code.

It is saved every SAVE_SECONDS of work, and at once when a signal asks the process to end; it is removed when the
outputs have been written. A state that other code saved stays until then: whoever goes back to that code goes on
from it. The environment variable INFERENCE_GAPS_SAVE_SECONDS sets another interval.
INFERENCE_GAPS_RUN_BY is the process that looks after the job, such as a Snakemake. When that is dead at the end,
somebody may have to be shown once more that the job is done: then the state is kept, at its end.
"""

import contextlib
import glob
import hashlib
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from inference_gaps.errors import UserError
from inference_gaps.numerics.checkpoint import KeptCheckpoint, Record, position
from inference_gaps.replication.artifacts.records import Provenance, canonical, read_provenance, record_file
from inference_gaps.replication.artifacts.run_records import earlier_processes, goes_on_from
from inference_gaps.replication.artifacts.store import keep_copies
from inference_gaps.replication.jobs.lock import locked
from inference_gaps.replication.jobs.signals import Interrupted, Received, noting_signals
from inference_gaps.replication.jobs.state_file import (
    UnusableState,
    code_of_states,
    read_record,
    write_record,
)

__all__ = ["SAVE_SECONDS", "Job", "resumable", "state_path", "work_of"]

SAVE_SECONDS = 20.0
# A large state on a slow disk is saved less often, but a crash never costs more than a minute.
_LONGEST_SECONDS = 50.0
_SHARE_OF_TIME = 1 / 30
_POLL_SECONDS = 0.5


def work_of(provenance: Provenance) -> str:
    """Return a name of what is computed: the fingerprint of a job, and a digest of its very inputs."""
    inputs = hashlib.sha256(canonical(provenance["inputs"]).encode()).hexdigest()
    return f"{provenance['fingerprint']}-{inputs[:8]}"


def state_path(output: Path | str, provenance: Provenance) -> Path:
    """Return where the state of the job that makes ``output`` is kept."""
    output = Path(output)
    return output.with_name(f".{output.name}.{_state_of(provenance)}.resume")


def _state_of(provenance: Provenance) -> str:
    """Return a name of what is computed and of the code that could go on with it, which fingerprints leave out."""
    return f"{work_of(provenance)}.{code_of_states()}"


def _pauses() -> tuple[float, float]:
    """Return the shortest and the longest time between two savings, in seconds."""
    text = os.environ.get("INFERENCE_GAPS_SAVE_SECONDS")
    if text is None:
        return SAVE_SECONDS, _LONGEST_SECONDS
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise UserError(
            f"INFERENCE_GAPS_SAVE_SECONDS is {text!r}; write a number of seconds, such as 20, or unset it."
        )
    return seconds, seconds


class Job:
    """A running job, as the keeper of its checkpoint.

    Attributes:
        checkpoint: for the loops of the job.
        finished: another process has made the outputs meanwhile; nothing is left to do.
    """

    def __init__(self, provenance: Provenance, path: Path, device: torch.device, received: Received) -> None:
        self._command, self._name = provenance["command"], _state_of(provenance)
        self._path, self._device = path, device
        self._received = received
        self._shortest, self._longest = _pauses()
        self._next = time.monotonic() + self._shortest
        self.finished = False
        self.checkpoint = KeptCheckpoint(self)

    def say(self, sentence: str) -> None:
        """Tell the user, on standard error."""
        print(f"inference-gaps {self._command}: {sentence}", file=sys.stderr, flush=True)

    def due(self) -> bool:
        """See :class:`~inference_gaps.numerics.checkpoint.Keeper`."""
        return self._received.number is not None or time.monotonic() >= self._next

    def keep(self, record: Record) -> None:
        """Save the state, and stop if a signal asked for it.

        Raises:
            Interrupted: a signal was received; the state is saved.
            UserError: the state cannot be saved. Stopping loses no more than the work since the last time.
        """
        started = time.monotonic()
        self._write(record)
        if self._received.number is not None:
            raise Interrupted(
                self._received.number,
                f"interrupted by {self._received.name} at {position(record)}; its state is saved, run the same "
                f"command to go on.",
            )
        now = time.monotonic()
        self._next = now + min(max(self._shortest, (now - started) / _SHARE_OF_TIME), self._longest)

    def _write(self, record: Record) -> None:
        kept = {"checkpoint": record, "processes": earlier_processes()}
        write_record(self._path, kept, self._name, self._device)

    def wait(self) -> None:
        """Wait for a moment, unless a signal was received.

        Raises:
            Interrupted: a signal was received.
        """
        if self._received.number is not None:
            raise Interrupted(
                self._received.number,
                f"interrupted by {self._received.name} while it waited; run the same command to go on.",
            )
        time.sleep(_POLL_SECONDS)

    def close(self) -> None:
        """Remove the state, now that the outputs are written; keep its end if nobody waits for this process."""
        if _abandoned() and not self.finished:
            self._write(self.checkpoint.record())
        else:
            for path in (self._path, *self._of_other_code()):
                path.unlink(missing_ok=True)

    def _of_other_code(self) -> list[Path]:
        output_and_work = self._path.name.removesuffix(f"{code_of_states()}.resume")
        found = self._path.parent.glob(f"{glob.escape(output_and_work)}*.resume")
        return [path for path in found if path != self._path]

    def take_up(self) -> None:
        """Go on from the saved state, if there is one that is whole."""
        if not self._path.exists():
            for other in self._of_other_code():
                self.say(f"{other} was saved by other code, and stays for it; starting from the beginning.")
            return
        try:
            kept = read_record(self._path, self._name, self._device)
            record, processes = kept["checkpoint"], kept["processes"]
        except UnusableState as reason:
            self.say(f"the saved state {self._path} {reason}; starting from the beginning.")
            return
        goes_on_from(processes)
        self.checkpoint = KeptCheckpoint(self, record)
        self.say(f"resumed at {position(record) or 'its end'}, from {self._path}.")


def _abandoned() -> bool:
    """Return whether the process that looked after this one has died."""
    try:
        os.kill(int(os.environ["INFERENCE_GAPS_RUN_BY"]), 0)
    except (KeyError, ValueError, PermissionError):
        return False  # Nobody looked after this process, or it is somebody else's.
    except ProcessLookupError:
        return True
    return False


def _made(outputs: Sequence[Path], provenance: Provenance) -> bool:
    try:
        return all(work_of(read_provenance(output)) == work_of(provenance) for output in outputs)
    except (UserError, KeyError):
        return False  # Missing or damaged: it has to be made.


def _remove_leftovers(files: Sequence[Path]) -> None:
    """Remove what a process that was killed while it wrote one of ``files`` left beside it."""
    for file in (file for file in files if file.parent.is_dir()):
        pattern = re.compile(rf"\.{re.escape(file.stem)}-[a-z0-9_]{{8}}{re.escape(file.suffix)}")
        for path in file.parent.iterdir():
            if pattern.fullmatch(path.name):
                path.unlink(missing_ok=True)


@contextlib.contextmanager
def resumable(provenance: Provenance, outputs: Sequence[Path | str], device: torch.device) -> Iterator[Job]:
    """Run a job in the block, which writes ``outputs`` as its last act.

    Args:
        provenance: what the outputs will say of themselves.
        outputs: files to make. While another process makes the first of them, this one waits; it then goes on from
            the state that the other left, or finds the outputs made.
        device: where the job computes.

    Raises:
        Interrupted: a signal asked the process to end, and the state is saved.
        UserError: the state cannot be saved.
    """
    files = [Path(output) for output in outputs]
    path = state_path(files[0], provenance)
    with noting_signals() as received:
        job = Job(provenance, path, device, received)
        told = False

        def wait() -> None:
            nonlocal told
            if not told:
                job.say(f"another process is making {files[0]}; waiting until it ends.")
                told = True
            job.wait()

        with locked(files[0].with_name(f".{files[0].name}.lock"), wait) as waited:
            _remove_leftovers([*files, *map(record_file, files), path])
            if waited and _made(files, provenance):
                job.say(f"{files[0]} has been made by that process.")
                job.finished = True
            else:
                job.take_up()
            yield job
            if _abandoned():
                # The next run may remove what it did not wait for.
                keep_copies(files)
            job.close()
