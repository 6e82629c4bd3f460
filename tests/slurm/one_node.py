"""What tests ask of the cluster, and how they start a run on it."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Cluster", "SlurmJob", "start", "wait_for"]


@dataclass(frozen=True)
class SlurmJob:
    """A job as `scontrol show job` lists it."""

    number: str
    comment: str
    state: str
    cores: int
    megabytes: int
    minutes: int
    gpus: int
    folder: str
    restarts: int


@dataclass(frozen=True)
class Cluster:
    """The cluster of one node."""

    accounting: bool

    def jobs(self, folder: Path) -> list[SlurmJob]:
        """Return the jobs of a folder, those that ended within the last minutes as well."""
        found = map(_job, _said("scontrol", "--oneliner", "show", "job").splitlines())
        return [job for job in found if job and job.folder == str(folder)]

    def scontrol(self, *words: str) -> None:
        """Have the controller do something."""
        _said("scontrol", *words)

    def close(self) -> None:
        """Start no further jobs."""
        self.scontrol("update", f"nodename={_said('hostname', '-s').strip()}", "state=drain", "reason=test")

    def open(self) -> None:
        """Start jobs again."""
        self.scontrol("update", f"nodename={_said('hostname', '-s').strip()}", "state=resume")

    def clear(self) -> None:
        """End all jobs, and start jobs again where a test that failed had closed the node."""
        subprocess.run(["scancel", "--user", "root"], check=True)
        if "DRAIN" in _said("scontrol", "show", "node"):
            self.open()


def _said(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def _job(line: str) -> SlurmJob | None:
    fields = dict(re.findall(r"(?:^| )([A-Za-z/:]+)=(\S*)", line))
    if "JobId" not in fields:
        return None
    days, _, clock = fields["TimeLimit"].rpartition("-")
    hours, minutes, _ = map(int, clock.split(":"))
    memory = re.fullmatch(r"(\d+)([MG])", fields["MinMemoryNode"])
    assert memory
    return SlurmJob(
        fields["JobId"],
        fields.get("Comment", ""),
        fields["JobState"],
        int(fields["NumCPUs"]),
        int(memory[1]) * {"M": 1, "G": 1024}[memory[2]],
        (24 * int(days or 0) + hours) * 60 + minutes,
        int(fields.get("TresPerJob", "gres:gpu:0").rpartition(":")[2]),
        fields["WorkDir"],
        int(fields["Restarts"]),
    )


def start(top: Path, *words: str, **variables: str) -> subprocess.Popen[str]:
    """Start a run on the cluster, which looks into its queue often and saves its states often."""
    script = [sys.executable, "scripts/run_snakemake.py", "--cluster", "slurm"]
    flags = (
        "--slurm-init-seconds-before-status-checks 3 --seconds-between-status-checks 1"
        " --max-status-checks-per-second 1 --latency-wait 20"
    )
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("INFERENCE_GAPS_")}
    return subprocess.Popen(
        [*script, *flags.split(), *words],
        cwd=top,
        env=inherited | {"PYTHONPATH": str(top / "src"), "INFERENCE_GAPS_SAVE_SECONDS": "0.1"} | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_for(condition: Callable[[], object], seconds: float = 300) -> None:
    """Wait until ``condition`` is true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)
