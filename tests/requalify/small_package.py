"""A package with one stage, as small as can be: it draws numbers and sums them up, and imports no PyTorch."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from inference_gaps.replication.artifacts.source_tree import SourceTree
from inference_gaps.replication.requalify.execution import Asked
from inference_gaps.replication.requalify.judging import Base, Verdict, judge
from inference_gaps.replication.requalify.pieces import Code
from inference_gaps.replication.study.jobs import Job
from inference_gaps.specs.bounds import AisSpec

__all__ = ["judged", "written"]

_MAIN = """
import sys
from inference_gaps.replication.commands.evaluate_ais import run

sys.exit(run(sys.argv[1:]))
"""
_COMMAND = """
import csv
from inference_gaps.bounds.sums import sums

def run(arguments):
    count, path = int(arguments[1]), arguments[3]
    with open(path, "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["point", "value"])
        rows.writerows(enumerate(sums(count)))
"""
_SUMS = '''
"""Sums of random numbers."""

import random
from math import fsum

from inference_gaps.bounds.steps import step
from inference_gaps.errors import UserError

_TOLERANCE = 1.0e-3

def sums(count, large=False):
    """Return a sum for each point."""
    rng = random.Random(1)
    found = []
    for point in range(count):
        first, total = rng.random(), 0.0
        second = rng.gauss(0, 1)
        change = first + abs(second)
        while change > _TOLERANCE:
            total += change
            change = step(change)
        if count > 100:
            total = fsum([total]) * 0.5
        found.append(-total if large else total)
    return found
'''
_STEPS = '''
"""Steps."""

def step(change):
    """Return the next change."""
    return change / 2
'''
FILES = {
    "__init__.py": "",
    "__main__.py": _MAIN,
    "errors.py": "class UserError(Exception):\n    pass\n",
    "bounds/__init__.py": "",
    "bounds/sums.py": _SUMS,
    "bounds/steps.py": _STEPS,
    "replication/__init__.py": "",
    "replication/commands/__init__.py": "",
    "replication/commands/evaluate_ais.py": _COMMAND,
}
_PART = "evaluate-ais"


def written(folder: Path) -> Path:
    """Write the package into a folder; return its own."""
    for name, text in FILES.items():
        path = folder / "inference_gaps" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "inference_gaps"


def judged(folder: Path, edit: Callable[[Path], object], counts: tuple[int, ...] = (3, 5)) -> list[Verdict]:
    """Edit a copy of the package and judge it by jobs of some numbers of points."""
    before, after = written(folder / "one"), written(folder / "other")
    edit(after)

    def digest(root: Path) -> str:
        command = f"inference_gaps.replication.commands.{_PART.replace('-', '_')}"
        return hashlib.sha256(SourceTree(root).digest(command).encode()).hexdigest()[:16]

    asked = []
    for count in counts:
        output = Path(f"{count}.csv")
        job = Job(_PART, AisSpec(), {}, {"output": output}, {}, {}, {_PART: digest(after)}, f"{count}")
        asked.append(Asked(job, [_PART, str(count), "--output", str(output)]))
    base = Base("0123456789ab", Code(before), {_PART: digest(before)}, with_commands=False)
    return judge(base, Code(after), {_PART: digest(after)}, asked, folder, {})
