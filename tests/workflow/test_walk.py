"""A user's month: seeded random steps on a real workflow with cheap jobs; after each, ``make`` as it is.

A step edits, touches, kills, copies, damages, removes, restores, takes another preset or goes back. After it, a
run either leaves all that it should make, as the plan has it, or says in a sentence why not. No training is lost,
unless by the hand of the user.
"""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from inference_gaps.errors import UserError
from inference_gaps.replication.artifacts.files import read_provenance
from inference_gaps.replication.jobs.job import work_of
from inference_gaps.replication.study.plan import load_study
from inference_gaps.replication.study.settling import unfinished
from tests.small_project import edit_yaml

_CONFIG, _PRESETS = Path("config/config.yaml"), ("tiny", "small_2")
_WEIGHTS = "model.safetensors"


@pytest.fixture
def study(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One model in two presets, at another size, as the working directory."""
    edit_yaml(project / _CONFIG, ("experiments", ["again"]))
    edit_yaml(project / "config/claims.yaml", ("claims", {}))
    shutil.copy(project / "config/presets/tiny.yaml", project / "config/presets/small_2.yaml")
    edit_yaml(project / "config/presets/small_2.yaml", ("points", 2))
    monkeypatch.chdir(project)
    return project


def run(*arguments: str) -> subprocess.Popen[str]:
    """Start what ``make`` starts."""
    return subprocess.Popen(
        [sys.executable, "scripts/run_snakemake.py", "--cores", "2", *arguments],
        env={**os.environ, "PYTHONPATH": "src", "INFERENCE_GAPS_WARM": "no", "STUB_SECONDS": "0.3"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def work_in(path: Path) -> str:
    """Return the preset and the work of the training that wrote some weights, as the stub has it there."""
    return path.read_text().rpartition("work ")[2].strip()


class Walk:
    """What the user does, and what must still be there after it."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.spoiled: Counter[str] = Counter()
        self.removed: list[tuple[Path, Path]] = []
        self.own: set[str] = set()
        self.done: list[str] = []

    def artifacts(self) -> list[Path]:
        found = [path for place in ("results", "figures") for path in sorted(Path(place).rglob("*"))]
        return [path for path in found if path.is_file() and ".store" not in path.parts]

    def some(self, most: int) -> list[Path]:
        found = self.artifacts()
        return self.random.sample(found, min(len(found), most))

    def spoil(self, path: Path) -> None:
        """Note that a training is lost by the hand of the user, if this is its output, record or state."""
        folder = path.parent.parent if path.parent.name == "records" else path.parent
        if path.name.startswith((_WEIGHTS, "metrics.csv", f".{_WEIGHTS}")):
            works = {name.split(".")[3] for name in os.listdir(folder) if name.endswith(".resume")}
            with contextlib.suppress(UserError):
                works.add(work_of(read_provenance(folder / _WEIGHTS)))
            with contextlib.suppress(UserError):
                works.add(work_of(read_provenance(folder / "metrics.csv")))
            self.spoiled.update(f"{folder.parts[1]}:{work}" for work in works)
        self.own.discard(path.read_text(errors="replace"))

    def edit(self) -> None:
        rate = self.random.choice([0.1, 0.2])
        edit_yaml(Path(f"config/presets/{self.preset}.yaml"), ("training.learning_rate", rate))

    def edit_evaluation(self) -> None:
        samples = self.random.choice([10, 20])
        edit_yaml(Path(f"config/presets/{self.preset}.yaml"), ("iwae.samples", samples))

    def edit_data(self) -> None:
        Path("data/embedded/digits/digits.gz").write_bytes(self.random.choice([b"", b"others"]))

    def touch(self) -> None:
        for path in [*self.some(5), Path("data/embedded/digits/digits.gz"), Path("paper/published.csv")]:
            at = time.time() + self.random.choice([-1, 1]) * 7200
            os.utime(path, (at, at))

    def kill(self) -> None:
        """Kill Snakemake alone, or all of it, or press Ctrl-C, at any moment."""
        going = run()
        with contextlib.suppress(subprocess.TimeoutExpired):
            going.wait(self.random.uniform(0.1, 12))
        how = self.random.choice(["orphans", "all", "Ctrl-C", "TERM"])
        self.done[-1] += f" ({how})"
        with contextlib.suppress(ProcessLookupError):
            if how in ("orphans", "TERM"):
                os.kill(going.pid, signal.SIGKILL if how == "orphans" else signal.SIGTERM)
            else:
                os.killpg(going.pid, signal.SIGKILL if how == "all" else signal.SIGINT)
        if how == "orphans":
            going.wait()
            if self.random.random() < 0.5:
                time.sleep(3)
        else:
            said = going.communicate()[0]
            assert "Traceback" not in said, said

    def copy(self) -> None:
        """Copy the results of one preset over those of the other, as a whole or weights alone."""
        one, other = self.random.sample(_PRESETS, 2)
        for path in self.artifacts():
            if path.parts[1] == one and self.random.choice([path.name == _WEIGHTS, True]):
                to = Path(path.parts[0], other, *path.parts[2:])
                if to.exists():
                    self.spoil(to)
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, to)

    def damage(self) -> None:
        for path in self.some(2):
            self.spoil(path)
            path.write_text("damaged")

    def replace(self) -> None:
        for path in self.some(1):
            self.spoil(path)
            # A log is written anew by each job, and hidden files are the project's own.
            if path.parent.name != "records" and "logs" not in path.parts and path.name[0] != ".":
                path.write_text(f"a file of my own, {self.random.random()}")
                self.own.add(path.read_text())

    def remove(self) -> None:
        """Move some files, or a folder, out of the way."""
        found = self.some(2)
        folders = [path.parent for path in found if len(path.parent.parts) > 1][:1]
        for path in self.random.choice([found, folders]):
            for file in path.rglob("*") if path.is_dir() else [path]:
                if file.is_file():
                    self.spoil(file)
            self.removed.append((Path(f"away-{len(os.listdir())}-{self.random.random()}"), path))
            if path.exists():
                shutil.move(path, self.removed[-1][0])
            else:
                self.removed.pop()

    def restore(self) -> None:
        for away, path in self.removed:
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(away, path)
        self.removed.clear()

    def forget(self) -> None:
        shutil.rmtree(".snakemake", ignore_errors=True)

    def other_preset(self) -> None:
        edit_yaml(_CONFIG, ("preset", next(name for name in _PRESETS if name != self.preset)))

    def mistake(self) -> None:
        """A run says what is wrong, with the configuration or with a job, and goes on once that is mended."""
        if self.random.random() < 0.5:
            before = _CONFIG.read_text()
            _CONFIG.write_text(f"{before}preset: none\n")
            self.make(r"preset is given twice")
            _CONFIG.write_text(before)
        else:
            Path("broken").touch()
            self.edit()
            self.make("the disk is full", or_done=True)
            Path("broken").unlink()

    @property
    def preset(self) -> str:
        return next(name for name in _PRESETS if f"preset: {name}\n" in _CONFIG.read_text())

    def make(self, refusal: str = "", or_done: bool = False) -> None:
        going = run()
        said = going.communicate()[0]
        if "(orphans)" in "".join(self.done[-1:]) and "the run is not complete" in said:
            # What one of them made since has been set aside by the next.
            going = run()
            said = going.communicate()[0]
        assert "Traceback" not in said, said
        if refusal and not (or_done and going.returncode == 0):
            assert refusal in said, said
            assert going.returncode != 0
            return
        assert going.returncode == 0, said
        study = load_study()
        targets = [
            path for job in (*study.tables, *study.figures, study.report) for path in job.outputs.values()
        ]
        assert unfinished(study, [*targets, study.layout.manifest]) == []

    def check(self) -> None:
        there = [
            path
            for path in Path().rglob("*")
            if path.is_file() and path.suffix != ".pyc" and path.parent.name != "records"
        ]
        texts = {path.read_bytes().decode(errors="replace") for path in there if path.stat().st_size < 9999}
        assert texts >= self.own, "a file of the user was lost"
        works = {work_in(path) for path in there if path.name == _WEIGHTS and path.stat().st_size < 9999}
        trained = Counter(Path("trained.txt").read_text().split())
        for done, times in trained.items():
            assert times <= 1 + self.spoiled[done], f"{done} was trained {times} times"
            work = done.partition(":")[2]
            assert work in works or any(each.endswith(work) for each in self.spoiled), f"{work} was lost"

    def step(self, name: str) -> None:
        self.done.append(name)
        getattr(self, name)()


_STEPS = [
    "edit",
    "edit_evaluation",
    "edit_data",
    "touch",
    "kill",
    "kill",
    "copy",
    "damage",
    "replace",
    "remove",
]
_STEPS += ["restore", "forget", "other_preset", "mistake"]


def walk(seed: int, *steps: str) -> None:
    user = Walk(seed)
    user.make()
    for step in steps:
        try:
            user.step(step)
            user.make()
            user.check()
        except AssertionError as error:
            raise AssertionError(f"after {', '.join(user.done)}: {error}") from error


def test_a_short_walk(study: Path) -> None:
    walk(0, "edit", "kill", "other_preset", "remove")


@pytest.mark.faults
def test_a_long_walk(study: Path) -> None:
    walk(1, *random.Random(1).choices(_STEPS, k=200))


_STORE = "src/inference_gaps/replication/artifacts/store.py"
_SETTLING = "src/inference_gaps/replication/study/settling.py"


@pytest.mark.faults
@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (_STORE, "shutil.move(path, kept)", "path.unlink()", "was lost"),
        (
            _STORE,
            'self.folder.glob(f"{fingerprint}-*") if self.folder.is_dir() else ()',
            "()",
            "trained 2 times",
        ),
        (
            _SETTLING,
            "if made_by and not repeat and _is_of(made_by, job, there)",
            "if made_by",
            "is not complete",
        ),
    ],
    ids=["set aside is removed", "nothing is taken back", "what is there is taken for what is asked for"],
)
def test_a_walk_finds_what_it_is_to_find(study: Path, file: str, old: str, new: str, said: str) -> None:
    path = study / file
    assert path.read_text().count(old) == 1
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(AssertionError, match=said):
        walk(0, *["edit"] * 6)
