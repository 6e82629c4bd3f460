"""A disk that is full or cannot be written: a sentence, and what was there before is still there.

The file systems are real where the tests may mount one; the same is simulated for everybody by errors of writing.
"""

import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import safetensors.torch
import torch

from inference_gaps.errors import UserError
from inference_gaps.replication.artifacts.atomic import atomic_path
from inference_gaps.replication.artifacts.files import (
    all_or_none,
    write_bytes,
    write_tensors,
    write_values,
)
from inference_gaps.replication.cli import main
from inference_gaps.replication.report.typeset import typeset
from inference_gaps.replication.specs.data import PrepareSpec
from inference_gaps.replication.specs.documents import ReportSpec
from inference_gaps.replication.specs.tables import TableSpec
from tests.command_lines import arguments
from tests.data.raw import dataset, grey_levels
from tests.faults.conftest import TRAIN
from tests.faults.folders import contents
from tests.faults.mounts import file_system
from tests.synthetic_study import (
    make_table,
    plot_gaps,
    plot_samples,
    plot_training,
    write_report,
    write_study,
)

NO_SPACE = "No space left on device"
PROVENANCE = {"command": "test", "fingerprint": "0123", "spec": {}}
FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with file_system(tmp_path / "disk", "size=64k") as folder:
        yield folder


@pytest.fixture
def old(request: pytest.FixtureRequest) -> bytes:
    return b"what was there before"


def filled(disk: Path, left: int = 4096) -> None:
    """Leave ``left`` bytes."""
    free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
    (disk / "filler").write_bytes(bytes(max(0, free - left)))


def _large_tensors(path: Path) -> None:
    write_tensors(path, {"a": torch.zeros(50_000)}, PROVENANCE)


def _large_values(path: Path) -> None:
    write_values(path, pd.DataFrame({"value": [0.1] * 50_000}), PROVENANCE)


def _large_bytes(path: Path) -> None:
    write_bytes(path, bytes(100_000))


@pytest.mark.parametrize("write", [_large_tensors, _large_values, _large_bytes])
def test_a_full_disk_keeps_the_old_file(write: Any, small_disk: Path, old: bytes) -> None:
    (small_disk / "x").write_bytes(old)
    before = contents(small_disk)
    with pytest.raises(
        UserError, match=rf"Could not write .*/x: .*{NO_SPACE}.*Free some space .* nothing else"
    ):
        write(small_disk / "x")
    assert contents(small_disk) == before


@pytest.mark.parametrize("write", [_large_tensors, _large_values, _large_bytes])
def test_a_disk_that_cannot_be_written(write: Any, tmp_path: Path, old: bytes) -> None:
    with file_system(tmp_path / "disk", "size=1m") as disk:
        (disk / "x").write_bytes(old)
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        before = contents(disk)
        with pytest.raises(UserError, match=r"Could not write .*/x: Read-only file system"):
            write(disk / "x")
        assert contents(disk) == before


def test_a_path_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UserError, match=r"Could not write .*/file/x"):
        write_bytes(tmp_path / "file/x", b"")


def test_a_path_that_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    with pytest.raises(UserError, match=r"Could not write .*/x: It is a folder"):
        write_bytes(tmp_path / "x", b"")
    assert contents(tmp_path) == {"x": "folder"}


def test_a_full_disk_as_everybody_can_simulate_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: bytes
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise FULL

    def full_to_the_library(*_: Any, **__: Any) -> None:
        raise safetensors.SafetensorError(f"Error while serializing: I/O error: {NO_SPACE} (os error 28)")

    for name in ("values.csv", "tensors.safetensors", "late.csv"):
        (tmp_path / name).write_bytes(old)
    before = contents(tmp_path)

    def assert_refused(where: Any, name: str, failing: Any, write: Callable[[], None]) -> None:
        with monkeypatch.context() as patches:
            patches.setattr(where, name, failing)
            with pytest.raises(UserError, match=NO_SPACE):
                write()

    frame, tensors = pd.DataFrame({"a": [1.0]}), {"a": torch.zeros(1)}
    assert_refused(
        Path, "write_bytes", full, lambda: write_values(tmp_path / "values.csv", frame, PROVENANCE)
    )
    assert_refused(
        safetensors.torch,
        "save_file",
        full_to_the_library,
        lambda: write_tensors(tmp_path / "tensors.safetensors", tensors, PROVENANCE),
    )
    # Some file systems say so only when they are asked whether everything has arrived.
    assert_refused(os, "fsync", full, lambda: write_values(tmp_path / "late.csv", frame, PROVENANCE))
    assert contents(tmp_path) == before


def test_files_of_one_stage_appear_together(tmp_path: Path) -> None:
    with all_or_none():
        write_bytes(tmp_path / "a", b"1")
        assert not (tmp_path / "a").exists()
        write_bytes(tmp_path / "b", b"2")
    assert contents(tmp_path) == {"a": b"1", "b": b"2"}


def test_one_that_fails_takes_the_others_along(tmp_path: Path, old: bytes) -> None:
    (tmp_path / "a").write_bytes(old)
    (tmp_path / "c").mkdir()
    before = contents(tmp_path)

    def write_three() -> None:
        with all_or_none():
            write_bytes(tmp_path / "a", b"1")
            write_bytes(tmp_path / "b", b"2")
            write_bytes(tmp_path / "c", b"3")

    with pytest.raises(UserError, match="It is a folder"):
        write_three()
    assert contents(tmp_path) == before
    write_bytes(tmp_path / "a", b"afterwards files appear one by one again")
    assert (tmp_path / "a").read_bytes().startswith(b"afterwards")


def test_a_record_that_cannot_be_written_takes_its_files_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_values(tmp_path / "a.csv", pd.DataFrame({"a": [1.0]}), PROVENANCE)
    before = contents(tmp_path)
    write = Path.write_bytes

    def write_no_record(path: Path, content: bytes) -> int:
        if path.suffix == ".json":
            raise FULL
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", write_no_record)
    with pytest.raises(UserError, match=rf"records/a.csv.json: {NO_SPACE}"):
        write_values(tmp_path / "a.csv", pd.DataFrame({"a": [2.0]}), PROVENANCE)
    assert contents(tmp_path) == before


def test_an_error_of_the_block_itself_writes_nothing(tmp_path: Path) -> None:
    def interrupted() -> None:
        with all_or_none(), atomic_path(tmp_path / "a") as path:
            path.write_bytes(b"1")
        with all_or_none():
            write_bytes(tmp_path / "b", b"2")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert contents(tmp_path) == {"a": b"1"}


@pytest.fixture
def study(small_disk: Path, tmp_path: Path) -> tuple[Path, TableSpec]:
    """A study whose outputs lie on a small disk, which is not full yet."""
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    spec = write_study(small_disk, ["mnist"], [0])
    assert make_table(small_disk, spec) == 0
    assert plot_gaps(small_disk) == 0
    assert plot_training(small_disk, spec) == 0
    assert plot_samples(small_disk, spec) == 0
    return small_disk, spec


def test_full_disk_under_tables_figures_and_report(
    study: tuple[Path, TableSpec], capsys: pytest.CaptureFixture[str]
) -> None:
    top, spec = study
    report = ReportSpec(
        preset="quick", description="small", tables=[spec], figures=["gaps-table2", "training", "samples"]
    )
    # 8 KiB hold the Markdown and the LaTeX table, but not the values behind them as well.
    for left in (0, 8192):
        filled(top, left=left)
        before = contents(top)
        for command in (
            lambda: make_table(top, spec),
            lambda: plot_gaps(top),
            lambda: plot_training(top, spec),
            lambda: plot_samples(top, spec),
            lambda: write_report(top, report),
        ):
            capsys.readouterr()
            assert command() == 1
            said = capsys.readouterr().err
            assert NO_SPACE in said
            assert "Free some space" in said
            assert "Traceback" not in said
            assert contents(top) == before
        (top / "filler").unlink()
    assert make_table(top, spec) == 0


def test_full_disk_under_a_training(
    stages: Path, small_disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The curves fit, the weights do not: neither appears."""
    wide = TRAIN | {"architecture": {"kind": "mlp", "encoder_hidden": [80], "decoder_hidden": [80]}}
    line = arguments("train", spec=wide, data=stages / "data.safetensors", output=small_disk / "model.safetensors",
                     metrics=small_disk / "metrics.csv")  # fmt: skip
    filled(small_disk, left=8192)
    before = contents(small_disk)
    assert main(line) == 1
    assert f"Could not write {small_disk}/model.safetensors: " in capsys.readouterr().err
    assert contents(small_disk) == before
    (small_disk / "filler").unlink()
    subprocess.run(["mount", "-o", "remount,size=1m", str(small_disk)], check=True)
    assert main(line) == 0


def test_full_disk_under_prepared_data(
    stages: Path, small_disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = PrepareSpec(dataset=dataset(stages / "raw", grey_levels(90_000, 2, 3)), binarisation="grey256")
    line = arguments("prepare-data", spec=spec, folder=stages / "raw", output=small_disk / "data.safetensors")
    assert main(line) == 1
    assert NO_SPACE in capsys.readouterr().err
    assert contents(small_disk) == {}


@pytest.mark.parametrize("error", [FULL, OSError(errno.EIO, os.strerror(errno.EIO))])
def test_a_drawing_that_cannot_be_saved(
    error: OSError, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = write_study(tmp_path, ["mnist"], [0])
    assert make_table(tmp_path, spec) == 0
    write = Path.write_bytes

    def write_no_png(path: Path, content: bytes) -> int:
        if path.suffix == ".png":
            raise error
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", write_no_png)
    before = contents(tmp_path)
    assert plot_gaps(tmp_path) == 1
    assert f"gaps-table2.png: {error.strerror}" in capsys.readouterr().err
    # The folder of figures may be there now; no figure is.
    assert {name: kept for name, kept in contents(tmp_path).items() if kept != "folder"} == {
        name: kept for name, kept in before.items() if kept != "folder"
    }


@pytest.mark.parametrize("failing", ["pathlib.Path.write_bytes", "tempfile.mkdtemp"])
def test_a_full_disk_of_temporary_files(
    failing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise FULL

    (tmp_path / "report.typ").write_text("text")
    monkeypatch.setattr(failing, full)
    with pytest.raises(UserError, match=f"temporary files.*{NO_SPACE}.*TMPDIR"):
        typeset(b"{}", {"report.typ": tmp_path / "report.typ"})


def training(stages: Path, **instead: object) -> list[str]:
    flags: dict[str, object] = {
        "spec": TRAIN | {"epochs": 10**9},
        "data": stages / "data.safetensors",
        "output": stages / "new.safetensors",
        "metrics": stages / "new.csv",
    }
    return arguments("train", **(flags | instead))


@pytest.mark.parametrize(
    ("flag", "path", "sentence"),
    [
        ("output", "raw", "--output is {path}, which is a folder; name a file in it"),
        ("metrics", "raw", "--metrics is {path}, which is a folder; name a file in it"),
        ("output", "model.safetensors/x", "is a file, not a folder; name another folder"),
        (
            "output",
            "data.safetensors",
            "--output and --data are both {path}; an output needs a file of its own",
        ),
        (
            "metrics",
            "new.safetensors",
            "--metrics and --output are both {path}; an output needs a file of its own",
        ),
        ("output", "x" * 300, "is not a file name (File name too long); write another"),
    ],
)
def test_outputs_that_can_never_be_written_are_found_before_a_training_of_years(
    flag: str, path: str, sentence: str, stages: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(stages)
    assert main(training(stages, **{flag: stages / path})) == 1
    said = capsys.readouterr().err
    assert sentence.format(path=stages / path) in said
    assert "Traceback" not in said
    assert contents(stages) == before


def test_a_folder_that_cannot_be_written_is_found_before_a_training_of_years(
    stages: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with file_system(tmp_path / "disk", "ro") as disk:
        assert main(training(stages, output=disk / "new/model.safetensors")) == 1
        assert f"but the folder {disk} cannot be written; make it writable" in capsys.readouterr().err


def test_a_log_that_cannot_be_written_stops_nothing(stages: Path) -> None:
    """Progress goes to a log; a training of days is not thrown away for it."""
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    line = arguments("train", spec=TRAIN, data=stages / "data.safetensors", output=stages / "new.safetensors",
                     metrics=stages / "new.csv")  # fmt: skip
    with Path("/dev/full").open("w") as full:
        run = subprocess.run(
            [sys.executable, "-m", "inference_gaps", *line], stderr=full, stdout=full, timeout=120
        )
    assert run.returncode == 0
    assert (stages / "new.safetensors").stat().st_size > 0
