"""The same jobs with two states of the code: what they make, and what of the code they execute."""

import json
import os
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from inference_gaps.errors import UserError
from inference_gaps.replication.requalify.tracing import copy_traced
from inference_gaps.replication.specs.data import PrepareSpec
from inference_gaps.replication.stages import STAGES
from inference_gaps.replication.study.command_line import file_flags
from inference_gaps.replication.study.jobs import Job
from inference_gaps.replication.study.plan import Study

__all__ = ["Asked", "Run", "Side", "command_of", "probe_command"]


@dataclass(frozen=True)
class Asked:
    """A job, and its arguments for ``inference-gaps``."""

    job: Job
    arguments: list[str]


@dataclass(frozen=True)
class Run:
    """What came of some jobs with one state of the code.

    Attributes:
        folder: where their files lie.
        failed: what was printed by each job that failed, by its place among the jobs.
        executed: the marks of what was executed, by module.
    """

    folder: Path
    failed: Mapping[int, str]
    executed: Mapping[str, frozenset[int]]


def command_of(job: Job, study: Study) -> list[str]:
    """Return the arguments of a job of a study, without its fingerprint."""
    return _command(job, study, file_flags(job, study))


def probe_command(job: Job, study: Study) -> list[str]:
    """Return the arguments of a job of the probe; ``study`` says on which device, with how many threads."""
    stage = STAGES[job.stage]
    flags = {each.flag: job.inputs[each.role] for each in stage.inputs if each.role in job.inputs}
    flags |= {output.flag: job.outputs[output.role] for output in stage.outputs}
    if isinstance(job.spec, PrepareSpec):
        flags["--folder"] = Path(job.spec.dataset.folder)
    return _command(job, study, [word for flag, path in flags.items() for word in (flag, str(path))])


def _command(job: Job, study: Study, files: list[str]) -> list[str]:
    settings = study.configuration.settings
    device = ["--threads", str(settings.threads), "--device", settings.device]
    words = [job.stage, "--spec", job.spec.as_json(), *files]
    return words + device if STAGES[job.stage].device else words


class Side:
    """A process that runs jobs, one after the other, with a traced copy of one state of the code.

    Args:
        package: the folder of its package.
        traced: full names of the modules whose execution matters.
        asked: the jobs.
        folder: for the copy, and for the files of the jobs; it must not be there.
        links: what the jobs find where they run, by name.
    """

    def __init__(
        self,
        package: Path,
        traced: Collection[str],
        asked: Sequence[Asked],
        folder: Path,
        links: Mapping[str, Path],
    ) -> None:
        self._folder = folder
        copy_traced(package, folder / "src", traced)
        self._work = folder / "work"
        self._work.mkdir()
        for name, target in links.items():
            (self._work / name).symlink_to(target.absolute(), target_is_directory=True)
        (folder / "jobs.json").write_text(json.dumps([each.arguments for each in asked]))
        driver = Path(__file__).with_name("driver.py")
        words = [sys.executable, "-P", str(driver), str(folder / "jobs.json"), str(folder / "result.json")]
        with (folder / "log").open("w") as log:
            self._process = subprocess.Popen(
                words, cwd=self._work, env=_environment(folder / "src"), stderr=log, stdout=log
            )

    def end(self) -> None:
        """Let the process end now, if it has not."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def wait(self) -> Run:
        """Wait for the jobs.

        Raises:
            UserError: the process ended before all were done.
        """
        if self._process.wait():
            tail = (self._folder / "log").read_text()[-1000:]
            raise UserError(f"the process that runs the jobs has ended with a fault; it printed: {tail}")
        found = json.loads((self._folder / "result.json").read_text())
        failed = {int(index): said for index, said in found["failed"].items()}
        executed = {module: frozenset(marks) for module, marks in found["executed"].items()}
        return Run(self._work, failed, executed)


def _environment(source: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(source), "PYTHONDONTWRITEBYTECODE": "1"}
