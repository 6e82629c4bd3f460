"""What may stand for earlier code, and what may not, on a package of one stage."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from inference_gaps.errors import UserError
from inference_gaps.replication.artifacts.code import code_of
from inference_gaps.replication.requalify.execution import Asked, probe_command
from inference_gaps.replication.requalify.judging import Base, Verdict, add_to_ledger, base_of, judge
from inference_gaps.replication.requalify.pieces import Code
from inference_gaps.replication.requalify.probe import probe
from inference_gaps.replication.requalify.raw import RAW, write_raw_files
from inference_gaps.replication.study.jobs import Jobs
from inference_gaps.replication.study.plan import load_study
from tests.code_copies import CodeCopy
from tests.requalify.small_package import judged, written
from tests.small_project import ROOT

SUMS, STEPS = "bounds/sums.py", "bounds/steps.py"


def replacing(*edits: tuple[str, str, str]) -> Callable[[Path], None]:
    """Return an edit that replaces text in files."""

    def edit(root: Path) -> None:
        for file, old, new in edits:
            text = (root / file).read_text()
            assert old in text, old
            (root / file).write_text(text.replace(old, new))

    return edit


def moved(root: Path) -> None:
    """Move the function of one module into another, and change how it is imported."""
    text = (root / STEPS).read_text()
    (root / "bounds/moves.py").write_text(text)
    (root / STEPS).write_text('"""Nothing."""\n')
    replacing(
        (SUMS, "bounds.steps import step", "bounds import moves"),
        (SUMS, "step(change)", "moves.step(change)"),
    )(root)


_CHECK = """    if count < 2:
        raise UserError(f"{count} points are too few; write two.")
    rng = random.Random(1)"""
ACCEPTED = {
    "a renamed variable": replacing((SUMS, "total", "whole")),
    "a renamed variable in what is not executed": replacing((SUMS, "total", "whole"), (SUMS, "found", "sums_")),
    "a moved function": moved,
    "a check of an argument": replacing((SUMS, "    rng = random.Random(1)", _CHECK)),
    "another way to write a statement": replacing((SUMS, "total += change", "total = total + change")),
    "a type": replacing((SUMS, "count, large=False):", "count: int, large: bool = False) -> list:")),
    "an import": replacing((SUMS, "import random\n", "import math, random\n")),
}  # fmt: skip
REFUSED = {
    "a constant in a branch that is not executed": (
        replacing((SUMS, "fsum([total]) * 0.5", "fsum([total]) * 0.25")),
        "no job executes inference_gaps.bounds.sums:24 with the code of the commit",
    ),
    "a tolerance": (
        replacing((SUMS, "_TOLERANCE = 1.0e-3", "_TOLERANCE = 1.0001e-3")),
        "other numbers or comparisons: 0.0010001 in place of 0.001",
    ),
    "a threshold that the jobs do not feel": (
        replacing((SUMS, "count > 100", "count > 101")),
        "other numbers or comparisons: 101 in place of 100",
    ),
    "a comparison that the jobs do not feel": (
        replacing((SUMS, "change > _TOLERANCE", "change >= _TOLERANCE")),
        "other numbers or comparisons: GtE in place of Gt",
    ),
    "another order of random draws": (
        replacing((SUMS, "first, total = rng.random(), 0.0\n        second = rng.gauss(0, 1)",
                   "second = rng.gauss(0, 1)\n        first, total = rng.random(), 0.0")),
        "3.csv: value of line 2 is",
    ),
    "a statement that no job executes": (
        replacing((SUMS, "            total = fsum([total]) * 0.5\n",
                   "            total = fsum([total]) * 0.5\n            print()\n")),
        "no job executes inference_gaps.bounds.sums:25 now",
    ),
    "a side of a conditional expression that is not evaluated": (
        replacing((SUMS, "-total if large", "-(total) if not not large"), (SUMS, "-(total)", "-(-(-total))")),
        "no job executes inference_gaps.bounds.sums:25 now",
    ),
    "a branch that is gone and was not executed": (
        replacing((SUMS, "        if count > 100:\n            total = fsum([total]) * 0.5\n", "")),
        "no job executes inference_gaps.bounds.sums:24 with the code of the commit",
    ),
    "a default": (
        replacing((SUMS, "large=False", "large=0 > 1"), (SUMS, "0 > 1", "True")),
        "other numbers or comparisons",
    ),
    "a name that means something else where it is not executed": (
        replacing((SUMS, "from math import fsum", "from math import prod as fsum")),
        "no job executes inference_gaps.bounds.sums:24 with the code of the commit",
    ),
    "a fault": (replacing((STEPS, "change / 2", "change / two")), "cannot be made now"),
}  # fmt: skip


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_gives_the_same_numbers_stands_for_earlier_code(name: str, tmp_path: Path) -> None:
    verdicts = judged(tmp_path, ACCEPTED[name])
    assert [verdict.reasons for verdict in verdicts] == [[]] * len(verdicts)
    assert all("as 0123456789ab in 2 jobs" in verdict.evidence for verdict in verdicts)


@pytest.mark.parametrize("name", REFUSED)
def test_what_might_give_others_does_not(name: str, tmp_path: Path) -> None:
    edit, reason = REFUSED[name]
    (verdict,) = judged(tmp_path, edit)
    assert any(reason in found for found in verdict.reasons), verdict.reasons


def test_a_ledger_gets_lines_of_what_was_accepted_alone(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.csv"
    ledger.write_text("part,digest,stands_for,evidence\ntrain,b,a,earlier\ntrain,d,c,kept\n")
    accepted, refused = (
        Verdict("train", "b", "x", "now, again"),
        Verdict("train", "e", "x", "", ["it differs"]),
    )
    add_to_ledger([accepted, refused], ledger)
    assert ledger.read_text().splitlines()[1:] == ["train,d,c,kept", 'train,b,x,"now, again"']


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository of one commit, which holds the small package."""
    written(tmp_path / "src")
    author = ["-c", "user.name=A", "-c", "user.email=a@b"]
    for words in (["init", "-q"], ["add", "."], [*author, "commit", "-qm", "One"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    return tmp_path


def test_a_commit_that_cannot_say_what_its_code_is_stands_for_itself(repository: Path) -> None:
    base = base_of("HEAD", repository, repository / "commit", ["evaluate-ais"])
    assert len(base.name) == 12
    assert base.parts == {}
    assert base.with_commands
    assert "inference_gaps.bounds.sums" in base.code.modules


def test_what_is_no_commit_is_a_sentence(repository: Path) -> None:
    with pytest.raises(UserError, match="--base is 'elsewhere', which is no commit of this repository"):
        base_of("elsewhere", repository, repository / "commit", [])


@pytest.mark.slow
def test_the_jobs_of_a_stage_with_a_moved_function_and_a_renamed_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = CodeCopy(tmp_path, monkeypatch)
    before = code_of("evaluate-units", ())
    text = (copy.root / "models/units.py").read_text()
    head, at = text.index("__all__"), text.index("def _divergence")
    copy.append("models/divergences.py", text[:head] + text[at:])
    copy.replace("models/units.py", text, text[:at].replace("means", "averages"))
    copy.append("models/units.py", "from inference_gaps.models.divergences import _divergence")
    parts = code_of("evaluate-units", ())
    assert parts != before
    study = load_study({"preset": "quick", "device": "cpu"}, ROOT)
    asked = [Asked(job, probe_command(job, study)) for job in probe(Jobs())]
    write_raw_files(tmp_path / RAW)
    base = Base("0123456789ab", Code(ROOT / "src/inference_gaps"), before, with_commands=False)
    (verdict,) = judge(base, Code(copy.root), parts, asked, tmp_path / "jobs", {RAW.name: tmp_path / RAW})
    assert verdict.reasons == []
    assert verdict.stands_for == before["evaluate-units"]
