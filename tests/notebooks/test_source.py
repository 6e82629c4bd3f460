"""What a notebook says that it reads, and which edits of the package make it run again."""

from pathlib import Path

import pytest

from inference_gaps.errors import UserError
from inference_gaps.replication.notebooks.source import imported_code, reads
from inference_gaps.replication.study.plan import load_study
from tests.code_copies import CodeCopy
from tests.notebooks.small_notebooks import HEADER, write_notebook
from tests.small_project import ROOT, edit_yaml, make_project

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.py"))


def test_the_header_lists_what_is_read(tmp_path: Path) -> None:
    assert reads(write_notebook(tmp_path / "a.py", "1 + 1", reads="models/m/seed-0/metrics.csv")) == [
        "models/m/seed-0/metrics.csv"
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 + 1\n", "does not begin with a header between two lines '# ---'"),
        ("# ---\n# jupyter: {}\n", "does not begin with a header between two lines '# ---'"),
        ("# ---\n# jupyter: [\n# ---\n", r"The header of .* is not YAML"),
        ("# ---\n# jupyter: 3\n# ---\n", "does not list what it reads below jupyter: inference_gaps: reads:"),
        (HEADER.format(reads="3"), "does not list what it reads"),
        ("# ---\n# jupyter:\n#   inference_gaps: {reads: []}\n# ---\n", "does not list what it reads"),
    ],
)
def test_a_header_that_does_not_say_is_a_sentence(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.py").write_text(text)
    with pytest.raises(UserError, match=message):
        reads(tmp_path / "a.py")


def test_files_that_are_no_notebooks_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a\.py cannot be read"):
        reads(tmp_path / "a.py")
    (tmp_path / "b.py").write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match=r"b\.py is not text in UTF-8"):
        reads(tmp_path / "b.py")
    with pytest.raises(UserError, match=r"line 9 of .*c\.py is not Python"):
        imported_code(write_notebook(tmp_path / "c.py", "if:"))


def test_the_code_that_it_imports_counts_at_any_depth_and_other_code_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook = write_notebook(tmp_path / "a.py", "import math", "from inference_gaps.bounds import ais")
    package = CodeCopy(tmp_path, monkeypatch)
    first = imported_code(notebook)
    for name in ("exact/quadrature.py", "replication/figures/gaps.py"):
        package.append(name, "UNUSED = 1")
    package.append("bounds/hmc.py", "# A comment.")
    assert imported_code(notebook) == first
    package.append("bounds/hmc.py", "UNUSED = 1")
    assert imported_code(notebook) != first


def test_the_code_that_a_notebook_imports_is_told_apart(tmp_path: Path) -> None:
    lines = ["from inference_gaps.bounds import ais", "from inference_gaps.bounds import hmc"]
    lines += ["import inference_gaps.bounds.ais", "import math"]
    notebooks = [write_notebook(tmp_path / f"{index}.py", line) for index, line in enumerate(lines)]
    assert len({imported_code(notebook) for notebook in notebooks}) == len(lines)


def test_a_notebook_is_planned_where_all_that_it_reads_is_made(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    weights = "models/digits-ffg/seed-0/model.safetensors"
    one = write_notebook(project / "notebooks/one.py", "1", reads=weights)
    two = write_notebook(project / "notebooks/two.py", "1", reads="again.csv")
    study = load_study(top=project)
    assert [str(job.outputs["output"]) for job in study.notebooks] == [
        "results/tiny/notebooks/one.html",
        "results/tiny/notebooks/two.html",
    ]
    # The weights of a model come with the data that it was trained on.
    assert set(study.notebooks[0].read) == {
        f"results/tiny/{weights}",
        "results/tiny/data/digits-grey256.safetensors",
        "notebook",
    }
    edit_yaml(project / "config/config.yaml", ("experiments", ["gaps"]))
    study = load_study(top=project)
    assert [job.inputs["notebook"] for job in study.notebooks] == [one]
    assert study.left_out == {two: Path("results/tiny/again.csv")}


@pytest.mark.parametrize("preset", ["quick", "full"])
def test_every_notebook_of_the_project_is_planned(preset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    study = load_study({"preset": preset}, find_data=False)
    assert study.left_out == {}
    assert [job.inputs["notebook"].name for job in study.notebooks] == [path.name for path in NOTEBOOKS]
    assert len(NOTEBOOKS) >= 3
