"""What each model took: hours of processor time, on what, when, and how often it was interrupted."""

from collections.abc import Sequence
from typing import Any

from inference_gaps.replication.artifacts.layout import Layout
from inference_gaps.replication.artifacts.records import records_below
from inference_gaps.replication.artifacts.run_records import spent
from inference_gaps.replication.specs.tables import TableRowSpec

__all__ = ["time_records"]

_KINDS = {"train": "training", "optimise-local": "local", "evaluate-ais": "ais", "evaluate-bdmc": "ais"}


def time_records(rows: Sequence[TableRowSpec], layout: Layout) -> list[dict[str, str]]:
    """Say of each trained model how many hours of one core its jobs took; nothing of one whose records do not say.

    ``training``, ``local`` (q*), ``ais`` (with BDMC) and ``rest`` are hours; ``interrupted`` counts the processes
    whose training another one went on with.
    """
    found = []
    for model, seed in dict.fromkeys((row.model, row.seed) for row in rows):
        runs = [
            (record.provenance["command"], record.run)
            for record in records_below(layout.run(model, seed))
            if record.run
        ]
        hours: dict[str, float] = dict.fromkeys([*_KINDS.values(), "rest"], 0.0)
        for command, run in runs:
            hours[_KINDS.get(command, "rest")] += spent(run, "cpu_seconds") / 3600
        processes = [each for _, run in runs for each in (run, *run.get("earlier", ()))]
        if processes:
            trained = [run for command, run in runs if command == "train"]
            found.append(
                {
                    "model": model,
                    "seed": str(seed),
                    **{kind: f"{of_kind:.2f}" for kind, of_kind in hours.items()},
                    "processor": ", ".join(dict.fromkeys(map(_processor, processes))),
                    "dates": _dates(processes),
                    "interrupted": str(sum(len(run.get("earlier", ())) for run in trained)),
                }
            )
    return found


def _processor(process: dict[str, Any]) -> str:
    machine = process["machine"]
    return str(machine.get("gpu", machine["cpu"]))


def _dates(processes: Sequence[dict[str, Any]]) -> str:
    first, last = (
        pick(each[key][:10] for each in processes) for pick, key in ((min, "started"), (max, "ended"))
    )
    return first if first == last else f"{first} to {last}"
