"""Which parts of the code may stand for those of an earlier commit, and why others may not."""

import contextlib
import csv
import io
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from inference_gaps.errors import UserError
from inference_gaps.replication.artifacts.code import SOURCES, code_of, module_of
from inference_gaps.replication.artifacts.files import write_bytes
from inference_gaps.replication.artifacts.source_tree import is_counted
from inference_gaps.replication.requalify.changes import Changes, changes
from inference_gaps.replication.requalify.comparison import difference
from inference_gaps.replication.requalify.execution import Asked, Run, Side, command_of, probe_command
from inference_gaps.replication.requalify.pieces import Code, Piece
from inference_gaps.replication.requalify.probe import probe
from inference_gaps.replication.requalify.raw import RAW, write_raw_files
from inference_gaps.replication.study.jobs import Jobs
from inference_gaps.replication.study.plan import load_study
from inference_gaps.specs.families import FAMILIES

__all__ = ["Base", "Verdict", "add_to_ledger", "base_of", "judge", "parts_of", "requalify"]

_MOST_NAMED = 12
# What a commit says of its own code; one that cannot say it stands for itself.
_ASK = """
import json, sys
from inference_gaps.replication.artifacts.code import code_of, standing
from inference_gaps.replication.artifacts.source_tree import is_counted

stages, families = json.load(sys.stdin)
found = {}
for stage in stages:
    found |= standing(code_of(stage, families))
print(json.dumps([found, is_counted("inference_gaps.replication.commands.train")]))
"""


@dataclass(frozen=True)
class Base:
    """An earlier commit.

    Attributes:
        name: the start of its hash.
        code: its code.
        parts: what each part of its code stands for; itself where it cannot say.
        with_commands: whether its commands decide results.
    """

    name: str
    code: Code
    parts: Mapping[str, str]
    with_commands: bool


@dataclass(frozen=True)
class Verdict:
    """Whether a part stands for that of the commit.

    Attributes:
        part: of the code.
        digest: of it as it is.
        stands_for: the digest that the commit has, or stands for.
        evidence: what was shown.
        reasons: why it does not stand for it; empty if it does.
    """

    part: str
    digest: str
    stands_for: str
    evidence: str
    reasons: list[str] = field(default_factory=list)


def requalify(commit: str, top: Path, preset: str = "quick") -> list[Verdict]:
    """Compare the code with that of a commit, by all jobs that execute what has changed.

    Args:
        commit: of the repository at ``top``.
        top: folder of the project.
        preset: whose jobs are run beside those of the probe.

    Raises:
        UserError: there is no such commit, or the jobs cannot be run.
    """
    with tempfile.TemporaryDirectory(prefix="requalify-") as name:
        folder = Path(name)
        study = load_study({"preset": preset}, top)
        computed = probe(Jobs())
        stages = list(dict.fromkeys(job.stage for job in computed))
        asked = [Asked(job, command_of(job, study)) for job in study.jobs if job.stage in stages]
        asked += [Asked(job, probe_command(job, study)) for job in computed]
        base = base_of(commit, top, folder / "commit", stages)
        write_raw_files(folder / RAW)
        links = {RAW.name: folder / RAW, "data": top / "data"}
        return judge(base, Code(SOURCES.root), parts_of(stages), asked, folder, links)


def parts_of(stages: Sequence[str]) -> dict[str, str]:
    """Return the digest of each part of the present code of some stages."""
    return {part: digest for stage in stages for part, digest in code_of(stage, tuple(FAMILIES)).items()}


def base_of(commit: str, top: Path, folder: Path, stages: Sequence[str]) -> Base:
    """Write the package of a commit into a folder.

    Raises:
        UserError: there is no such commit.
    """
    found = subprocess.run(
        ["git", "rev-parse", "--verify", f"{commit}^{{commit}}"], cwd=top, capture_output=True, text=True
    )
    if found.returncode:
        raise UserError(f"--base is {commit!r}, which is no commit of this repository; see 'git log'.")
    name = found.stdout.strip()[:12]
    # An index of its own: nothing of the user's checkout is touched, and no archive is unpacked.
    with tempfile.TemporaryDirectory(prefix="requalify-") as own:
        there = {**os.environ, "GIT_INDEX_FILE": str(Path(own, "index"))}
        for arguments in (["read-tree", name], ["checkout-index", "--all", f"--prefix={folder.absolute()}/"]):
            subprocess.run(["git", *arguments], cwd=top, env=there, capture_output=True, check=True)
    said = subprocess.run(
        [sys.executable, "-P", "-c", _ASK],
        env={**os.environ, "PYTHONPATH": str(folder / "src")},
        input=json.dumps([stages, list(FAMILIES)]),
        capture_output=True,
        text=True,
    )
    parts, with_commands = ({}, True) if said.returncode else json.loads(said.stdout)
    return Base(name, Code(folder / "src" / SOURCES.root.name), parts, with_commands)


def judge(
    base: Base,
    present: Code,
    parts: Mapping[str, str],
    asked: Sequence[Asked],
    folder: Path,
    links: Mapping[str, Path],
) -> list[Verdict]:
    """Run the jobs that execute what has changed with both states of the code, and judge each part that has.

    Args:
        base: what it is compared with.
        present: the code as it is.
        parts: the digest of each of its parts.
        asked: jobs, each after those that it reads from.
        folder: for the copies of the code and the files of the jobs.
        links: what the jobs find where they run, by name.
    """
    due = {part: digest for part, digest in parts.items() if base.parts.get(part, base.name) != digest}
    wanted = _needed(asked, due)
    changed = changes(base.code, present)
    states = {"before": (base.code, changed.before), "after": (present, changed.after)}
    with contextlib.ExitStack() as stack:
        sides = {}
        for side, (code, pieces) in states.items():
            traced = {piece.module for piece in pieces}
            sides[side] = Side(code.sources.root, traced, wanted, folder / side, links)
            stack.callback(sides[side].end)
        runs = {side: running.wait() for side, running in sides.items()}
    judged = _Judge(base, present, changed, wanted, runs["before"], runs["after"])
    return [judged.verdict(part, digest) for part, digest in due.items()]


def _needed(asked: Sequence[Asked], due: Mapping[str, str]) -> list[Asked]:
    """Return the jobs with a part that is due, and those that they read from."""
    makers = {path: index for index, each in enumerate(asked) for path in each.job.outputs.values()}
    wanted = {index for index, each in enumerate(asked) if set(each.job.code) & set(due)}
    for index in range(len(asked) - 1, -1, -1):
        if index in wanted:
            wanted |= {makers[path] for path in asked[index].job.inputs.values() if path in makers}
    return [asked[index] for index in sorted(wanted)]


def _module_of(part: str) -> str:
    kind, _, name = part.partition(" ")
    return FAMILIES[name].module if kind == "family" else module_of(part)


def _reached(code: Code, part: str) -> set[str]:
    """Return the modules that a part reaches; all where it does not begin in a module of today's name."""
    return set(code.sources.modules(_module_of(part)) or code.modules)


class _Judge:
    """Judges parts by what came of the jobs with either state of the code."""

    def __init__(
        self,
        base: Base,
        present: Code,
        changed: Changes,
        asked: Sequence[Asked],
        before: Run,
        after: Run,
    ) -> None:
        self._base, self._present, self._changed = base, present, changed
        self._asked, self._before, self._after = asked, before, after
        self._differences: dict[int, str] = {}
        for index, said in self._compared():
            self._differences.setdefault(index, said)

    def _compared(self) -> Iterator[tuple[int, str]]:
        for index, each in enumerate(self._asked):
            name = next(iter(each.job.outputs.values()))
            for run, when in ((self._before, "with the code of the commit"), (self._after, "now")):
                if index in run.failed:
                    yield index, f"{name} cannot be made {when}: {run.failed[index][-400:]}"
            for path in each.job.outputs.values():
                found = difference(self._after.folder / path, self._before.folder / path)
                if found:
                    yield index, f"{path}: {found}"

    def verdict(self, part: str, digest: str) -> Verdict:
        """Judge a part whose digest is this."""
        old, new = _reached(self._base.code, part), _reached(self._present, part)
        decides = {name for name in old if self._base.with_commands or is_counted(name)}
        before = [piece for piece in self._changed.before if piece.module in decides]
        after = [piece for piece in self._changed.after if piece.module in new]
        counted = [piece for piece in after if is_counted(piece.module)]
        touched = {piece.module for piece in (*before, *counted)}
        own = [index for index, each in enumerate(self._asked) if part in each.job.code]
        involved = [
            index for index in range(len(self._asked)) if index in own or self._executes(index, touched)
        ]
        reasons = [] if own else ["no job executes it"]
        reasons += [self._differences[index] for index in involved if index in self._differences]
        reasons += _not_executed(before, self._before, "with the code of the commit")
        reasons += _not_executed(counted, self._after, "now")
        reasons += _other_values(before, after if self._base.with_commands else counted)
        evidence = (
            f"to the bit as {self._base.name} in {len(own)} jobs; {len(before)} pieces of code before and "
            f"{len(counted)} after executed"
        )
        stands_for = self._base.parts.get(part, self._base.name)
        return Verdict(part, digest, stands_for, evidence, reasons)

    def _executes(self, index: int, modules: set[str]) -> bool:
        codes = (self._base.code, self._present)
        return any(_reached(code, part) & modules for code in codes for part in self._asked[index].job.code)


def _place(piece: Piece) -> str:
    return f"{piece.module}:{piece.line}"


def _not_executed(pieces: Sequence[Piece], run: Run, when: str) -> list[str]:
    missed = [
        piece
        for piece in pieces
        if piece.trace is not None and piece.trace not in run.executed.get(piece.module, ())
    ]
    return [f"no job executes {_places(missed)} {when}"] if missed else []


def _places(pieces: Sequence[Piece]) -> str:
    places = list(dict.fromkeys(map(_place, pieces)))
    more = [f"{len(places) - _MOST_NAMED} more"] if len(places) > _MOST_NAMED else []
    return ", ".join([*places[:_MOST_NAMED], *more])


def _other_values(before: Sequence[Piece], after: Sequence[Piece]) -> list[str]:
    """Say which numbers and comparisons have changed: a few small jobs may not feel the difference."""
    totals = [sum((piece.values for piece in pieces), Counter()) for pieces in (before, after)]
    gone, new = totals[0] - totals[1], totals[1] - totals[0]
    if not gone and not new:
        return []
    concerned = [piece for piece in before if piece.values & gone] + [
        piece for piece in after if piece.values & new
    ]
    words = [f"{', '.join(sorted(each)) or 'none'}" for each in (gone, new)]
    return [f"other numbers or comparisons: {words[1]} in place of {words[0]}, at {_places(concerned)}"]


def add_to_ledger(verdicts: Sequence[Verdict], ledger: Path) -> None:
    """Write a line for each part that stands for an earlier one into the ledger, in place of an older line on it.

    Raises:
        UserError: the ledger cannot be written.
    """
    with ledger.open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    text = io.StringIO()
    writer = csv.DictWriter(text, ["part", "digest", "stands_for", "evidence"], lineterminator="\n")
    writer.writeheader()
    new = {(each.part, each.digest): each for each in verdicts if not each.reasons}
    writer.writerows(line for line in lines if (line["part"], line["digest"]) not in new)
    for (part, digest), each in new.items():
        writer.writerow(
            {"part": part, "digest": digest, "stands_for": each.stands_for, "evidence": each.evidence}
        )
    write_bytes(ledger, text.getvalue().encode())
