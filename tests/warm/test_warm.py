"""A job that a server forks does what it would have done as a process of its own."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from inference_gaps.replication.artifacts.code import code_of
from inference_gaps.replication.artifacts.files import read_provenance
from inference_gaps.replication.warm.client import SERVER
from inference_gaps.replication.warm.server import unfit, unlike
from inference_gaps.replication.warm.start import ONE_THREAD, SWITCH, start_server
from tests.small_project import ROOT
from tests.warm.runs import Run, job, running, until

TRAIN = {
    "architecture": {"kind": "mlp", "latent_dim": 2, "encoder_hidden": [20], "decoder_hidden": [20]},
    "posterior": {"family": "af", "flow_hidden": 5},
    "epochs": 2,
    "batch_size": 100,
    "warm_up_epochs": 0,
    "learning_rate": 0.005,
    "schedule": "constant",
    "shuffle": True,
    "validation_points": 100,
}
LOST = "inference-gaps train: the process that ran this job has ended unexpectedly; run the same command again.\n"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    with running(tmp_path_factory.mktemp("run")) as run:
        yield run


@pytest.fixture
def own_run(tmp_path: Path) -> Iterator[Run]:
    """A run that a test may end."""
    with running(tmp_path) as run:
        yield run


@pytest.fixture(scope="module")
def data(run: Run, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = str(tmp_path_factory.mktemp("data") / "data.safetensors")
    source = ["--dataset", "mnist-small", "--folder", "data/embedded/mnist-small"]
    process = run.job(["prepare-data", *source, "--binarisation", "static", "--output", path])
    assert process.wait() == 0
    return path


def train(data: str, folder: Path, **spec: object) -> list[str]:
    outputs = ["--output", str(folder / "model.safetensors"), "--metrics", str(folder / "metrics.csv")]
    return ["train", "--spec", json.dumps(TRAIN | spec), "--data", data, *outputs]


def cold_jobs(run: Run) -> list[str]:
    return [line for line in run.log.read_text().splitlines() if "runs cold" in line]


def made(start: object, data: str, folder: Path) -> dict[str, bytes]:
    """Make a model, samples and bounds of it; return the bytes of all files but the training curves."""
    folder.mkdir()
    model = ["--data", data, "--model", str(folder / "model.safetensors")]
    commands = [
        train(data, folder),
        ["evaluate-samples", *model, "--output", str(folder / "samples.safetensors")],
        ["evaluate-ais", "--spec", '{"points": 9, "chains": 3, "distributions": 5}', *model, "--output",
         str(folder / "ais.csv")],
    ]  # fmt: skip
    for command in commands:
        process = start(command)  # type: ignore[operator]
        assert process.communicate()[1] is not None
        assert process.returncode == 0
    files = [path for path in folder.iterdir() if path.is_file() and path.name != "metrics.csv"]
    return {path.name: path.read_bytes() for path in files}


def test_warm_and_cold_make_the_same_bytes(run: Run, data: str, tmp_path: Path) -> None:
    before = cold_jobs(run)
    warm, cold = made(run.job, data, tmp_path / "warm"), made(job, data, tmp_path / "cold")
    assert sorted(warm) == ["ais.csv", "model.safetensors", "samples.safetensors"]
    assert warm == cold
    assert cold_jobs(run) == before
    assert (tmp_path / "warm/model.safetensors").stat().st_mode == (
        tmp_path / "cold/model.safetensors"
    ).stat().st_mode


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["train", "--data", "nowhere", "--output", "a.safetensors", "--metrics", "a.csv"], 1),
        (["train", "--spec", '{"epochs": 0}', "--data", "a", "--output", "b", "--metrics", "c"], 1),
        (["train", "--threads", "two"], 2),
        (["nothing"], 2),
        (["evaluate-ais", "--help"], 0),
        (["--version"], 0),
    ],
)
def test_what_a_command_says_and_how_it_ends(arguments: list[str], status: int, run: Run) -> None:
    warm, cold = run.job(arguments), job(arguments)
    assert warm.communicate() == cold.communicate()
    assert (warm.returncode, cold.returncode) == (status, status)


def test_sigterm_reaches_the_job_which_keeps_its_state(run: Run, data: str, tmp_path: Path) -> None:
    often = {"INFERENCE_GAPS_SAVE_SECONDS": "0"}
    long = {"epochs": 20}
    process = run.job(train(data, tmp_path, **long), **often)
    until(lambda: list(tmp_path.glob(".*.resume")))
    process.terminate()
    said = process.communicate()[1]
    assert process.returncode == 143
    assert "inference-gaps train: interrupted by SIGTERM at epoch " in said
    assert "its state is saved, run the same command to go on." in said
    assert list(tmp_path.glob(".*.resume"))
    process = run.job(train(data, tmp_path, **long))
    assert "inference-gaps train: resumed at epoch " in process.communicate()[1]
    assert process.returncode == 0
    (tmp_path / "cold").mkdir()
    assert job(train(data, tmp_path / "cold", **long)).wait() == 0
    assert (tmp_path / "model.safetensors").read_bytes() == (tmp_path / "cold/model.safetensors").read_bytes()


def test_a_job_does_not_outlive_its_client(run: Run, data: str, tmp_path: Path) -> None:
    process = run.job(train(data, tmp_path, epochs=100_000))
    child = run.child()
    until(lambda: list(tmp_path.glob(".*.lock")))
    process.kill()
    process.communicate()
    until(lambda: not child.is_running())
    assert not (tmp_path / "model.safetensors").exists()
    assert run.server.is_running()


def test_a_client_ends_by_the_signal_that_ended_its_job(run: Run, data: str, tmp_path: Path) -> None:
    process = run.job(train(data, tmp_path, epochs=100_000))
    run.child().kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL


def test_a_stopped_client_stops_its_job(run: Run, data: str, tmp_path: Path) -> None:
    """As Ctrl-Z in a terminal does, and ``fg`` after it."""
    process = run.job(train(data, tmp_path, epochs=100_000))
    child, client = run.child(), psutil.Process(process.pid)
    until(lambda: list(tmp_path.glob(".*.lock")))
    process.send_signal(signal.SIGTSTP)
    until(lambda: child.status() == client.status() == psutil.STATUS_STOPPED)
    process.send_signal(signal.SIGCONT)
    until(lambda: psutil.STATUS_STOPPED not in (child.status(), client.status()))
    process.kill()
    process.communicate()


def test_a_killed_server_is_a_sentence(own_run: Run, data: str, tmp_path: Path) -> None:
    process = own_run.job(train(data, tmp_path, epochs=100_000))
    child = own_run.child()
    until(lambda: list(tmp_path.glob(".*.lock")))
    own_run.server.kill()
    said = process.communicate()[1]
    assert process.returncode == 1
    assert said.endswith(LOST)
    assert "Traceback" not in said
    until(lambda: not child.is_running())
    # The socket has nobody behind it any more: the next job runs cold.
    process = own_run.job(train(data, tmp_path))
    assert "unexpectedly" not in process.communicate()[1]
    assert process.returncode == 0
    shutil.rmtree(Path(own_run.socket).parent)


def test_the_server_ends_with_the_run_and_its_jobs(own_run: Run, data: str, tmp_path: Path) -> None:
    """A job may outlive its run, as it may without a server."""
    process = own_run.job(train(data, tmp_path, epochs=30))
    own_run.child()
    own_run.process.kill()
    process.communicate()
    assert process.returncode == 0
    assert (tmp_path / "model.safetensors").exists()
    until(lambda: not own_run.server.is_running() or own_run.server.status() == psutil.STATUS_ZOMBIE)
    assert not Path(own_run.socket).parent.exists()


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({SERVER: "/nowhere/socket"}, None),
        ({"OMP_NUM_THREADS": "2"}, "its environment differs in OMP_NUM_THREADS"),
        ({"CUDA_VISIBLE_DEVICES": ""}, "its environment differs in CUDA_VISIBLE_DEVICES"),
    ],
)
def test_a_job_that_does_not_fit_runs_cold(
    variables: dict[str, str], reason: str | None, run: Run, data: str, tmp_path: Path
) -> None:
    before = cold_jobs(run)
    process = run.job(train(data, tmp_path), **variables)
    process.communicate()
    assert process.returncode == 0
    assert read_provenance(tmp_path / "model.safetensors")["command"] == "train"
    assert cold_jobs(run)[len(before) :] == ([f"['train'] runs cold: {reason}"] if reason else [])


def test_a_request_of_another_environment_or_program_is_refused() -> None:
    environment = {"LANG": "C", "OMP_NUM_THREADS": "1", "PATH": "/bin"}
    program = [sys.prefix, str(ROOT / "src/inference_gaps")]

    def refused(**changed: str) -> str | None:
        return unlike({"program": program, "environment": environment | changed}, environment)

    assert refused() is None
    assert refused(PATH="/usr/bin", INFERENCE_GAPS_RUN_BY="1", TMPDIR="/tmp") is None
    assert (
        refused(OMP_NUM_THREADS="2", MKL_CBWR="AVX2")
        == "its environment differs in MKL_CBWR, OMP_NUM_THREADS"
    )
    request = {"program": [sys.prefix, "/another"], "environment": environment}
    assert unlike(request, environment) == f"it is a job of {request['program']}"
    request = {"program": program, "environment": {"LANG": "C"}}
    assert unlike(request, environment) == "its environment differs in OMP_NUM_THREADS"


def test_folder_umask_variables_and_standard_streams_are_those_of_the_client(
    run: Run, data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = cold_jobs(run)
    monkeypatch.chdir(tmp_path)
    umask = os.umask(0o007)
    try:
        process = run.job(train(data, Path()))
        assert process.communicate()[1]
    finally:
        os.umask(umask)
    assert process.returncode == 0
    assert (tmp_path / "model.safetensors").stat().st_mode & 0o777 == 0o660
    said = run.job(train(data, Path(), epochs=3), INFERENCE_GAPS_SAVE_SECONDS="-1").communicate()[1]
    assert "INFERENCE_GAPS_SAVE_SECONDS is '-1'" in said
    assert cold_jobs(run) == before


_PRELOADED = """
import json, os, sys
if sys.argv[1] == "preloaded":
    from inference_gaps.replication.warm.server import preload, unfit
    preload()
    assert unfit() is None, unfit()
import torch
state = {
    "threads": len(os.listdir("/proc/self/task")),
    "computing": torch.get_num_threads(), "type": str(torch.get_default_dtype()),
    "gradients": torch.is_grad_enabled(), "deterministic": torch.are_deterministic_algorithms_enabled(),
    "denormal": (torch.tensor([1e-310], dtype=torch.float64) * 1).item(),
    "gpu": torch.cuda.is_initialized(), "tf32": torch.backends.cudnn.allow_tf32,
    "precision": torch.get_float32_matmul_precision(), "onednn": torch.backends.mkldnn.enabled,
}
print(json.dumps(state))
"""


def test_what_was_imported_has_changed_nothing_that_a_job_computes_with() -> None:
    def state(how: str) -> dict[str, object]:
        command = [sys.executable, "-c", _PRELOADED, how]
        environment = {**os.environ, **ONE_THREAD}
        return json.loads(
            subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        )

    preloaded = state("preloaded")
    assert preloaded == state("fresh")
    assert preloaded["threads"] == 1
    assert not preloaded["gpu"]


_DRAWN = """
import os, sys, random
import numpy, torch
from inference_gaps.replication.warm.server import reseed
for child in range(2):
    if os.fork() == 0:
        reseed()
        print(random.random(), numpy.random.random(), torch.rand(1).item())
        sys.exit()
    os.wait()
"""


def test_children_draw_other_numbers_where_nobody_gave_a_seed() -> None:
    done = subprocess.run([sys.executable, "-c", _DRAWN], capture_output=True, text=True, check=True)
    first, second = (line.split() for line in done.stdout.splitlines())
    assert not set(first) & set(second)


def test_a_process_with_a_second_thread_is_not_forked() -> None:
    end = threading.Event()
    thread = threading.Thread(target=end.wait)
    thread.start()
    try:
        assert f"it has {len(os.listdir('/proc/self/task'))} threads" == unfit()
    finally:
        end.set()
        thread.join()


def test_an_edit_during_a_run_does_not_sign_results_of_the_old_code(
    data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=ignored)
    path = {"PYTHONPATH": str(tmp_path / "src")}
    with running(tmp_path, **path) as run:
        assert run.job(["--version"], **path).wait() == 0  # By now it has imported everything.
        edited = tmp_path / "src/inference_gaps/training/schedules.py"
        edited.write_text(edited.read_text() + "\nEDITED = 1\n")
        process = run.job(train(data, tmp_path), **path)
        said = process.communicate()[1]
        assert process.returncode == 0, said
        assert cold_jobs(run) == []
    assert read_provenance(tmp_path / "model.safetensors")["exact_code"] == code_of("train", ("af",))


def test_jobs_run_cold_where_the_path_of_a_socket_would_be_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv(SERVER, "of an outer run")
    start_server(tmp_path / "log")
    assert SERVER not in os.environ
    said = (tmp_path / "log").read_text()
    assert said == f"All jobs run cold: {folder} cannot hold a socket (AF_UNIX path too long).\n"
    assert list(folder.iterdir()) == []


def test_without_a_server_where_it_is_switched_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWITCH, "no")
    monkeypatch.setenv(SERVER, "of an outer run")
    start_server(tmp_path / "log")
    assert SERVER not in os.environ
    assert not (tmp_path / "log").exists()
