"""Jobs as processes see them: signals, damaged states, two at once, numbers that are not finite."""

import itertools
import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from inference_gaps.errors import UserError
from inference_gaps.numerics.checkpoint import Results
from inference_gaps.replication.artifacts.files import write_document
from inference_gaps.replication.artifacts.records import find_record
from inference_gaps.replication.artifacts.run_records import running, spent
from inference_gaps.replication.cli import main
from inference_gaps.replication.jobs.job import SAVE_SECONDS, resumable, state_path
from inference_gaps.replication.jobs.signals import Interrupted
from inference_gaps.training.loop import Images

CPU = torch.device("cpu")
MADE_BY = {"command": "count", "fingerprint": "0123456789abcdef", "spec": {}, "inputs": {"data": "a:b"}}
STATE = state_path("done.json", MADE_BY).name
TRAIN = {
    "architecture": {"kind": "mlp", "latent_dim": 2, "encoder_hidden": [8], "decoder_hidden": [8]},
    "epochs": 3,
    "batch_size": 400,
    "warm_up_epochs": 0,
    "validation_points": 10,
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "data.safetensors"
    source = ["--dataset", "mnist-small", "--folder", "data/embedded/mnist-small"]
    assert main(["prepare-data", *source, "--binarisation", "static", "--output", str(path)]) == 0
    return path


def train_command(data: Path, folder: Path, **spec: object) -> list[str]:
    return ["train", "--spec", json.dumps(TRAIN | spec), "--data", str(data),
            "--output", str(folder / "model.safetensors"), "--metrics", str(folder / "metrics.csv")]  # fmt: skip


def count(folder: Path, steps: int, at: Callable[[int], None] = lambda step: None) -> list[int]:
    """Run a job of ``steps`` steps that writes ``done.json``; return the steps that this call took."""
    output, taken, state = folder / "done.json", [], Results()
    with resumable(MADE_BY, [output], CPU) as job:
        if job.finished:
            return []
        for step in job.checkpoint.loop(state, steps):
            at(step)
            state.append({"step": step})
            taken.append(step)
        assert [each["step"] for each in state] == list(range(steps))
        write_document(output, b"{}", MADE_BY)
    return taken


def names(folder: Path) -> list[str]:
    """Return the names of the files in a folder; their record lies in a folder of its own."""
    return sorted(path.name for path in folder.iterdir() if path.is_file())


def raising(number: int, when: int) -> Callable[[int], None]:
    """Return what sends the process a signal in one of the steps."""
    return lambda step: os.kill(os.getpid(), number) if step == when else None


@pytest.fixture
def heeded(number: signal.Signals) -> Iterator[None]:
    """Tests that run in the background, or under nohup, start with some signals ignored."""
    before = signal.signal(number, signal.SIG_DFL)
    yield
    signal.signal(number, before)


def test_the_record_of_a_resumed_job_names_the_processes_before(tmp_path: Path) -> None:
    for step in (2, 5):
        with pytest.raises(Interrupted), running(["count"], {}):
            count(tmp_path, 9, raising(signal.SIGTERM, step))
    with running(["count"], {}):
        assert count(tmp_path, 9) == [6, 7, 8]
    record = find_record(tmp_path / "done.json")
    assert record is not None
    assert record.run is not None
    begun = record.run["earlier"]
    assert [set(each) for each in begun] == [{"started", "ended", "seconds", "cpu_seconds", "machine"}] * 2
    assert begun[0]["ended"] <= begun[1]["started"] <= begun[1]["ended"] <= record.run["started"]
    assert spent(record.run) == pytest.approx(sum(each["seconds"] for each in (*begun, record.run)))
    # The next job of this process is another one.
    with running(["count"], {}):
        count(tmp_path / "new", 3)
    assert "earlier" not in find_record(tmp_path / "new/done.json").run  # type: ignore[union-attr, operator]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_saves_the_state_after_the_step(
    number: signal.Signals, heeded: None, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    before = signal.getsignal(number)
    with pytest.raises(
        Interrupted, match=rf"interrupted by {number.name} at step 5; its state is saved"
    ) as stop:
        count(tmp_path, 9, raising(number, 3))
    assert stop.value.status == 128 + number
    assert signal.getsignal(number) is before
    assert names(tmp_path) == [STATE]
    assert count(tmp_path, 9) == [4, 5, 6, 7, 8]
    assert "inference-gaps count: resumed at step 5, from " in capsys.readouterr().err
    assert names(tmp_path) == ["done.json"]


def test_a_signal_in_the_last_step_finds_the_job_done(tmp_path: Path) -> None:
    """The state at the end is saved; the next process only writes the output."""
    with pytest.raises(Interrupted):
        count(tmp_path, 3, raising(signal.SIGTERM, 2))
    assert count(tmp_path, 3) == []


def test_ignored_signals_stay_ignored(tmp_path: Path) -> None:
    """As nohup asks for."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert len(count(tmp_path, 3, raising(signal.SIGHUP, 1))) == 3
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_state_is_saved_at_least_once_a_minute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Also where writing one takes long; with the clock of the job, a second a step, in hand."""
    now, saved = [0.0], []
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def write(*arguments: object) -> None:
        saved.append(now[0])
        now[0] += 9.0

    monkeypatch.setattr("inference_gaps.replication.jobs.job.write_record", write)

    def tick(step: int) -> None:
        now[0] += 1.0

    count(tmp_path, 300, tick)
    assert saved[0] == SAVE_SECONDS == 20
    gaps = [later - earlier for earlier, later in itertools.pairwise(saved)]
    assert max(gaps) <= 60
    assert min(gaps) > 20


def test_a_damaged_state_starts_from_the_beginning(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(Interrupted):
        count(tmp_path, 9, raising(signal.SIGTERM, 3))
    path = tmp_path / STATE
    path.write_bytes(path.read_bytes()[:-1])
    assert len(count(tmp_path, 9)) == 9
    said = capsys.readouterr().err
    assert said == f"inference-gaps count: the saved state {path} is damaged; starting from the beginning.\n"
    assert names(tmp_path) == ["done.json"]


def test_a_state_that_other_code_saved_is_not_taken_and_stays_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    """An update of the project in the middle of a long training, taken back later."""

    def interrupted(at: int) -> str:
        with pytest.raises(Interrupted):
            count(tmp_path, 9, raising(signal.SIGTERM, at))
        return capsys.readouterr().err

    interrupted(6)
    with monkeypatch.context() as patched:
        patched.setattr("inference_gaps.replication.jobs.job.code_of_states", lambda: "another")
        said = interrupted(2)
        assert f"{tmp_path / STATE} was saved by other code, and stays for it; starting from the beg" in said
    assert len(names(tmp_path)) == 2
    assert count(tmp_path, 9) == [7, 8]
    assert names(tmp_path) == ["done.json"]


def test_a_state_of_other_inputs_is_not_taken(tmp_path: Path) -> None:
    """The same job on an input that was made once more, with other bits."""
    with pytest.raises(Interrupted):
        count(tmp_path, 9, raising(signal.SIGTERM, 3))
    other = MADE_BY | {"inputs": {"data": "a:c"}}
    with resumable(other, [tmp_path / "done.json"], CPU) as job:
        assert list(job.checkpoint.loop(Results(), 2)) == [0, 1]
    assert names(tmp_path) == [STATE]


def test_leftovers_of_a_killed_writer_are_removed_and_nothing_else(tmp_path: Path) -> None:
    state = tmp_path / STATE
    ours = [".done-abcd_123.json", f".{state.stem}-abcd_123.resume"]
    others = [".done-er-abcd_123.json", ".done-abcd_123.csv", STATE.replace("0", "1")]
    for name in ours + others:
        (tmp_path / name).touch()
    count(tmp_path, 1)
    assert names(tmp_path) == sorted([*others, "done.json"])


def test_a_job_that_outlives_its_snakemake_keeps_its_end(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    monkeypatch.setenv("INFERENCE_GAPS_RUN_BY", str(gone.pid))
    assert len(count(tmp_path, 4)) == 4
    (tmp_path / "done.json").unlink()  # As Snakemake does, which has no record that the job ended.
    monkeypatch.setenv("INFERENCE_GAPS_RUN_BY", str(os.getpid()))
    assert count(tmp_path, 4) == []
    assert names(tmp_path) == ["done.json"]


def test_a_wrong_interval_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for text in ("often", "-1", "nan", "inf"):
        monkeypatch.setenv("INFERENCE_GAPS_SAVE_SECONDS", text)
        with pytest.raises(
            UserError, match=f"SAVE_SECONDS is '{text}'; write a number of seconds, such as 20"
        ):
            count(tmp_path, 1)


def _start(command: list[str], **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "inference_gaps", *command],
        env={**os.environ, **environment},
        stderr=subprocess.PIPE,
        text=True,
    )


def _wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("killed", [False, True], ids=["the-first-ends", "the-first-is-killed"])
def test_the_second_of_two_processes_waits(killed: bool, data: Path, tmp_path: Path) -> None:
    """It makes nothing again when the first ends, and goes on from the first's state when that is killed."""
    command = train_command(data, tmp_path, epochs=80)
    first = _start(command, INFERENCE_GAPS_SAVE_SECONDS="0.05")
    _wait_for(lambda: list(tmp_path.glob(".model.safetensors.*.resume")))
    second = _start(command, INFERENCE_GAPS_SAVE_SECONDS="0.05")
    assert second.stderr is not None
    line = second.stderr.readline()
    assert (
        f"train: another process is making {tmp_path / 'model.safetensors'}; waiting until it ends." in line
    )
    if killed:
        first.kill()
    first.communicate()
    said = second.communicate()[1]
    assert first.returncode == (-signal.SIGKILL if killed else 0)
    assert second.returncode == 0
    assert ("has been made by that process" in said) != killed
    assert bool(re.search(r"train: resumed at epoch \d+, step \d+, from ", said)) == killed
    assert said.count("waiting until it ends") == 0
    assert names(tmp_path) == ["metrics.csv", "model.safetensors"]


def test_a_waiting_process_hears_signals(data: Path, tmp_path: Path) -> None:
    import fcntl

    with (tmp_path / ".model.safetensors.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiting = _start(train_command(data, tmp_path))
        assert waiting.stderr is not None
        assert "waiting until it ends" in waiting.stderr.readline()
        waiting.send_signal(signal.SIGTERM)
        assert "interrupted by SIGTERM while it waited; run the same" in waiting.communicate()[1]
        assert waiting.returncode == 143


def test_the_last_good_state_is_kept_when_the_objective_is_not_finite(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    """Epoch and step are named, no output is written, and what is saved is finite."""
    monkeypatch.setenv("INFERENCE_GAPS_SAVE_SECONDS", "0")
    pixels, calls = Images.pixels, []

    def poisoned(self: Images, rows: torch.Tensor | slice) -> torch.Tensor:
        calls.append(rows)
        # Ten steps an epoch, and one batch of validation images after each.
        return pixels(self, rows) * (math.nan if len(calls) == 11 + 5 else 1)

    monkeypatch.setattr(Images, "pixels", poisoned)
    assert main(train_command(data, tmp_path)) == 1
    said = capsys.readouterr().err
    assert "The training objective became nan in epoch 2, step 5; lower training.learning_rate" in said
    (left,) = tmp_path.iterdir()
    assert left.suffix == ".resume"
    monkeypatch.setattr(Images, "pixels", pixels)
    assert main(train_command(data, tmp_path)) == 0
    assert "resumed at epoch 2, step 5" in capsys.readouterr().err


def test_a_weight_that_is_not_finite_is_not_saved(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    """A rate that throws weights out of range in the last step, whose objective is still finite."""
    step = torch.optim.Adam.step

    def overflowing(self: torch.optim.Adam) -> None:
        step(self)
        self.calls = getattr(self, "calls", 0) + 1
        if self.calls == 13:
            self.param_groups[0]["params"][0].data[0, 0] = math.inf

    monkeypatch.setattr(torch.optim.Adam, "step", overflowing)
    monkeypatch.setenv("INFERENCE_GAPS_SAVE_SECONDS", "0")
    assert main(train_command(data, tmp_path)) == 1
    assert "A weight stopped being a finite number in epoch 2, step 3; lower" in capsys.readouterr().err
