"""What ``make clean`` removes, and what it leaves alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from inference_gaps.replication.cli import main
from inference_gaps.replication.jobs.run_lock import hold_run, running
from tests.packaging.small_clone import make, make_clone, make_python

OF_QUICK = ["results/quick/a", "figures/quick/a", "paper/replication-quick.pdf", "paper/workflow-quick.html"]
OTHERS = [
    *("results/laptop/a", "figures/laptop/a", "paper/replication-laptop.pdf", "paper/workflow-laptop.html"),
    *("results/quick-2/a", "data/downloads/mnist/a", "paper/published.csv"),
]
_FIRST = "# yaml-language-server: $schema=../workflow/schemas/config.schema.json\n"
_REST = "\nexperiments: all\ndata_folder: null\ncopies: {}\ndevice: auto\nthreads: 1\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Presets and some files of their runs, where the test is."""
    for preset in ("quick", "laptop", "laptop-2", "laptop_2", "quick-2", "v1.5"):
        (tmp_path / "config/presets").mkdir(parents=True, exist_ok=True)
        (tmp_path / f"config/presets/{preset}.yaml").touch()
    for name in OF_QUICK + OTHERS:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    configure("preset: quick")
    return tmp_path


def configure(line: str, rest: str = _REST) -> None:
    Path("config/config.yaml").write_text(f"{_FIRST}{line}{rest}")


def left() -> list[str]:
    return [name for name in OF_QUICK + OTHERS if Path(name).exists()]


@pytest.mark.parametrize(
    "line",
    [
        "preset: quick",
        "preset:    quick   ",
        "preset: 'quick'",
        'preset: "quick"',
        'preset: "qui\\x63k"  # not laptop',
        "preset: quick # laptop",
        "preset:\n  quick",
        "preset: >-\n  quick",
        "preset: |-\n  quick\n",
        "preset: &chosen quick",
        "preset: !!str quick",
        "? preset\n: quick",
        '"preset": quick',
        "# preset: laptop\npreset: quick",
        "preset: quick\r",
    ],
)
def test_the_preset_is_read_as_yaml(line: str, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure(line)
    assert main(["clean"]) == 0
    assert left() == OTHERS
    assert capsys.readouterr().out.splitlines() == [
        "Removing results/quick",
        "Removing figures/quick",
        "Removing paper/replication-quick.pdf",
        "Removing paper/workflow-quick.html",
    ]


@pytest.mark.parametrize(
    ("line", "rest"),
    [
        ("{preset: quick, experiments: all, data_folder: null, device: auto, threads: 1}", "\n"),
        ("device: &auto auto\npreset: quick\nexperiments: all\ndata_folder: null\nthreads: 1", "\n"),
        ("preset: quick\nexperiments: all\ndata_folder: null\ndevice: auto\nthreads: 1", ""),
    ],
)
def test_the_file_is_read_as_yaml(line: str, rest: str, project: Path) -> None:
    configure(line, rest)
    assert main(["clean"]) == 0
    assert left() == OTHERS


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("preset: laptop-3", "preset is 'laptop-3', which is not a preset; the nearest is laptop-2."),
        ("preset: laptop_3", "preset is 'laptop_3', which is not a preset; the nearest is laptop_2."),
        ("preset: Laptop", "preset is the text 'Laptop'; it must be text, a name: lower-case letters"),
        ("preset: quick.", "preset is the text 'quick.'; it must be text, a name: lower-case letters"),
        ("preset: records", "preset is records, as folders of records are called"),
        ("preset: 2024_11", "preset is the number 202411"),
        ("preset: 1e3", "preset is '1e3', which is not a preset"),
        ("preset: ''", "preset is the text ''; it must be text, a name"),
        ("preset: .", "preset is the text '.'; it must be text, a name"),
        ("preset: ../results", "preset is the text '../results'; it must be text, a name"),
        ("preset: |\n  quick\n", "preset is the text 'quick\\n'; it must be text, a name"),
        ("preset:", "preset is empty (null); it must be text"),
        ("preset: [quick]", "preset is a list; it must be text"),
        ("preset: quick\npreset: laptop", "preset is given twice"),
        ("", "preset is missing"),
    ],
)
def test_what_is_not_a_preset_removes_nothing(
    line: str, sentence: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(line)
    assert main(["clean"]) == 1
    assert sentence in capsys.readouterr().err
    assert left() == OF_QUICK + OTHERS


@pytest.mark.parametrize(
    ("name", "line"),
    [("laptop-2", "laptop-2"), ("laptop_2", "laptop_2"), ("laptop_2", ">-\n  laptop_2"), ("v1.5", "v1.5")],
)
def test_a_preset_is_not_the_one_whose_name_it_begins_with(name: str, line: str, project: Path) -> None:
    configure(f"preset: {line}")
    (project / "results" / name).mkdir()
    assert main(["clean"]) == 0
    assert left() == OF_QUICK + OTHERS
    assert not (project / "results" / name).exists()


def test_the_flag_wins_and_a_second_time_there_is_nothing(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure("preset: laptop")
    for _ in range(2):
        assert main(["clean", "--preset", "quick"]) == 0
    assert left() == OTHERS
    assert capsys.readouterr().out.endswith("There is nothing of preset quick here.\n")


@pytest.mark.parametrize(
    "link", ["results", "results/quick", "figures", "paper", "paper/replication-quick.pdf"]
)
def test_a_link_is_not_followed(
    link: str, project: Path, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "moved"
    Path(link).rename(elsewhere)
    Path(link).symlink_to(elsewhere)
    assert main(["clean"]) == 1
    assert f"{link} is a link to {elsewhere}, and clean follows none" in capsys.readouterr().err
    assert left() == OF_QUICK + OTHERS


def test_a_link_among_the_results_is_removed_and_what_it_names_stays(
    project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "data.safetensors").touch()
    Path("results/quick/data").symlink_to(elsewhere)
    assert main(["clean"]) == 0
    assert left() == OTHERS
    assert (elsewhere / "data.safetensors").exists()


_HOLD = """
import sys
from inference_gaps.replication.jobs.run_lock import hold_run
assert hold_run() and hold_run()
print("held", flush=True)
sys.stdin.read()
"""


def test_nothing_is_removed_while_a_run_goes_on(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "held\n"
        assert main(["clean"]) == 1
        said = capsys.readouterr().err
        assert f"a run is going on in this folder (process {run.pid}); wait until it has ended" in said
        assert left() == OF_QUICK + OTHERS
        run.kill()
    assert running() == f"process {run.pid}"
    assert main(["clean"]) == 0
    assert left() == OTHERS


def test_a_lock_is_held_by_this_process_and_by_none_that_it_starts(project: Path) -> None:
    assert hold_run()
    child = os.fork()
    if child == 0:
        os._exit(hold_run())
    assert os.waitpid(child, 0)[1] == 0
    assert running() == f"process {os.getpid()}"


def test_a_folder_that_another_user_ran_in_cannot_be_locked(project: Path) -> None:
    assert hold_run()
    Path(".snakemake/run.lock").chmod(0o666)
    Path(".snakemake").chmod(0o555)
    Path().chmod(0o755)
    child = os.fork()
    if child == 0:
        named = ""
        try:
            if os.getuid() == 0:
                os.setuid(12345)
            hold_run()
        except PermissionError as error:
            named = error.filename
        finally:
            os._exit(named != ".snakemake")
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize(
    ("arguments", "removed"), [([], "quick"), (["PRESET=laptop"], "laptop"), (["PRESET=laptop_3"], None)]
)
def test_make_clean(arguments: list[str], removed: str | None, tmp_path: Path) -> None:
    make(make_clone(tmp_path), "environment", f"PYTHON={make_python(tmp_path / 'python-for-tests')}")
    for preset in ("quick", "laptop"):
        (tmp_path / "results" / preset).mkdir(parents=True)
    done = make(tmp_path, "clean", *arguments)
    assert done.stdout == (f"Removing results/{removed}\n" if removed else "")
    assert (done.returncode == 0) == (removed is not None)
    assert {path.name for path in (tmp_path / "results").iterdir()} == {"quick", "laptop"} - {removed}
