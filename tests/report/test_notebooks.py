"""Notebooks run, show what they print, are the same every time, and fail with a sentence."""

import sys
from pathlib import Path

import pytest

from inference_gaps.artifacts import read_provenance
from inference_gaps.cli import main
from tests.small_project import ROOT

NOTEBOOK = """# %% [markdown]
# # A title
# %%
import os, sys
print("preset", os.environ["INFERENCE_GAPS_PRESET"], 6 * 7)
# %%
assert sys.prefix == {prefix!r}
"""


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(text: str, output: str) -> int:
    Path("some_notebook.py").write_text(text, encoding="utf-8")
    spec = '--spec={"notebook": "some-notebook", "preset": "tiny"}'
    return main(["run-notebook", spec, "--notebook=some_notebook.py", f"--output={output}"])


def test_a_notebook_is_run_and_gives_the_same_bytes(tmp_path: Path) -> None:
    text = NOTEBOOK.format(prefix=sys.prefix)
    assert run(text, "one.html") == run(text, "two.html") == 0
    html = Path("one.html").read_text(encoding="utf-8")
    assert "preset tiny 42" in html
    assert html == Path("two.html").read_text(encoding="utf-8")
    assert str(tmp_path) not in html
    made_by = read_provenance("one.html")
    assert made_by["command"] == "run-notebook"
    assert list(made_by["inputs"]) == ["notebook"]


def test_a_cell_that_fails_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(NOTEBOOK.format(prefix="elsewhere"), "out.html") == 1
    assert "Cell 3 of some_notebook.py failed (AssertionError" in capsys.readouterr().err
    assert not Path("out.html").exists()


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.py")), ids=lambda path: path.stem)
def test_notebooks_are_scripts_that_explain(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# %% [markdown]\n# # ")
    assert text.count("# %% [markdown]") >= 2
    assert "INFERENCE_GAPS_PRESET" in text
