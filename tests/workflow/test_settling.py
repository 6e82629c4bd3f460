"""Set aside, taken back, made anew: a small study whose jobs are run as Snakemake runs them, by what is missing."""

import contextlib
import os
import random
import shutil
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from inference_gaps.errors import UserError
from inference_gaps.replication.artifacts.files import (
    all_or_none,
    read_provenance,
    write_document,
)
from inference_gaps.replication.artifacts.fingerprints import identity, make_provenance
from inference_gaps.replication.artifacts.store import Store, keep_copies
from inference_gaps.replication.cli import main
from inference_gaps.replication.jobs.run_lock import hold_run, running
from inference_gaps.replication.study.jobs import Job
from inference_gaps.replication.study.plan import Study, load_study
from inference_gaps.replication.study.settling import settle, unfinished
from tests.small_project import edit_yaml, make_project

PRESET = "config/presets/tiny.yaml"
WEIGHTS = Path("results/tiny/models/digits-ffg/seed-0/model.safetensors")
RATE = "training.learning_rate"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    make_project(tmp_path)
    edit_yaml(tmp_path / "config/config.yaml", ("experiments", ["again"]))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def work(job: Job) -> tuple[str, ...]:
    """What a job is about to do: its fingerprint, and the very inputs that it reads."""
    return (job.stage, job.fingerprint, *(identity(read_provenance(path)) for path in artifacts(job)))


def artifacts(job: Job) -> list[Path]:
    return [path for path in job.inputs.values() if path.parts[0] in ("results", "figures")]


def do(job: Job) -> None:
    """Make what a job makes; the content tells its work."""
    read = {
        role: read_provenance(path) if path in artifacts(job) else job.read[role]
        for role, path in job.inputs.items()
    }
    made_by = make_provenance(job.stage, job.spec.as_dict(), {**read, **job.digests}, job.fingerprint)
    with all_or_none():
        for path in reversed(job.outputs.values()):
            write_document(path, job.fingerprint.encode(), made_by)


class Runs:
    """What was run, how often."""

    def __init__(self) -> None:
        self.count: Counter[tuple[str, ...]] = Counter()

    def run(self, job: Job) -> None:
        self.count[work(job)] += 1
        for path in job.outputs.values():
            path.unlink(missing_ok=True)  # As Snakemake does.
        do(job)

    def trainings(self) -> int:
        return sum(number for key, number in self.count.items() if key[0] == "train")


def wanted(study: Study) -> list[Path]:
    jobs = [*study.tables, *study.figures, study.report, study.claims, study.selfcheck]
    return [path for job in jobs if job for path in job.outputs.values()]


def missing(study: Study) -> list[Job]:
    """Return the jobs that have to run, in their order: what is wanted and not there, and what that needs."""
    needed, waiting = set(), [path for path in wanted(study) if not path.exists()]
    while waiting:
        job = study.jobs[waiting.pop()]
        if job.fingerprint not in needed:
            needed.add(job.fingerprint)
            waiting += [path for path in artifacts(job) if not path.exists()]
    return [job for job in study.jobs if job.fingerprint in needed]


def make(runs: Runs, most: int | None = None, **options: bool) -> Study:
    """Run what is missing, or the first ``most`` jobs of it."""
    study = load_study()
    settle(study, **options)
    for job in missing(study)[:most]:
        runs.run(job)
    return study


def test_a_setting_tried_and_taken_back_costs_nothing(project: Path) -> None:
    runs = Runs()
    make(runs)
    first = WEIGHTS.read_bytes()
    edit_yaml(project / PRESET, (RATE, 0.5))
    make(runs, most=1)  # Interrupted after the training.
    edit_yaml(project / PRESET, (RATE, ...))
    make(runs)
    assert WEIGHTS.read_bytes() == first
    assert runs.trainings() == 2
    edit_yaml(project / PRESET, (RATE, 0.5))
    make(runs)
    assert runs.trainings() == 2
    assert max(runs.count.values()) == 1


def test_nothing_runs_where_nothing_changed(project: Path) -> None:
    runs = Runs()
    make(runs)
    before = dict(runs.count)
    for path in Path("results").rglob("*"):
        os.utime(path, (time.time() + 7200,) * 2)
    assert not settle(load_study()).aside
    make(runs)
    assert runs.count == before
    assert all(path.stat().st_mtime <= time.time() for path in wanted(load_study()))


def test_what_belongs_to_others_is_set_aside_and_stays(project: Path) -> None:
    WEIGHTS.parent.mkdir(parents=True)
    WEIGHTS.write_bytes(b"a checkpoint of my own")
    make(Runs())
    (kept,) = Path("results/.store/tiny").glob("unknown-*")
    assert (kept / WEIGHTS).read_bytes() == b"a checkpoint of my own"
    assert not [entry for entry in Store(load_study().layout).entries() if entry.known]


def test_two_files_of_others_within_a_second_both_stay(project: Path) -> None:
    make(Runs())
    own = [b"a checkpoint of my own", b"another one"]
    for content in own:
        WEIGHTS.write_bytes(content)
        settle(load_study())
    kept = Path("results/.store/tiny").glob(f"unknown-*/{WEIGHTS}")
    assert sorted(path.read_bytes() for path in kept) == sorted(own)


def test_what_is_no_more_what_its_record_says_replaces_nothing(project: Path) -> None:
    """As a file of the same size, copied over weights of which the store has a copy."""
    make(Runs())
    own = WEIGHTS.read_bytes()
    keep_copies([WEIGHTS])
    WEIGHTS.unlink()
    WEIGHTS.write_bytes(own[::-1])
    edit_yaml(project / PRESET, (RATE, 0.5))
    settle(load_study())
    kept = Path("results/.store/tiny").glob(f"*/{WEIGHTS}")
    assert sorted(path.read_bytes() for path in kept) == sorted([own, own[::-1]])
    edit_yaml(project / PRESET, (RATE, ...))
    settle(load_study())
    assert WEIGHTS.read_bytes() == own


def filled_store(project: Path) -> Store:
    """A store of three trainings, of which the first is the oldest, and a file of the user."""
    make(Runs())
    for number, rate in enumerate((0.1, 0.2, 0.3)):
        if number == 1:
            WEIGHTS.write_bytes(b"mine")
        edit_yaml(project / PRESET, (RATE, rate))
        make(Runs())
    store = Store(load_study().layout)
    for number, entry in enumerate(reversed(store.entries())):
        at = time.time() - 3600 * number
        os.utime(entry.folder, (at, at))
    return store


def test_the_store_drops_the_oldest_and_nothing_of_others(project: Path) -> None:
    store = filled_store(project)
    before = store.entries()
    assert [entry.since for entry in before] == sorted(entry.since for entry in before)
    total = sum(entry.size for entry in before)
    assert store.bound(total, []) == ""
    said = store.bound(total - 1, [])
    assert store.entries() == before[1:]
    assert said.startswith(f"{store.folder} is larger than store_gigabytes allows: removed 0.0 kB")
    kept = before[2].folder / before[2].files[0]
    store.bound(0, [kept])
    left = store.entries()
    assert [entry for entry in left if entry.known] == [before[2]]
    assert [entry.files for entry in left if not entry.known] == [[WEIGHTS]]
    store.bound(0, [])
    assert [entry.known for entry in store.entries()] == [False]


def test_the_store_is_listed_and_emptied(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = filled_store(project)
    entries = store.entries()
    assert main(["store"]) == 0
    *lines, summary = capsys.readouterr().out.splitlines()
    assert len(lines) == len(entries)
    assert sum(f"train                {WEIGHTS.with_name('metrics.csv')}" in line for line in lines) == 3
    assert [str(WEIGHTS) in line for line in lines if "unknown" in line] == [True]
    assert f" kB in {store.folder}; inference-gaps store --empty removes it." in summary
    child = os.fork()
    if child == 0:
        hold_run()
        time.sleep(60)
    while running() != f"process {child}":
        time.sleep(0.05)
    assert main(["store", "--empty"]) == 1
    assert f"a run is going on in this folder (process {child})" in capsys.readouterr().err
    assert store.entries() == entries
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert main(["store", "--empty"]) == 0
    assert not store.folder.exists()
    assert WEIGHTS.exists()
    assert main(["store"]) == 0
    assert capsys.readouterr().out.endswith("There is nothing set aside of preset tiny.\n")


def test_published_values_need_no_training(project: Path) -> None:
    runs = Runs()
    make(runs)
    for path in Path("results").rglob("*.safetensors"):
        if path.name != "samples.safetensors":
            path.unlink()
    before = dict(runs.count)
    shutil.rmtree("figures")
    study = load_study()
    # Curves are there and drawn again; weights are not, and nobody reads them unless they are asked for.
    training = study.jobs[WEIGHTS].fingerprint
    assert training in settle(study).fine
    assert training not in settle(study, targets=[WEIGHTS]).fine
    make(runs)
    assert runs.trainings() == 2 - 1
    assert set(runs.count) == set(before)
    assert {key[0] for key, number in runs.count.items() if number > before[key]} <= {
        "plot-gaps",
        "plot-training",
        "plot-samples",
        "plot-schematic",
    }


def test_what_only_other_targets_lack_is_not_made(project: Path) -> None:
    """Without weights and samples of a published preset, a figure of its curves needs no training."""
    make(Runs())
    study = load_study()
    curves, samples = (
        list(study.jobs.of(stage)[0].outputs.values()) for stage in ("plot-training", "evaluate-samples")
    )
    drawn = list(study.jobs.of("plot-samples")[0].outputs.values())
    for path in (*curves, *samples, *drawn, WEIGHTS):
        path.unlink()
    training = study.jobs[WEIGHTS].fingerprint
    assert training in settle(study, targets=curves).fine
    assert training not in settle(study, targets=drawn).fine
    assert training not in settle(study).fine


def test_anew_is_anew_and_goes_on(project: Path) -> None:
    runs = Runs()
    make(runs)
    jobs = len(runs.count)
    make(runs, most=3, fresh=True)
    assert sum(runs.count.values()) == jobs + 3
    study = make(runs, fresh=True)
    assert set(runs.count.values()) == {2}
    Store(study.layout).end_fresh()
    make(runs)
    assert set(runs.count.values()) == {2}


def test_a_dry_run_moves_nothing(project: Path) -> None:
    make(Runs())
    edit_yaml(project / PRESET, (RATE, 0.5))
    before = sorted(Path().rglob("*"))
    found = settle(load_study(), move=False)
    assert WEIGHTS in found.aside
    assert sorted(Path().rglob("*")) == before
    settle(load_study())
    edit_yaml(project / PRESET, (RATE, ...))
    before = sorted(Path().rglob("*"))
    found = settle(load_study(), move=False)
    assert WEIGHTS in found.back
    assert not found.aside
    assert sorted(Path().rglob("*")) == before


class Walk:
    """A user who edits, kills, touches, copies, damages, removes, and takes it all back."""

    def __init__(self, top: Path, seed: int) -> None:
        self.top, self.random, self.runs = top, random.Random(seed), Runs()
        self.spoiled: Counter[str] = Counter()
        self.own: list[bytes] = []
        self.removed: list[tuple[Path, Path]] = []
        self.orphans: list[tuple[Job, tuple[str, ...]]] = []

    def some(self, most: int) -> list[Path]:
        found = [path for place in ("results/tiny", "figures/tiny") for path in Path(place).rglob("*")]
        files = sorted(path for path in found if path.is_file() and "records" not in path.parts)
        return self.random.sample(files, min(len(files), most))

    def spoil(self, path: Path) -> None:
        """Note that a file is lost by the hand of the user, who cannot expect it back."""
        self.own = [content for content in self.own if content != path.read_bytes()]
        with contextlib.suppress(UserError):
            self.spoiled[read_provenance(path)["fingerprint"]] += 1

    def edit(self) -> None:
        edit_yaml(self.top / PRESET, (RATE, self.random.choice([0.1, 0.2, 0.3])))

    def edit_evaluation(self) -> None:
        edit_yaml(self.top / PRESET, ("iwae.samples", self.random.choice([10, 20])))

    def touch(self) -> None:
        for path in self.some(5):
            at = time.time() + self.random.choice([-1, 1]) * 7200
            os.utime(path, (at, at))

    def copy(self) -> None:
        weights = sorted(Path("results/tiny").rglob("model.safetensors"))
        if len(weights) > 1:
            one, other = self.random.sample(weights, 2)
            self.spoil(other)
            shutil.copy2(one, other)

    def damage(self) -> None:
        for path in self.some(1):
            self.spoil(path)
            path.write_bytes(b"damaged")

    def replace(self) -> None:
        for path in self.some(1):
            self.spoil(path)
            self.own.append(f"a file of my own, {len(self.own)} {self.random.random()}".encode())
            path.write_bytes(self.own[-1])

    def remove(self) -> None:
        for path in self.some(2):
            with contextlib.suppress(UserError):
                self.spoiled[read_provenance(path)["fingerprint"]] += 1
            self.removed.append((self.top / f"away-{self.random.random()}", path))
            shutil.move(path, self.removed[-1][0])

    def restore(self) -> None:
        for away, path in self.removed:
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(away, path)
        self.removed.clear()

    def lose_records(self) -> None:
        shutil.rmtree(".snakemake", ignore_errors=True)

    def orphan(self) -> None:
        """Kill a run; the job that it was at goes on, and ends after the next run was planned."""
        study = load_study()
        settle(study)
        for job in missing(study)[:1]:
            key = work(job)
            self.runs.count[key] += 1
            self.orphans.append((job, key))

    def make(self, most: int | None = None) -> None:
        study = load_study()
        settle(study)
        due = missing(study)[:most]
        ended = set()
        for job, key in self.orphans:
            if all(path.exists() for path in artifacts(job)) and work(job) == key:
                keep_copies(job.outputs.values())
                do(job)
                keep_copies(job.outputs.values())
                ended.add(key)
        self.orphans.clear()
        for job in due:
            # What has ended meanwhile has left its state.
            self.runs.count[work(job)] -= work(job) in ended
            self.runs.run(job)
        if most is None:
            assert unfinished(study, wanted(study)) == []

    def kill(self) -> None:
        self.make(most=self.random.randrange(6))

    def check(self) -> None:
        for (stage, fingerprint, *_), number in self.runs.count.items():
            assert stage != "train" or number <= 1 + self.spoiled[fingerprint], "a training was lost"
        kept = {
            path.read_bytes() for path in self.top.rglob("*") if path.is_file() and path.stat().st_size < 99
        }
        assert kept >= set(self.own), "a file of the user was lost"

    def step(self) -> None:
        steps = [
            self.edit,
            self.edit_evaluation,
            self.touch,
            self.copy,
            self.damage,
            self.replace,
            self.remove,
        ]
        steps += [self.restore, self.orphan, self.kill, self.edit]
        self.random.choice(steps)()


@pytest.mark.parametrize("seed", range(3))
def test_a_walk_loses_nothing(project: Path, seed: int) -> None:
    walk = Walk(project, seed)
    for _ in range(40):
        for _ in range(walk.random.randrange(1, 4)):
            walk.step()
        walk.make()
        walk.check()
