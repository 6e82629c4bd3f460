"""What the notes below a table count."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from inference_gaps.replication.analysis.table_text import reading_notes
from inference_gaps.summary.gaps import Bounds, Quantity, average_over_seeds, quantities


def _line(quantity: str, estimator: str, stuck: int, epoch: int | None = None) -> dict[str, object]:
    empty = dict.fromkeys(("selection_bias_bound", "sd_between_seeds", "mark"))
    line = {"model": "m", "split": "train", "epoch": epoch, "quantity": quantity, "estimator": estimator}
    numbers = {"value": -9.0, "ci_low": -10.0, "ci_high": -8.0, "n_points": 4, "n_excluded": 0, "n_seeds": 1}
    numbers |= {"mc_standard_error": 0.1, "loose": False}
    return empty | line | numbers | {"n_stuck": stuck, "points_below": "[]"}


def test_each_chain_that_hardly_moves_is_counted_once() -> None:
    at_epoch = [
        _line("ais_local_ffg", "ais_local_ffg", 5, epoch=6),
        _line("bdmc_local_ffg", "ais_local_ffg", 1, 6),
    ]
    at_end = [_line("ais_prior", "ais_prior", 7), _line("ais_local_ffg", "ais_local_ffg", 20)]
    resting = [_line("log_p_best", "differs between seeds", 27), _line("inference_gap", "ais_prior", 7)]
    # The same simulated points beside the images of another split.
    again = [_line("bdmc_local_ffg", "ais_local_ffg", 1, 6) | {"split": "validation"}]
    notes = reading_notes(pd.DataFrame([*at_epoch, *at_end, *resting, *again]), [])
    assert "Points where chains of AIS or BDMC hardly move, so that their bounds may be loose: m 33." in notes


@pytest.mark.parametrize(
    ("text", "start"),
    [*((f"{sign} 2.77", sign) for sign in "≥†‡§"), ("2.77 ± 0.15 [0.10]", "In brackets")],
)
def test_a_sign_has_a_note_where_a_cell_has_it(text: str, start: str) -> None:
    lines = pd.DataFrame([_line("inference_gap", "ais_prior", 0) | {"sd_between_seeds": 0.1, "n_seeds": 2}])

    def noted(cell: str) -> bool:
        return any(note.startswith(start) for note in reading_notes(lines, ["1.43 ± 0.06", cell]))

    assert noted(text)
    assert not noted("2.77")


@pytest.mark.parametrize(("half", "times"), [(132.0, "130"), (13.2, "13"), (1.32, "1.3")])
def test_how_many_times_as_wide_has_two_digits(half: float, times: str) -> None:
    widths = {"log_p_best": 0.0, "elbo_amortized": half, "inference_gap": 1.0}
    lines = [
        _line(name, "ais_prior", 0) | {"ci_low": -9 - width, "ci_high": -9 + width}
        for name, width in widths.items()
    ]
    assert any(f"would be {times} times as wide" in note for note in reading_notes(pd.DataFrame(lines), []))


def test_what_hardly_moves_belongs_to_the_chains_and_what_rests_on_them() -> None:
    index = pd.RangeIndex(8, name="point")
    value = pd.DataFrame({"elbo_amortized": -3.0, "iwae_amortized": -2.0, "ais_prior": -1.0}, index=index)
    bounds = Bounds(value, value * 0 + 0.1, stuck={"ais_prior": 4})
    one = quantities(bounds, "ffg")
    other = [replace(each, stuck=3 * each.stuck) for each in one]
    both: dict[str, Quantity] = {each.name: each for each in average_over_seeds([one, other])}
    assert both["ais_prior"].stuck == both["inference_gap"].stuck == 16
    assert both["iwae_amortized"].stuck == 0
    assert np.isfinite(both["inference_gap"].per_point).all()
