"""Estimate the cost of a run: jobs, and hours on two cores and on one GPU.

Reads config/, and the headers of raw files if there are any. If a preset was run, the time of its jobs is printed
beside the estimate. Starts nothing, writes nothing.

  inference-gaps plan-cost --preset full
"""

import argparse
from pathlib import Path

from inference_gaps.replication.artifacts.records import run_of
from inference_gaps.replication.artifacts.run_records import spent
from inference_gaps.replication.study.cost import Cost, stage_costs
from inference_gaps.replication.study.flags import add_study_flags, given_keys
from inference_gaps.replication.study.plan import Study, load_study
from inference_gaps.replication.study.rates import ASSUMED_GPU_RATE, ASSUMED_GPU_STEP

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of ``plan-cost``."""
    add_study_flags(parser)
    parser.add_argument("--experiments", nargs="+", help="experiments instead of those in config/config.yaml")
    parser.add_argument("--top", type=Path, default=Path(), help="top folder of the project (default: here)")


def run(options: argparse.Namespace) -> None:
    """Estimate and print; see the module."""
    study = load_study(given_keys(options), options.top, find_data=False)
    print(_text(study, stage_costs(study), _recorded(study)))


def _recorded(study: Study) -> dict[str, float]:
    """Return the hours that the jobs of each stage took when they ran, of stages all of whose jobs did."""
    seconds: dict[str, list[float | None]] = {}
    for job in study.jobs:
        run = run_of(job.outputs.values(), job.fingerprint)
        seconds.setdefault(job.stage, []).append(spent(run) if run else None)
    known = {name: [each for each in of if each is not None] for name, of in seconds.items()}
    return {name: sum(of) / 3600 for name, of in known.items() if len(of) == len(seconds[name])}


def _text(study: Study, costs: list[Cost], recorded: dict[str, float]) -> str:
    lines = [
        f"{'stage':<22}{'jobs':>6}{'10^12 operations':>18}{'h, 2 cores':>12}{'h, GPU':>9}{'job-h taken':>13}"
    ]
    for cost in costs:
        taken = f"{recorded[cost.stage]:.2f}" if cost.stage in recorded else ""
        lines.append(
            f"{cost.stage:<22}{cost.jobs:>6}{cost.operations / 1e12:>18,.1f}{cost.hours:>12.2f}"
            f"{cost.gpu_hours:>9.2f}{taken:>13}"
        )
    total = [
        sum(getattr(cost, name) for cost in costs) for name in ("jobs", "operations", "hours", "gpu_hours")
    ]
    lines.append(
        f"{'all':<22}{total[0]:>6.0f}{total[1] / 1e12:>18,.1f}{total[2]:>12.2f}{total[3]:>9.2f}"
        f"{sum(recorded.values()):>13.2f}"
    )
    lines += [
        "",
        f"Preset {study.layout.preset}. Hours are estimates: operations by rates per kind of model and precision,",
        "which were read off the records of laptop and weekend, on an AMD EPYC with instructions for bfloat16.",
        "Another machine may be four times slower. A Gaussian q* is counted with 3 cycles, a flow with all that it",
        "may take. job-h taken: what the jobs of a stage took together, where all ran.",
        f"No GPU was measured: its hours assume {ASSUMED_GPU_RATE:.0e} operations a second, and "
        f"{1e3 * ASSUMED_GPU_STEP:g} ms a step at least.",
    ]
    return "\n".join(lines)
