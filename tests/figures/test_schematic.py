"""The ladders have the rungs and the gaps of the table that they are drawn from."""

from pathlib import Path

import pytest

from inference_gaps.analysis.table import read_table
from inference_gaps.artifacts import read_provenance, read_values
from inference_gaps.cli import main
from inference_gaps.figures.schematic import draw_schematic, ladders
from inference_gaps.figures.style import figure_style
from tests.synthetic_study import make_table, write_study


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("ladders")
    assert make_table(top, write_study(top, ["mnist", "fashion-mnist"], [0])) == 0
    return top


def test_each_gap_lies_between_its_rungs(study: Path) -> None:
    table, _ = read_table(study / "results/quick/table2.csv")
    drawn = ladders(table, 3)
    assert drawn["model"].nunique() == 3
    for _, lines in drawn.groupby("model"):
        of = lines.set_index("quantity")["value"]
        assert of["approximation_gap"] == pytest.approx(of["log_p_best"] - of["elbo_local"])
        assert of["amortization_gap"] == pytest.approx(of["elbo_local"] - of["elbo_amortized"])
    flow = drawn[drawn["model"] == "mnist-af"].set_index("quantity")["value"]
    whole = table[table["model"] == "mnist-af"].set_index("quantity")["value"]
    # Of the family that the model was trained with.
    assert flow["elbo_local"] == whole["elbo_local_af"] != whole["elbo_local_ffg"]
    with figure_style():
        axes = draw_schematic(drawn).axes[0]
    tops = [round(patch.get_y() + patch.get_height(), 4) for patch in axes.patches]
    first = drawn[drawn["model"] == "mnist-ffg"].set_index("quantity")["value"]
    assert tops == [round(first["log_p_best"], 4), round(first["elbo_local"], 4)]
    texts = " ".join(text.get_text() for text in axes.texts)
    assert f"{first['approximation_gap']:.2f} ± " in texts
    assert f"{first['amortization_gap']:.2f} ± " in texts


def test_the_command_draws_the_table_that_it_is_given(study: Path) -> None:
    prefix = study / "figures/quick/schematic"
    line = ["plot-schematic", '--spec={"experiment": "table2", "preset": "quick", "models": 2}']
    line += [f"--table={study / 'results/quick/table2.csv'}", f"--output-prefix={prefix}"]
    assert main(line) == 0
    drawn, made_by = read_values(prefix.with_suffix(".csv"))
    assert set(drawn["model"]) == {"mnist-ffg", "mnist-af"}
    assert list(made_by["inputs"]) == ["results/quick/table2.csv"]
    assert read_provenance(prefix.with_suffix(".png"))["fingerprint"] == made_by["fingerprint"]
