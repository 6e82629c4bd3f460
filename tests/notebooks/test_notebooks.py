"""The notebooks of the project run on a tiny run, from the files that they say they read, and find its numbers."""

import shutil
from pathlib import Path

import pytest
from nbformat import NotebookNode

from inference_gaps.replication.artifacts.layout import Layout
from inference_gaps.replication.artifacts.records import RECORDS
from inference_gaps.replication.notebooks.execution import executed
from inference_gaps.replication.notebooks.source import reads
from tests.small_project import ROOT


def on(top: Path, name: str, tmp_path: Path) -> NotebookNode:
    """Execute a notebook in a folder that holds what its header lists and, with a model, the data."""
    notebook = ROOT / f"notebooks/{name}.py"
    source, target = Layout("quick", top), Layout("quick", tmp_path)
    wanted = [source.results / path for path in reads(notebook)]
    wanted += list(source.data("any").parent.glob("*.safetensors"))
    for path in wanted:
        copy = target.results / path.relative_to(source.results)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
        shutil.copytree(path.parent / RECORDS, copy.parent / RECORDS, dirs_exist_ok=True)
    return executed(notebook, "quick", tmp_path)


def said(cells: NotebookNode) -> list[str]:
    """Return what is shown below each cell of code."""
    return [
        "".join(
            output.get("text", "") or output.get("data", {}).get("text/plain", "") for output in cell.outputs
        )
        for cell in cells.cells
        if cell.cell_type == "code"
    ]


def test_the_gaps_of_one_image_agree_with_the_workflow(models: Path, tmp_path: Path) -> None:
    shown = said(on(models, "gaps_of_one_image", tmp_path))
    lines = [line.split() for line in shown[-1].splitlines() if line.startswith(("L[", "IWAE", "AIS"))]
    assert len(lines) == 5
    assert all(abs(float(line[-1])) < 5 for line in lines)
    gaps = [float(line.split()[-2]) for line in shown[-2].splitlines() if "gap" in line]
    assert all(gap > -0.2 for gap in gaps)


def test_the_posteriors_in_two_dimensions_have_the_exact_answers(models: Path, tmp_path: Path) -> None:
    cells = on(models, "posteriors_in_two_dimensions", tmp_path)
    exact = [line.split() for line in said(cells)[-1].splitlines()]
    for *_, theirs, _, ours in exact[:2]:
        assert float(ours) == pytest.approx(float(theirs), abs=2e-3)
    # The optimisation comes close to the optimum from below.
    *_, optimum, _, found = exact[2]
    assert -0.1 < float(found) - float(optimum) < 2e-3
    pictures = [output for cell in cells.cells for output in cell.get("outputs", []) if "data" in output]
    assert any("image/png" in output["data"] for output in pictures)


def test_reading_the_results_compares_two_models_by_image(tables: Path, tmp_path: Path) -> None:
    shown = said(on(tables, "reading_the_results", tmp_path))
    # Gaps of 2.5 and 2.0 nats were written (tests/synthetic_study.py).
    assert "0.50 nats, 95 % interval" in shown[-2]
    assert "24 images" in shown[-2]
    assert shown[-1].splitlines()[0].startswith("first: 2.50")
    assert any("replicated" in text for text in shown)


@pytest.mark.slow
def test_the_gaps_of_your_own_vae_are_measured_and_three_mistakes_are_named(
    tables: Path, tmp_path: Path
) -> None:
    (tmp_path / "data").symlink_to(ROOT / "data")
    cells = on(tables, "gaps_of_your_own_vae", tmp_path)
    shown = said(cells)
    result = next(text for text in shown if "approximation gap" in text and "Passed: " in text)
    # The ELBO of the notebook's own loop is that of the description.
    assert "Warnings" not in result
    assert "elbo" in result.partition("Passed: ")[2]
    mistakes = [" ".join(text.split()) for text in shown]
    for sentence in (
        "UserError: Net.encoder.1 (BatchNorm2d) is in training mode",
        "UserError: x has values from 0 to 255, but Bernoulli takes values from 0 to 1; divide x by 255",
        "this description is not the model that you trained",
        "Check whether encode returns log variances (not standard deviations)",
    ):
        assert any(sentence in text for text in mistakes), sentence
    pictures = [output for cell in cells.cells for output in cell.get("outputs", []) if "data" in output]
    assert sum("image/png" in output["data"] for output in pictures) == 2
