"""What figures draw, from numbers that are known."""

import numpy as np
import pandas as pd
import pytest

from inference_gaps.replication.figures.gaps import draw_gaps, gap_bars
from inference_gaps.replication.figures.samples import tile
from inference_gaps.replication.figures.style import figure_style
from inference_gaps.replication.figures.training import draw_training, warm_up_end


def _table(gaps: dict[str, float]) -> pd.DataFrame:
    label = {
        "model": "mnist-ffg",
        "split": "train",
        "dataset": "mnist",
        "dataset_title": "Digits",
        "label": "x",
        "epoch": None,
    }
    lines = [
        {"quantity": name, "value": value, "ci_low": value - 0.25, "ci_high": value + 0.25}
        for name, value in gaps.items()
    ]
    return pd.DataFrame(lines).assign(**label, trained_with="ffg", n_seeds=1, seed=0)


def _published() -> pd.DataFrame:
    lines = [("approximation_gap", 1.43), ("amortization_gap", 1.34), ("inference_gap", 2.77)]
    frame = pd.DataFrame(lines, columns=["quantity", "value"])
    return frame.assign(table=2, dataset="MNIST", trained_with="FFG", status="recalled")


def test_bars_stack_to_the_inference_gap_with_their_intervals() -> None:
    table = _table({"approximation_gap": 1.0, "amortization_gap": 2.0, "inference_gap": 3.0})
    bars = gap_bars(table, _published(), 2, {})
    assert list(bars["source"]) == ["published"] * 3 + ["replicated"] * 3
    assert list(bars["status"].unique()) == ["recalled", "measured"]
    with figure_style():
        axes = draw_gaps(bars).axes[0]
    tops = [round(patch.get_y() + patch.get_height(), 2) for patch in axes.patches]
    assert tops == [1.43, 2.77, 1.0, 3.0]
    assert [patch.get_hatch() for patch in axes.patches] == ["////", "////", None, None]
    intervals = [bar.get_segments()[0][:, 1] for bar in axes.collections]
    found = [list(np.round(interval, 2)) for interval in intervals]
    assert found == [[0.75, 1.25], [2.75, 3.25]]
    assert axes.get_ylabel() == "gap (nats)"


def test_what_others_printed_has_a_bar_between_the_papers_and_ours() -> None:
    table = _table({"approximation_gap": 1.0, "amortization_gap": 2.0, "inference_gap": 3.0})
    printed = pd.Series(
        {"approximation_gap": 1.2, "amortization_gap": 2.6, "inference_gap": 3.8}, name="value"
    )
    bars = gap_bars(table, _published(), 2, {str(table["model"].iloc[0]): printed})
    assert list(bars["source"].unique()) == ["published", "reproduced", "replicated"]
    with figure_style():
        axes = draw_gaps(bars).axes[0]
    tops = [round(patch.get_y() + patch.get_height(), 2) for patch in axes.patches]
    assert tops == [1.43, 2.77, 1.2, 3.8, 1.0, 3.0]
    (legend,) = axes.figure.legends
    assert [text.get_text() for text in legend.get_texts()][2:] == ["paper", "other reproductions", "our run"]


def test_a_published_column_without_all_gaps_has_no_bar() -> None:
    table = _table({"approximation_gap": 1.0, "amortization_gap": 2.0, "inference_gap": 3.0})
    bars = gap_bars(table, _published().iloc[[0, 2]], 2, {})
    assert list(bars["source"]) == ["replicated"] * 3


def test_gaps_of_opposite_sign_both_start_at_zero() -> None:
    table = _table({"approximation_gap": -0.5, "amortization_gap": 2.0, "inference_gap": 1.5})
    with figure_style():
        axes = draw_gaps(gap_bars(table, _published(), None, {})).axes[0]
    assert [(patch.get_y(), patch.get_height()) for patch in axes.patches] == [(0, -0.5), (0, 2.0)]


def test_a_model_without_a_local_optimum_has_no_bar() -> None:
    bars = gap_bars(_table({"inference_gap": 3.0}), _published(), None, {})
    with figure_style():
        assert not any(axes.get_visible() for axes in draw_gaps(bars).axes)


def _curves(epochs: int) -> pd.DataFrame:
    epoch = np.arange(1, epochs + 1)
    elbo = -100 - 400 * np.exp(-epoch.astype(float))
    label = {"model": "mnist-ffg", "seed": 0, "dataset_title": "Digits", "trained_with": "ffg", "label": ""}
    frame = pd.DataFrame({"epoch": epoch, "elbo": elbo, "validation_elbo": elbo - 1})
    return frame.assign(entropy_weight=np.minimum(1, epoch / 5), **label)


def test_warm_up_ends_with_the_last_weight_below_one() -> None:
    assert warm_up_end(_curves(20)) == 4
    assert warm_up_end(_curves(20).assign(entropy_weight=1.0)) == 0


def test_the_first_epochs_do_not_flatten_a_training_curve() -> None:
    with figure_style():
        axes = draw_training(_curves(50)).axes[0]
    low, high = axes.get_ylim()
    assert low > -110
    assert low < -101.0
    assert high > -100
    assert len(axes.lines) == 2


@pytest.mark.parametrize("epochs", [1, 2])
def test_a_training_of_few_epochs_can_be_drawn(epochs: int) -> None:
    with figure_style():
        figure = draw_training(_curves(epochs).assign(validation_elbo=np.nan))
    assert figure.axes[0].get_xlim()[1] >= epochs


def test_tiles_keep_the_channels_and_the_order_of_images() -> None:
    images = np.zeros((2, 3, 2, 2), dtype=np.float32)
    images[1, 2] = 0.5
    picture = tile([images, images * 2])
    assert picture.shape == (5, 5, 3)
    assert picture[0, 3].tolist() == [0, 0, 0.5]
    assert picture[3, 3].tolist() == [0, 0, 1]
    assert picture[2].min() == 1
