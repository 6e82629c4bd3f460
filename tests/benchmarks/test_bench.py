"""How comparisons are summarised, printed and drawn."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from benchmarks.lines import Line, _until_near
from benchmarks.ours import LocalRun
from benchmarks.pipeline import overhead
from benchmarks.report import as_markdown, draw_scaling, table
from benchmarks.scaling import scaling
from benchmarks.timing import Comparison, Outcome, Turns, product_rate
from tests.small_project import link_project

COMPARISON = Comparison(
    ours=[Outcome(1.0, [1.0, 3.0]), Outcome(2.0, [1.0, 3.0]), Outcome(1.0, [1.0, 3.0])],
    theirs=[Outcome(4.0, [1.0, 1.0]), Outcome(4.0, [1.0, 1.0]), Outcome(6.0, [1.0, 1.0])],
    rates=[10.0, 10.0, 20.0],
)
LINE = Line("AIS", "small", "plain", 20.0, 5.0, COMPARISON.ratios, 1.8, 0.5, 0.7, "equal: +0.00 ± 0.01 nats")


def test_ratios_are_taken_within_a_turn_and_rates_are_medians() -> None:
    assert COMPARISON.ratios == [4.0, 2.0, 6.0]
    assert COMPARISON.per_second(8.0) == (8.0, 2.0)
    assert COMPARISON.share(5.0) == pytest.approx(0.25)


def test_a_difference_has_the_error_of_its_points() -> None:
    difference, error = COMPARISON.difference()
    assert difference == pytest.approx(1.0)
    assert error == pytest.approx(1.0)


def test_near_is_the_first_time_that_the_mean_is() -> None:
    run = LocalRun([1.0, 2.0, 3.0], [[0.0, 0.0], [1.0, 0.91], [1.0, 1.0]])
    assert _until_near(run, [1.0, 1.0]) == 2.0
    assert _until_near(run, [2.0, 1.0]) is None


def test_products_have_a_rate() -> None:
    assert product_rate("float32", (8, 4, 4)) > 0


def test_the_table_says_the_ratio_and_what_is_wanted() -> None:
    assert table([LINE])["ratio_median"].item() == 4.0
    assert "| **4** (2 – 6) | 1.8 | 50% (70%) | equal: +0.00 ± 0.01 nats |" in as_markdown([LINE], [])


def test_a_baseline_that_ended_early_gives_a_lower_bound() -> None:
    early = dataclasses.replace(LINE, at_least=True, wanted=None)
    assert "| **≥ 4** (2 – 6) |  | 50% (70%) |" in as_markdown([early], [])
    assert table([LINE, early])["ratio_is_at_least"].tolist() == [False, True]


def test_without_a_run_the_overhead_is_not_made_up(tmp_path: Path) -> None:
    assert overhead(link_project(tmp_path)).startswith("needs a finished quick run: 0 of ")


class _NoTime(Turns):
    """Turns in which every call takes a second and nothing is computed."""

    def __init__(self) -> None:
        pass

    def ours(self, work: Callable[..., Any], *arguments: Any) -> Any:
        return 1e9 if work is product_rate else Outcome(1.0)

    plain = ours


def test_every_size_of_the_scaling_can_be_run() -> None:
    measured = scaling(_NoTime())
    assert list(measured.groupby("quantity")["size"].nunique()) == [4, 4, 4, 4]
    one = measured[(measured["quantity"] == "chains") & (measured["size"] == 64)]
    assert list(one["per_second"]) == [16 * 64 * 12] * 3


def test_the_figure_has_a_panel_for_each_quantity(tmp_path: Path) -> None:
    rows = [
        (quantity, size, procedure, 10.0 * size, 100.0)
        for quantity in ("points", "chains")
        for size in (1, 4)
        for procedure in ("plain", "float32", "bfloat16")
    ]
    measured = pd.DataFrame(rows, columns=["quantity", "size", "procedure", "per_second", "limit"])
    draw_scaling(measured, tmp_path / "scaling")
    assert (tmp_path / "scaling.pdf").read_bytes().startswith(b"%PDF")
    assert len(pd.read_csv(tmp_path / "scaling.csv")) == 12
