"""A notebook becomes a page whose bytes repeat, by a kernel of its own; what goes wrong is a sentence."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook, new_output

from inference_gaps.replication.artifacts.files import check_content, read_provenance
from inference_gaps.replication.artifacts.fingerprints import fingerprint_of
from inference_gaps.replication.cli import main
from inference_gaps.replication.notebooks import execution
from tests.command_lines import arguments
from tests.notebooks.small_notebooks import write_notebook

READS = {"preset": "quick", "reads": ["table2.csv"]}
CODE = """\
import os, sys, warnings
import matplotlib.pyplot as plt
import pandas as pd
from inference_gaps.replication.artifacts.files import read_values
from inference_gaps.replication.artifacts.finished_run import finished_run
run = finished_run(os.environ["INFERENCE_GAPS_PRESET"])
warnings.warn("somewhere on this machine")
table, _ = read_values(run.table("table2", "csv"))
print(f"{run.preset} has {len(table)} lines")"""


def _cells(*outputs: dict[str, object]) -> NotebookNode:
    cells = [new_code_cell("x = 1"), new_code_cell("y = 2\nx / 0")]
    cells[1]["outputs"] = [new_output(**output) for output in outputs]
    return new_notebook(cells=cells)


def test_warnings_go_to_the_log_and_not_into_the_page() -> None:
    streams = [{"output_type": "stream", "name": name, "text": name} for name in ("stdout", "stderr")]
    cleaned = execution._clean(_cells(*streams))
    assert [output["name"] for output in cleaned.cells[1]["outputs"]] == ["stdout"]


def test_the_first_cell_that_failed_is_named() -> None:
    failed = _cells({"output_type": "error", "ename": "E", "evalue": "a\n b", "traceback": []})
    assert execution._failure(Path("n.py"), failed) == (
        "n.py: cell 2, which begins with 'y = 2', failed (E: a b); correct it."
    )


def command(top: Path, notebook: Path, spec: dict[str, object] = READS) -> list[str]:
    output = notebook.with_suffix(".html")
    results = top / "results/quick"
    return arguments("run-notebook", spec=spec, notebook=notebook, results=results, output=output)


def test_the_page_has_text_results_and_pictures_and_its_bytes_repeat(
    tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    notebook = write_notebook(tmp_path / "a.py", CODE, "table.head(2)", "plt.plot([1, 2]);")
    assert main(command(tables, notebook)) == 0
    page = (tmp_path / "a.html").read_bytes()
    assert re.search(rb"quick has \d+ lines", page)
    assert b"<table" in page
    assert b"data:image/png;base64," in page
    # Warnings say where files lie; the page has only the line of code.
    assert page.count(b"somewhere on this machine") == 1
    assert "somewhere on this machine" in capsys.readouterr().err
    for folder in (tmp_path, tables, Path(sys.prefix), Path.home()):
        assert f"{folder}/".encode() not in page
    # Nothing is loaded from elsewhere.
    assert re.findall(rb"(?:src|href)=\"(?!#|data:)", page) == []
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    (tmp_path / "a.html").unlink()
    assert main(command(tables, notebook)) == 0
    assert (tmp_path / "a.html").read_bytes() == page


def test_the_page_says_what_made_it(tables: Path, tmp_path: Path) -> None:
    notebook = write_notebook(tmp_path / "a.py", "1 + 1")
    assert main(command(tables, notebook)) == 0
    made_by = check_content(tmp_path / "a.html")
    assert set(made_by["inputs"]) == {"results/quick/table2.csv", "notebook", "imports"}
    assert made_by["fingerprint"] == fingerprint_of(made_by)
    notebook.write_text(notebook.read_text() + "# A remark is shown, too.\n")
    assert main(command(tables, notebook)) == 0
    assert read_provenance(tmp_path / "a.html")["fingerprint"] != made_by["fingerprint"]


def test_a_cell_that_fails_is_named(tables: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    notebook = write_notebook(tmp_path / "a.py", "x = 1", "y = 2\nx / 0")
    assert main(command(tables, notebook)) == 1
    assert (
        f"{notebook}: cell 2, which begins with 'y = 2', failed (ZeroDivisionError: division by zero); correct it."
        in capsys.readouterr().err
    )
    assert not (tmp_path / "a.html").exists()


def test_a_kernel_that_ends_is_a_sentence(
    tables: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    notebook = write_notebook(tmp_path / "a.py", "import os\nos._exit(3)")
    assert main(command(tables, notebook)) == 1
    assert "its kernel ended before it did" in capsys.readouterr().err
    assert not (tmp_path / "a.html").exists()


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            {"preset": "quick", "reads": ["nothing.csv"]},
            "nothing.csv does not exist; run the stage that makes it",
        ),
        ({"preset": "quick", "reads": ["../table2.csv"]}, "--spec"),
        ({"preset": "full", "reads": []}, "but --spec asks for preset full; name one."),
    ],
)
def test_other_results_are_sentences(
    tables: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    spec: dict[str, object],
    message: str,
) -> None:
    assert main(command(tables, write_notebook(tmp_path / "a.py", "1"), spec)) == 1
    assert message in capsys.readouterr().err


def test_kernels_and_settings_of_the_user_do_not_count_and_nothing_is_left(
    tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    kernel = home / ".local/share/jupyter/kernels/python3"
    kernel.mkdir(parents=True)
    (kernel / "kernel.json").write_text('{"argv": ["false"], "display_name": "x", "language": "python"}')
    startup = home / ".ipython/profile_default/startup"
    startup.mkdir(parents=True)
    (startup / "00.py").write_text("surprise = 1\n")
    before = sorted(home.rglob("*"))
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "t"))
    (tmp_path / "t").mkdir()
    notebook = write_notebook(tmp_path / "a.py", "import sys\nprint('surprise' in globals(), sys.prefix)")
    assert main(command(tables, notebook)) == 0
    assert f"False {sys.prefix}".encode() in (tmp_path / "a.html").read_bytes()
    assert sorted(home.rglob("*")) == before
    assert list((tmp_path / "t").iterdir()) == []


def test_a_kernel_does_not_outlive_a_job_that_is_asked_to_end(tables: Path, tmp_path: Path) -> None:
    started = tmp_path / "started"
    code = f"import os, pathlib, time\npathlib.Path({str(started)!r}).write_text(str(os.getpid()))\ntime.sleep(600)"
    program = str(Path(sys.executable).parent / "inference-gaps")
    words = [program, *command(tables, write_notebook(tmp_path / "a.py", code))]
    job = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": ""})
    deadline = time.monotonic() + 120
    while not (started.exists() and started.read_text()):
        assert job.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    kernel = int(started.read_text())
    job.send_signal(signal.SIGTERM)
    _, said = job.communicate(timeout=60)
    assert job.returncode == 128 + signal.SIGTERM
    assert said.startswith("inference-gaps run-notebook: interrupted by SIGTERM")
    assert "Traceback" not in said
    while psutil.pid_exists(kernel) and psutil.Process(kernel).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert not (tmp_path / "a.html").exists()
