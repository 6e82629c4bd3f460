"""Malformed configurations: each ends in sentences, from ``check-config`` and from Snakemake itself."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from inference_gaps.errors import UserError
from inference_gaps.replication.cli import main
from inference_gaps.replication.config.loading import load_configuration
from inference_gaps.replication.study.plan import load_study
from tests.faults.folders import contents
from tests.small_project import ROOT, edit_yaml, make_project
from tests.snakemake_runs import snakemake

TINY = "presets/tiny"
Change = Callable[[Path], Any]


def edit(file: str, key: str, value: Any) -> Change:
    """Set a key; a key with a dot in it cannot be written so."""
    return lambda config: edit_yaml(config / f"{file}.yaml", (key, value))


def text(file: str, content: str | bytes) -> Change:
    """Replace the whole file."""
    raw = content.encode() if isinstance(content, str) else content
    return lambda config: (config / f"{file}.yaml").write_bytes(raw)


def line(file: str, key: str, written: str) -> Change:
    """Write the value of a top-level key as it stands, for what a dump of YAML would put in quotes."""

    def change(config: Path) -> None:
        path = config / f"{file}.yaml"
        lines = path.read_text().splitlines()
        kept = [one for one in lines if not one.startswith((f"{key}:", "-"))]
        path.write_text("\n".join([*kept, f"{key}: {written}"]) + "\n")

    return change


def instead(file: str, make: Callable[[Path], Any]) -> Change:
    """Put something else in the place of a file."""

    def change(config: Path) -> None:
        path = config / f"{file}.yaml"
        path.unlink()
        make(path)

    return change


# Name of the case, what is done to config/, what the sentence says.
MALFORMED: list[tuple[str, Change, str]] = [
    # Files that are none
    ("empty file", text("config", ""), "config/config.yaml is empty"),
    ("preset missing", instead(TINY, lambda path: None), "preset is 'tiny', which is not a preset"),
    # Text that is no YAML
    ("not UTF-8", text("config", b"preset: tiny\nname: \xff\xfe\n"), "line 2 is not text in UTF-8"),
    ("tab", text("config", "preset:\n\t- tiny\n"), "line 2 is not valid YAML: found character '\\t'"),
    ("open bracket", text(TINY, "seeds: [0\n"), "is not valid YAML: expected ',' or ']'"),
    ("key twice", line("config", "threads", "1\nthreads: 2"), "threads is given twice; keep one"),
    # Values of another type
    ("number for name", edit("config", "preset", 7), "preset is the number 7; it must be text"),
    ("empty value", line("config", "preset", ""), "preset is empty (null); it must be text"),
    ("yes for number", line(TINY, "points", "yes"), "points is the truth value true; it must be a whole"),
    ("octal", line(TINY, "points", "010"), "YAML reads 010 as the number 8; write 8, or use quotes"),
    ("mapping for list", edit(TINY, "seeds", {"a": 1}), "seeds is a mapping of keys to values; it must be a list"),
    # Values out of range
    ("not a number", line(TINY, "training", "{learning_rate: .nan}"), "learning_rate is the number nan"),
    ("fraction", edit(TINY, "training.epochs", 2.5), "training.epochs is the number 2.5"),
    # Names
    ("unknown model", edit("experiments", "experiments.gaps.models", ["digit"]), "is 'digit', which is not one of"),
    ("unknown data set", edit(TINY, "datasets.mnist.copy", "mnits"), "which is not in config/datasets.yaml"),
    ("preset of another folder", edit("config", "preset", "../../x"), "preset is the text '../../x'; it must"),
    ("model of another folder", edit("experiments", "models", {"../x": {}}), "models.../x is not a name"),
    ("name with a capital", edit("experiments", "models", {"A": {}}), "models.A is not a name; use lower-case"),
    ("folder above", edit("datasets", "datasets.digits.folder", "../../x"), "a folder below another one: no .."),
    ("absolute folder", edit("datasets", "datasets.digits.folder", "/etc"), "a folder below another one: no .."),
    (
        "file of another folder",
        edit("datasets", "datasets.digits.files", [{"name": "../x", "part": "train"}]),
        "files[0].name is the text '../x'; it must be text, the name of a file, without its folder",
    ),
    (
        "address of another kind",
        edit("datasets", "datasets.digits-online.sources", ["file:///etc/"]),
        "sources[0] is the text 'file:///etc/'; it must be text, an address that starts with http://",
    ),
    # Settings that exclude each other
    ("q* from itself", edit(TINY, "local.ffg.start", "local-ffg"), "local.ffg.start is local-ffg, which is itself"),
    ("warm-up too long", edit(TINY, "training.warm_up_epochs", 9), "is to warm up for 9 epochs but is trained"),
]  # fmt: skip
BY_NAME = {name: (change, sentence) for name, change, sentence in MALFORMED}
# Each costs a second and a half.
THROUGH_SNAKEMAKE = ("empty file", "key twice", "not a number")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path)


@pytest.mark.parametrize("name", BY_NAME)
def test_check_config_says_what_is_wrong(
    name: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change, sentence = BY_NAME[name]
    change(project / "config")
    before = contents(project)
    assert main(["check-config", "--top", str(project)]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert sentence in captured.err
    assert "Traceback" not in captured.err
    assert captured.err.isprintable() or set(captured.err) - {"\n"} <= set(
        filter(str.isprintable, captured.err)
    )
    assert len(captured.err) < 4000
    assert contents(project) == before


@pytest.mark.parametrize("name", THROUGH_SNAKEMAKE)
def test_snakemake_says_the_same(name: str, project: Path) -> None:
    change, sentence = BY_NAME[name]
    for folder in ("workflow", "profiles"):
        shutil.copytree(ROOT / folder, project / folder)
    shutil.copy(ROOT / "Snakefile", project)
    change(project / "config")
    run = snakemake(project, "--dry-run", "--cores", "1")
    said = run.stdout + run.stderr
    assert run.returncode == 1
    assert sentence in said
    assert "Traceback" not in said
    assert not (project / "results").exists()


def test_a_mark_of_the_order_of_bytes_is_no_mistake(project: Path) -> None:
    file = project / "config/config.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert load_configuration(project).settings.preset == "tiny"


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("preset=[tiny]", "the command line: preset is a list; it must be text"),
        ("preset=tinny", "the command line: preset is 'tinny', which is not a preset; the nearest is tiny"),
        ("threads=many", "the command line: threads is the text 'many'; it must be a whole number"),
        ("threads=-1", "the command line: threads is the number -1; it must be a whole number, at least 1"),
        (
            "device={a: 1}",
            "the command line: device is a mapping of keys to values; it must be auto, cpu or cuda",
        ),
        (
            "experiments=[[]]",
            "the command line: experiments is a list; it must be the word all or a list of names",
        ),
        ("data_folder=7", "the command line: data_folder is the number 7; it must be text"),
        ("no_such_key=1", "the command line: no_such_key is not a key"),
    ],
)
def test_keys_of_the_command_line(given: str, sentence: str, project: Path) -> None:
    import yaml

    key, value = given.split("=", 1)
    with pytest.raises(UserError, match="nothing was started") as caught:
        load_study({key: yaml.safe_load(value)}, project)
    assert sentence in str(caught.value)


@pytest.mark.parametrize("given", ["preset=[tiny", "threads=-1"])
def test_keys_of_the_command_line_through_snakemake(given: str, project: Path) -> None:
    for folder in ("workflow", "profiles"):
        shutil.copytree(ROOT / folder, project / folder)
    shutil.copy(ROOT / "Snakefile", project)
    run = snakemake(project, "--dry-run", "--cores", "1", "--config", given)
    said = run.stdout + run.stderr
    assert run.returncode != 0
    assert "Traceback" not in said
    assert given.split("=")[0] in said
