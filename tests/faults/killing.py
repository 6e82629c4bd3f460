"""Running a command as a process of its own, and killing it at a random moment."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from inference_gaps.replication.artifacts.records import RECORDS, check_content

__all__ = ["Killer", "Task", "summary"]

_PROGRAM = """
import sys
from inference_gaps.replication.cli import main
sys.exit(main())
"""
_SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
# Every step, so that many kills hit a process that is writing; now and then; and seldom.
_SAVE_SECONDS = (0.0, 0.05, 0.5)


@dataclass
class Task:
    """A command line of ``inference-gaps``, and what it makes when nobody disturbs it.

    Attributes:
        arguments: without the outputs.
        outputs: file names by flag.
        clock: columns of CSV files that measure time.
        expected: content by file name.
        seconds: that an undisturbed process takes.
    """

    arguments: list[str]
    outputs: dict[str, str]
    clock: tuple[str, ...] = ()
    expected: dict[str, list[bytes]] = field(default_factory=dict)
    seconds: float = 0.0

    def start(self, folder: Path, save_seconds: float) -> subprocess.Popen[str]:
        """Start the command; it writes into ``folder``."""
        flags = [part for flag, name in self.outputs.items() for part in (flag, str(folder / name))]
        return subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, *self.arguments, *flags],
            env={**os.environ, "INFERENCE_GAPS_SAVE_SECONDS": str(save_seconds)},
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, folder: Path, save_seconds: float) -> str:
        """Run the command to its end; return what it said."""
        process = self.start(folder, save_seconds)
        said = process.communicate()[1]
        assert process.returncode == 0, said
        return said

    def content(self, folder: Path) -> dict[str, list[bytes]]:
        """Return the outputs, of CSV files line by line without what measures time."""
        found = {}
        for name in self.outputs.values():
            lines = (folder / name).read_bytes().split(b"\n")
            if name.endswith(".csv"):
                header = lines[0].decode().split(",")
                kept = [index for index, column in enumerate(header) if column not in self.clock]
                lines = [
                    b",".join(row[index] for index in kept)
                    for row in (line.split(b",") for line in lines[:-1])
                ]
            made_by = check_content(folder / name)
            del made_by["sha256"]  # Of all columns, those that measure time included.
            found[name] = [json.dumps(made_by, sort_keys=True).encode(), *lines]
        return found

    def learn(self, folder: Path) -> None:
        """Run undisturbed, and remember what comes out."""
        folder.mkdir()
        started = time.monotonic()
        self.run(folder, 1e6)
        self.seconds = time.monotonic() - started
        self.expected = self.content(folder)


class Killer:
    """Kills processes at random moments until a number of them was hit, chain by chain.

    A chain goes on with one task until one of its processes ends by itself; then its files are compared.
    """

    def __init__(self, seed: int, folder: Path) -> None:
        self.random, self.folder = random.Random(seed), folder / f"killer-{seed}"
        self.folder.mkdir()
        self.hits: Counter[str] = Counter()
        self.chains = self.resumed = 0

    def kill_one(self, task: Task, folder: Path) -> bool:
        """Start a process and kill it; return whether it ended by itself first."""
        process = task.start(folder, self.random.choice(_SAVE_SECONDS))
        number = self.random.choice(_SIGNALS)
        try:
            said = process.communicate(timeout=self.random.uniform(0.2, 1.0) * task.seconds)[1]
        except subprocess.TimeoutExpired:
            process.send_signal(number)
            said = process.communicate()[1]
        self.resumed += "resumed at" in said
        if process.returncode == 0:
            return True
        # Before Python has set up its handlers, a signal ends the process as it ends any.
        by_signal = process.returncode in (-number, 128 + number)
        assert by_signal or "KeyboardInterrupt" in said, said
        self.hits[number.name] += 1
        return False

    def run_chain(self, task: Task, kills: int) -> None:
        """Kill ``kills`` processes of one task, fewer if one ends before, and compare what the last one makes."""
        self.chains += 1
        folder = self.folder / f"chain-{self.chains}"
        folder.mkdir()
        ended = False
        wanted = self.hits.total() + kills
        while not ended and self.hits.total() < wanted:
            ended = self.kill_one(task, folder)
        if not ended:
            self.resumed += "resumed at" in task.run(folder, 0.5)
        assert task.content(folder) == task.expected
        left = sorted(path.name for path in folder.iterdir() if path.name != RECORDS)
        assert left == sorted(task.outputs.values()), left
        assert len(list((folder / RECORDS).iterdir())) == 1
        shutil.rmtree(folder)

    def run_chains(self, tasks: list[Task], kills: int) -> None:
        """Run chains, task after task, until ``kills`` processes were hit."""
        while self.hits.total() < kills:
            left = kills - self.hits.total()
            self.run_chain(tasks[self.chains % len(tasks)], min(left, self.random.randint(2, 7)))


def summary(*killers: Killer) -> str:
    """Return what happened, in words."""
    hits = sum((killer.hits for killer in killers), Counter[str]())
    resumed, chains = (sum(getattr(killer, name) for killer in killers) for name in ("resumed", "chains"))
    which = ", ".join(f"{count} {name}" for name, count in sorted(hits.items()))
    return (
        f"{hits.total()} kills hit a running process ({which}); {resumed} processes went on from a saved state; "
        f"{chains} of {chains} results identical to the bit"
    )
