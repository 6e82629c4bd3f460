"""Where too few importance weights count, nothing rests on their estimate, and its error is not printed."""

from pathlib import Path

import pandas as pd
import pytest

from inference_gaps.replication.analysis.markup import laid_out, to_latex, to_markdown
from inference_gaps.replication.analysis.published import read_published
from inference_gaps.replication.analysis.reproductions import read_reproductions
from inference_gaps.replication.analysis.table import build_table
from inference_gaps.replication.artifacts.files import read_values, write_values
from inference_gaps.replication.artifacts.layout import Layout
from inference_gaps.replication.figures.gaps import draw_gaps, gap_bars
from inference_gaps.replication.figures.models import draw_gaps_of_models
from inference_gaps.replication.figures.schematic import ladders
from inference_gaps.replication.figures.style import figure_style
from inference_gaps.replication.report.findings import findings
from inference_gaps.replication.specs.tables import TableRowSpec, TableSpec
from tests.analysis.judged import AMORTIZATION, BLAME, claims, line, row, statistic, write
from tests.synthetic_study import PUBLISHED, REPRODUCTIONS

EVERY = ("iwae-amortised", "iwae-local-ffg", "iwae-local-af", "ais-prior", "ais-local-ffg")


def loosen(layout: Layout, of: TableRowSpec, *names: str) -> None:
    """Leave one or two of twenty weights of some estimates."""
    for name in names:
        kind, _, source = name.partition("-")
        at = (of.model, of.seed, of.split, source)
        path = layout.ais(*at) if kind == "ais" else layout.iwae(*at)
        frame, provenance = read_values(path)
        rows = frame["bound"] == "iwae" if kind == "iwae" else frame["point"] >= 0
        # With 20 weights, the error by the delta method of an effective sample size of 1.5.
        frame.loc[rows, ["effective_sample_size", "standard_error"]] = 1.5, (18.5 / 1.5 / 19) ** 0.5
        write_values(path, frame, provenance)


def tidy(layout: Layout, of: TableRowSpec) -> tuple[TableSpec, pd.DataFrame]:
    spec = TableSpec(experiment="table2", title="Gaps", preset="quick", published=2, rows=[of])
    return spec, build_table(spec, layout)


def test_another_estimate_stands_for_log_p_where_the_tightest_has_few_weights(tmp_path: Path) -> None:
    af = row("mnist-af")
    layout = write(tmp_path, (af, {"ais-local-ffg": -0.5}))
    _, before = tidy(layout, af)
    assert before.set_index("quantity")["estimator"]["log_p_best"] == "ais_local_ffg"
    loosen(layout, af, "ais-local-ffg")
    _, after = tidy(layout, af)
    lines = after.set_index("quantity")
    assert lines["estimator"]["log_p_best"] == "iwae_local_af"
    assert list(lines.index[lines["loose"]]) == ["ais_local_ffg"]
    assert pd.isna(lines["mc_standard_error"]["ais_local_ffg"])
    assert lines["mc_standard_error"].drop("ais_local_ffg").notna().all()


def test_a_loose_log_p_and_its_gaps_are_printed_as_lower_bounds_without_an_error(tmp_path: Path) -> None:
    af = row("mnist-af")
    layout = write(tmp_path, (af, {}))
    loosen(layout, af, *EVERY)
    spec, table = tidy(layout, af)
    lines = table.set_index("quantity")
    rests = ["log_p_best", "log_p_paper", "inference_gap", "approximation_gap", "inference_gap_paper"]
    assert lines.loc[rests, "loose"].all()
    assert lines.loc[rests, ["ci_low", "ci_high", "mc_standard_error"]].isna().all(axis=None)
    assert not lines["loose"][["amortization_gap", "elbo_amortized", "gain_af", "bdmc_prior"]].any()
    shown = laid_out(spec, table, read_published(PUBLISHED), read_reproductions(REPRODUCTIONS))
    markdown = to_markdown(shown)
    assert f"| Inference gap | 2.70 | ≥ {lines['value']['inference_gap']:.2f} |" in markdown
    assert "≥ A loose lower bound: too few importance weights count" in markdown
    assert "$\\geq$" in to_latex(shown)
    assert "≥" not in to_latex(shown)
    sentences = findings(spec, table, read_published(PUBLISHED))
    assert "of which loose lower bounds: 1" in sentences[0]
    assert sentences[1] == "log p(x) is bounded too loosely to say which gap is the larger one."


def test_the_end_of_a_gap_that_is_only_bounded_has_an_arrow(tmp_path: Path) -> None:
    af = row("mnist-af")
    layout = write(tmp_path, (af, {}))
    for loose in (False, True):
        if loose:
            loosen(layout, af, *EVERY)
        _, table = tidy(layout, af)
        bars = gap_bars(table, read_published(PUBLISHED), None, {})
        with figure_style():
            figures = (draw_gaps(bars), draw_gaps_of_models(bars))
        for figure, sign in zip(figures, "^>"):
            arrows = [each for each in figure.axes[0].lines if each.get_marker() == sign]
            assert len(arrows) == 2 * loose
            assert len(figure.axes[0].collections) == 2 * (not loose)
            words = [text.get_text() for text in figure.legends[0].get_texts()]
            assert any("at least" in each for each in words) == loose
        log_p = ladders(table).set_index("quantity").loc["log_p_best"]
        assert pd.isna(log_p["ci_low"]) == loose


def test_no_verdict_rests_on_a_loose_bound(tmp_path: Path) -> None:
    af = row("mnist-af")
    layout = write(tmp_path, (af, {"elbo-amortised": 9.0}))
    spec = claims([statistic(BLAME)], [af])
    assert line(layout, spec)["verdict"] != "inconclusive"
    loosen(layout, af, *EVERY)
    found = line(layout, spec)
    assert found["verdict"] == "inconclusive"
    assert found["reason"] == "rests on a loose lower bound of log p(x)"
    assert pd.isna(found["mc_standard_error"])
    # What does not contain log p(x), or contains it twice with opposite signs, is judged as before.
    for terms in (
        [AMORTIZATION],
        [
            {"quantity": "inference_gap", "model": "mnist-af"},
            {"quantity": "approximation_gap", "model": "mnist-af", "times": -1.0},
        ],
    ):
        judged = line(layout, claims([statistic(terms)], [af]))
        assert judged["verdict"] != "inconclusive"
        assert judged["mc_standard_error"] > 0


@pytest.mark.parametrize(
    ("comparison", "times", "verdict"),
    [
        ("positive", 1.0, "direction only"),
        ("negative", -1.0, "direction only"),
        ("positive", -1.0, "inconclusive"),
        ("negative", 1.0, "inconclusive"),
    ],
)
def test_an_effect_that_log_p_can_only_raise_keeps_its_side_but_not_its_size(
    tmp_path: Path, comparison: str, times: float, verdict: str
) -> None:
    """The gap is 4.2 nats or more. Where nothing is published, a threshold of 0.1 is reached all the same."""
    ffg = row("mnist-ffg")
    layout = write(tmp_path, (ffg, {}))
    loosen(layout, ffg, *EVERY)
    terms = [{"quantity": "inference_gap", "model": "mnist-ffg", "times": times}]
    assert line(layout, claims([statistic(terms, comparison=comparison)], [ffg]))["verdict"] == verdict
    terms[0]["published"] = None
    found = line(layout, claims([statistic(terms, comparison=comparison)], [ffg]))
    assert found["verdict"] == {"direction only": "replicated"}.get(verdict, verdict)


@pytest.mark.parametrize(("index", "inconclusive"), [(0, False), (1, True), (2, True)])
def test_a_series_with_a_loose_term_that_may_turn_it_is_inconclusive(
    tmp_path: Path, index: int, inconclusive: bool
) -> None:
    rows = [row(f"mnist-ffg-{index}") for index in range(3)]
    layout = write(tmp_path, *((each, {"elbo-local-ffg": 3.0 - index}) for index, each in enumerate(rows)))
    terms = [{"quantity": "approximation_gap", "model": each.model, "published": None} for each in rows]
    spec = claims([statistic(terms, comparison="decreasing")], rows)
    assert line(layout, spec)["verdict"] == "replicated"
    loosen(layout, rows[index], *EVERY)
    found = line(layout, spec)
    assert (found["reason"] == "rests on a loose lower bound of log p(x)") == inconclusive
    assert found["verdict"] == ("inconclusive" if inconclusive else "replicated")


def test_the_error_of_a_gap_allows_for_the_shortfall_of_log_p(tmp_path: Path) -> None:
    """Its weights have a standard error of 0.1 nats at each point, so that they may fall short by 0.01 nats."""
    af = row("mnist-af")
    layout = write(tmp_path, (af, {"iwae-local-af": -0.5}))
    path = layout.iwae(af.model, af.seed, af.split, "local-af")
    frame, provenance = read_values(path)
    frame.loc[frame["bound"] == "iwae", "standard_error"] = 0.1
    write_values(path, frame, provenance)
    _, table = tidy(layout, af)
    lines = table.set_index("quantity")
    assert lines["estimator"]["inference_gap"] == "iwae_local_af"
    points = lines["n_points"]["inference_gap"]
    plain = (0.1**2 + 0.02**2) / points
    assert lines["mc_standard_error"]["inference_gap"] == pytest.approx((plain + 0.01**2) ** 0.5)
    assert lines["mc_standard_error"]["elbo_amortized"] == pytest.approx(0.02 / points**0.5)
    judged = line(layout, claims([statistic([{"quantity": "inference_gap", "model": af.model}])], [af]))
    assert judged["mc_standard_error"] == pytest.approx((plain + 0.01**2) ** 0.5)
