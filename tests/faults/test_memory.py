"""Out of memory: a sentence that names the setting to lower, and no output."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from inference_gaps.errors import is_out_of_memory
from inference_gaps.models.mlp import MlpGenerator
from inference_gaps.models.vae import VAE
from inference_gaps.replication.artifacts.files import read_tensors, write_tensors
from inference_gaps.replication.cli import main
from inference_gaps.replication.stages import STAGES
from tests.faults.conftest import AIS, LOCAL, TRAIN
from tests.faults.folders import contents
from tests.faults.test_artifacts_of_another_kind import COMMANDS, command_line

ON_A_CPU = (
    "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to "
    "allocate 40000000000000 bytes. Error code 12 (Cannot allocate memory)"
)
ON_A_GPU = "CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total capacity of 79.10 GiB"
ERRORS = {
    "cpu": RuntimeError(ON_A_CPU),
    "gpu": torch.OutOfMemoryError(ON_A_GPU),
    "cublas": RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    "driver": RuntimeError("CUDA error: out of memory"),
    "numpy": np._core._exceptions._ArrayMemoryError((10**9, 10**9), np.dtype("f8")),
    "python": MemoryError(),
    "map": OSError(12, "Cannot allocate memory"),
}


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
def test_every_kind_of_it_is_known(error: Exception) -> None:
    assert is_out_of_memory(error)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("mat1 and mat2 shapes cannot be multiplied"),
        OSError(28, "No space"),
        ValueError("memory"),
    ],
)
def test_nothing_else_is_taken_for_it(error: Exception) -> None:
    assert not is_out_of_memory(error)


@pytest.mark.parametrize("command", sorted(set(COMMANDS) - {"take-checkpoint", "evaluate-units"}))
@pytest.mark.parametrize("kind", ["cpu", "gpu", "python"])
def test_the_command_names_the_setting_to_lower(
    command: str, kind: str, stages: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ERRORS[kind]

    for place in ((VAE, "sample_terms"), (MlpGenerator, "logits"), (MlpGenerator, "log_joint_gradient")):
        monkeypatch.setattr(*place, fail)
    before = contents(stages)
    assert main(command_line(stages, command)) == 1
    said = capsys.readouterr().err
    assert f"inference-gaps {command}: the memory does not suffice" in said
    assert STAGES[command].lower in said
    assert "Traceback" not in said
    assert contents(stages) == before


def test_another_error_of_the_program_is_not_hidden(stages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("a mistake in this program")

    monkeypatch.setattr("inference_gaps.models.vae.VAE.sample_terms", fail)
    with pytest.raises(RuntimeError, match="a mistake in this program"):
        main(command_line(stages, "train"))


def test_a_model_too_large_for_the_memory_is_not_called_damaged(
    stages: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ERRORS["cpu"]

    monkeypatch.setattr("inference_gaps.replication.storage.trained_models.build_vae", fail)
    assert main(command_line(stages, "evaluate-iwae")) == 1
    assert "the memory does not suffice" in capsys.readouterr().err


# One process imports, and forks a child for each command line: its memory is as small as a new process's.
_LIMITED = """
import json, os, resource, sys
import torch, torch._dynamo, pandas, inference_gaps.bounds.ais, inference_gaps.training
import inference_gaps.replication.commands.stage_inputs
from inference_gaps.replication.cli import main
torch.set_num_threads(1)
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
for words, said in json.loads(sys.argv[1]):
    if os.fork() == 0:
        os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT), 2)
        resource.setrlimit(resource.RLIMIT_AS, (used + (400 << 20), resource.RLIM_INFINITY))
        status = main(words)
        sys.stderr.flush()
        os._exit(status)
    print(os.waitstatus_to_exitcode(os.wait()[1]))
"""


def test_processes_that_really_run_out_of_it(stages: Path, tmp_path: Path) -> None:
    """Of which one reads a large model, which is then not called damaged."""
    if not Path("/proc/self/statm").exists():
        pytest.skip("the size of a process is not known here")
    tensors, provenance = read_tensors(stages / "model.safetensors")
    large = stages / "large.safetensors"
    write_tensors(large, {**tensors, "large": torch.zeros(150 << 20)}, provenance)
    before = contents(stages)
    wide: dict[str, object] = {"kind": "mlp", "encoder_hidden": [8192, 8192], "decoder_hidden": [8192]}
    flow = LOCAL | {"family": "af", "start": "local-ffg", "flow_hidden": 8192, "samples": 10**6}
    lines = {
        "train": command_line(stages, "train", spec=TRAIN | {"architecture": wide}),
        "evaluate-ais": command_line(
            stages, "evaluate-ais", spec=AIS | {"chains": 2**31 - 1, "start": "local-ffg"}
        ),
        "optimise-local": command_line(stages, "optimise-local", spec=flow),
        "evaluate-iwae": command_line(stages, "evaluate-iwae", model=large),
    }
    order = json.dumps([(words, str(tmp_path / command)) for command, words in lines.items()])
    run = subprocess.run(
        [sys.executable, "-c", _LIMITED, order], capture_output=True, text=True, timeout=300, check=True
    )
    said = {command: (tmp_path / command).read_text() for command in lines}
    assert run.stdout.split() == ["1"] * len(lines), said
    for command, sentence in said.items():
        assert "the memory does not suffice" in sentence
        assert STAGES[command].lower in sentence
        assert "Traceback" not in sentence
        assert "move it away" not in sentence
    assert contents(stages) == before
