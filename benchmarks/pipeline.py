"""What the workflow costs beside the computing, by the results of preset ``quick`` that lie here."""

import contextlib
import datetime
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from inference_gaps.replication.artifacts.records import record_file, run_of
from inference_gaps.replication.study.plan import load_study

__all__ = ["PipelineLine", "pipeline"]

_NEEDED = "needs a finished quick run"
_PAUSE = datetime.timedelta(seconds=60)


@dataclass(frozen=True)
class PipelineLine:
    """One line: what, how much of it is allowed, and what it came to, or why it could not be measured."""

    what: str
    allowed: str
    found: str


def pipeline(top: Path) -> list[PipelineLine]:
    """Return the three lines; nothing is computed where the run is not finished."""
    finished = "Nothing to be done" in _snakemake(top, "--dry-run")[1]
    nothing = again = _NEEDED
    if finished:
        nothing = f"{_snakemake(top)[0]:.1f} s"
        # The record of the job is kept: its time, long after the run, would hide what the run as a whole took.
        record = record_file(top / "figures/quick/training.csv")
        kept = record.read_bytes()
        again = f"{_snakemake(top, '--force', 'figures/quick/training.pdf')[0]:.1f} s"
        record.write_bytes(kept)
    return [
        PipelineLine("a run that has nothing to do", "under 5 s", nothing),
        PipelineLine("one figure again", "under 20 s", again),
        PipelineLine("overhead of the pipeline in quick", "under 20 %", overhead(top)),
    ]


def _snakemake(top: Path, *options: str) -> tuple[float, str]:
    """Run the workflow as ``make`` does; return the seconds and what it said."""
    command = [sys.executable, "scripts/run_snakemake.py", "--cores", "all", *options]
    started = time.perf_counter()
    ended = subprocess.run(
        [*command, "--config", 'preset="quick"'], cwd=top, capture_output=True, text=True, check=False
    )
    return time.perf_counter() - started, ended.stdout + ended.stderr


def overhead(top: Path) -> str:
    """Return the share of the wall time of all cores that no job of ``quick`` computed in, from run records."""
    with contextlib.chdir(top):
        study = load_study({"preset": "quick"}, find_data=False)
        found = [run_of(job.outputs.values(), job.fingerprint) for job in study.jobs]
    runs = [run for run in found if run is not None]
    if len(runs) < len(found) or not runs:
        return f"{_NEEDED}: {len(runs)} of {len(found)} jobs have a record"
    spans = sorted(
        (datetime.datetime.fromisoformat(run["started"]), datetime.datetime.fromisoformat(run["ended"]))
        for run in runs
    )
    latest = spans[0][1]
    for started, ended in spans:
        if started - latest > _PAUSE:
            return f"{_NEEDED} in one go: nothing ran from {latest:%H:%M} to {started:%H:%M}"
        latest = max(latest, ended)
    wall = (latest - spans[0][0]).total_seconds()
    cores = runs[0]["machine"]["cpus"]
    computing = sum(run["seconds"] for run in runs)
    return (
        f"{1 - computing / (cores * wall):.0%} ({len(runs)} jobs, {computing:,.0f} s on {cores} cores "
        f"in {wall:,.0f} s)"
    )
