"""The schematic of the gaps is to scale, and its numbers are those of the table."""

import pandas as pd
import pytest
from matplotlib.axes import Axes

from inference_gaps.replication.figures.schematic import RUNGS, draw_schematic, ladders, spread
from inference_gaps.replication.figures.style import figure_style

# log p(x), L[q*] and L[q] of a model, its own family, half of the interval of each gap.
MODELS = {
    "mnist-ffg": (-100.0, -101.0, -103.0, "ffg", 0.25),
    "mnist-af": (-90.0, -90.5, -92.5, "af", 0.25),
}


def table_of(models: dict[str, tuple[float, float, float, str, float]]) -> pd.DataFrame:
    lines = []
    for model, (log_p, best, amortized, family, half) in models.items():
        other = "af" if family == "ffg" else "ffg"
        values = {
            "log_p_best": log_p,
            "log_p_paper": log_p - 9,
            f"elbo_local_{family}": best,
            f"elbo_local_{other}": best - 5,
            "elbo_amortized": amortized,
            "approximation_gap": log_p - best,
            "amortization_gap": best - amortized,
            "inference_gap": log_p - amortized,
            "approximation_gap_paper": 77.0,
        }
        for quantity, value in values.items():
            line = {"model": model, "trained_with": family, "quantity": quantity, "value": value}
            lines.append(line | {"ci_low": value - half, "ci_high": value + half})
    frame = pd.DataFrame(lines)
    return frame.assign(label="x", split="train", epoch=None, dataset_title="Digits (a few)", n_seeds=1)


def boxes(axes: Axes) -> list[list[float]]:
    """Return lower end and height of every gap drawn, in nats."""
    return [[round(box.get_y(), 6), round(box.get_height(), 6)] for box in axes.patches]


def test_the_gaps_are_drawn_to_scale_below_log_p() -> None:
    with figure_style():
        large, small = draw_schematic(ladders(table_of(MODELS))).axes
    assert boxes(large) == [[-1.0, 1.0], [-3.0, 2.0]]
    assert boxes(small) == [[-1.0, 1.0], [-3.0, 2.0], [-0.5, 0.5], [-2.5, 2.0]]


def test_numbers_are_those_of_the_table_with_their_intervals() -> None:
    with figure_style():
        large, small = draw_schematic(ladders(table_of(MODELS))).axes
    said = "\n".join(text.get_text() for text in large.texts)
    for text in ("1.00 ± 0.25 nats", "2.00 ± 0.25 nats", "inference gap 3.00 ± 0.25"):
        assert text in said
    for rung, value in zip(RUNGS.values(), ("−100.0", "−101.0", "−103.0"), strict=True):
        assert f"{rung}\n{value}" in said
    numbers = [text.get_text() for text in small.texts]
    assert [number for number in numbers if "±" in number] == [
        "1.00\n± 0.25",
        "2.00\n± 0.25",
        "0.50\n± 0.25",
        "2.00\n± 0.25",
    ]
    assert numbers.index("FFG") < numbers.index("AF")
    assert numbers[-1] == "1 nat"


def test_a_negative_gap_reaches_above_log_p() -> None:
    drawn = ladders(table_of({"mnist-ffg": (-100.0, -99.0, -103.0, "ffg", 0.25)}))
    with figure_style():
        large, _ = draw_schematic(drawn).axes
    assert boxes(large) == [[0.0, 1.0], [-3.0, 4.0]]
    assert large.get_ylim()[1] > 1.0
    assert any("−1.00 ± 0.25" in text.get_text() for text in large.texts)


def test_models_without_an_optimum_of_their_own_family_and_checkpoints_are_left_out() -> None:
    table = table_of(MODELS)
    lacking = table[~((table["model"] == "mnist-af") & (table["quantity"] == "elbo_local_af"))]
    assert set(ladders(lacking)["model"]) == {"mnist-ffg"}
    earlier = table.assign(epoch=3, value=-1.0)
    pd.testing.assert_frame_equal(ladders(pd.concat([table, earlier])), ladders(table))
    elsewhere = table.assign(split="test")
    pd.testing.assert_frame_equal(ladders(pd.concat([table, elsewhere])), ladders(table))


@pytest.mark.parametrize(
    ("positions", "placed"),
    [
        ([3.0, 1.0], [3.0, 1.0]),
        ([3.0, 2.9, 2.8], [3.0, 2.5, 2.0]),
        ([1.0, 1.0, 0.4], [1.0, 0.5, 0.0]),
        ([], []),
    ],
)
def test_labels_do_not_cover_each_other(positions: list[float], placed: list[float]) -> None:
    assert spread(positions, 0.5) == placed
