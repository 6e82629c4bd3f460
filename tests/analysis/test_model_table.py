"""Tables of many models: checkpoints of one training, networks that share a generator, active units."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inference_gaps.errors import UserError
from inference_gaps.replication.analysis.markup import to_latex, to_markdown
from inference_gaps.replication.analysis.model_table import ModelTable, model_table
from inference_gaps.replication.analysis.published import read_published
from inference_gaps.replication.analysis.reproductions import read_reproductions, reproduced
from inference_gaps.replication.analysis.table import build_table
from inference_gaps.replication.analysis.table_text import summary_lines
from inference_gaps.replication.artifacts.layout import Layout
from inference_gaps.replication.figures.gaps import gap_bars
from inference_gaps.replication.figures.models import draw_gaps_of_models, draw_gaps_over_epochs
from inference_gaps.replication.figures.style import figure_style
from inference_gaps.replication.specs.tables import TableRowSpec, TableSpec
from tests.synthetic_study import BELOW, PUBLISHED, REPRODUCTIONS, write_values_of

Below = Mapping[str, float]


def row(model: str, **changes: Any) -> TableRowSpec:
    made = {
        "model": model,
        "label": f"the {model}",
        "seed": 0,
        "dataset": "mnist",
        "dataset_title": "Digits",
        "binarisation": "static",
        "trained_with": "ffg",
        "local": ["ffg"],
        "ais": ["local-ffg"],
    }
    return TableRowSpec.model_validate(made | changes)


def spec(*rows: TableRowSpec) -> TableSpec:
    return TableSpec(experiment="models", title="Models", preset="quick", rows=list(rows))


def written(top: Path, *rows: tuple[TableRowSpec, Below]) -> tuple[TableSpec, Layout]:
    layout = Layout("quick", top)
    for each, below in rows:
        write_values_of(layout, each, np.random.default_rng(0), BELOW | dict(below))
    return spec(*(each for each, _ in rows)), layout


def gaps(table_spec: TableSpec, layout: Layout) -> dict[tuple[Any, ...], float]:
    lines = summary_lines(build_table(table_spec, layout))
    keys = ["model", "split", "epoch", "quantity"]
    lines["epoch"] = lines["epoch"].fillna(0)
    return lines.set_index(keys)["value"].to_dict()


def laid_out(table_spec: TableSpec, layout: Layout) -> ModelTable:
    return model_table(table_spec, build_table(table_spec, layout), read_reproductions(REPRODUCTIONS))


def test_each_checkpoint_and_split_of_one_training_has_gaps_of_its_own(tmp_path: Path) -> None:
    rows = [
        (row("wide", epoch=epoch, split=split), {"elbo-amortised": 3.5 + rise})
        for split, epoch, rise in [("train", 5, 0.0), ("train", None, 1.0), ("validation", 5, 0.5)]
    ]
    rows.append((row("wide", split="validation"), {"elbo-amortised": 7.0}))
    table_spec, layout = written(tmp_path, *rows)
    found = gaps(table_spec, layout)
    amortization = {key[1:3]: value for key, value in found.items() if key[3] == "amortization_gap"}
    expected = {("train", 5): 2.0, ("train", 0): 3.0, ("validation", 5): 2.5, ("validation", 0): 5.5}
    assert amortization == pytest.approx(expected)
    table = laid_out(table_spec, layout)
    assert [group.title for group in table.groups] == [
        "Digits, the wide, training images",
        "Digits, the wide, validation images",
    ]
    assert [name for name, _ in table.groups[0].rows] == ["epoch 5", "end of training"]


def test_networks_for_one_generator_share_its_optima_and_its_estimates(tmp_path: Path) -> None:
    owner = row("whole", local=["ffg", "af"])
    small = row("small", generator="whole", local=["ffg"])
    table_spec, layout = written(tmp_path, (owner, {}), (small, {"elbo-amortised": 9.0}))
    found = gaps(table_spec, layout)
    for quantity in ("elbo_local_ffg", "ais_local_ffg", "bdmc_local_ffg"):
        assert found["small", "train", 0, quantity] == found["whole", "train", 0, quantity]
    assert found["small", "train", 0, "amortization_gap"] == pytest.approx(7.5)
    assert found["whole", "train", 0, "amortization_gap"] == pytest.approx(2.0)


def test_values_of_another_model_are_not_taken_for_those_of_the_owner(tmp_path: Path) -> None:
    table_spec, layout = written(tmp_path, (row("small", generator="whole"), {}))
    with pytest.raises(UserError, match=r"whole/seed-0/train/iwae-local-ffg\.csv does not exist"):
        build_table(table_spec, layout)


def test_active_units_are_counted_and_shown(tmp_path: Path) -> None:
    table_spec, layout = written(tmp_path, (row("model", active_units=True), {}))
    assert gaps(table_spec, layout)["model", "train", 0, "active_units"] == 5
    table = laid_out(table_spec, layout)
    assert table.quantities[-1] == "active_units"
    assert table.groups[0].rows[0][1][-1] == "5"


def test_active_units_of_several_seeds_are_averaged(tmp_path: Path) -> None:
    rows = [(row("model", active_units=True, seed=seed), {}) for seed in (0, 1)]
    table_spec, layout = written(tmp_path, *rows)
    lines = build_table(table_spec, layout)
    units = lines[lines["quantity"] == "active_units"]
    assert units["n_seeds"].tolist() == [1, 1, 2]
    assert units["sd_between_seeds"].tolist()[-1] == 0.0


def test_a_table_without_ais_from_the_prior_has_the_papers_rule_from_what_is_there(tmp_path: Path) -> None:
    table_spec, layout = written(tmp_path, (row("model", ais=[]), {}))
    lines = build_table(table_spec, layout).set_index("quantity")
    assert lines.loc["log_p_paper", "estimator"] == "iwae_amortized"
    assert not any(str(name).startswith(("ais_", "bdmc_")) for name in lines.index)


def test_the_table_reads_alike_in_markdown_and_latex(tmp_path: Path) -> None:
    table_spec, layout = written(tmp_path, (row("one"), {}), (row("two"), {"elbo-amortised": 4.5}))
    table = laid_out(table_spec, layout)
    markdown, latex = to_markdown(table), to_latex(table)
    rows = [line for line in markdown.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in rows}) == 1
    assert "| **Digits** |" in markdown
    two = next(line for line in rows if line.startswith("| the two |"))
    assert two.split("|")[6].strip().startswith("3.00 ±")
    body = [line for line in latex.splitlines() if line.endswith("\\\\") and "multicolumn" not in line]
    assert {line.count("&") for line in body} == {6}
    assert "$\\mathcal{L}[q^*]$" in latex
    assert "\\emph{Digits}" in latex


def test_intervals_without_pairs_are_said_to_be_wider(tmp_path: Path) -> None:
    table_spec, layout = written(tmp_path, (row("one"), {}))
    note = next(note for note in laid_out(table_spec, layout).notes if "different images" in note)
    # log p(x) differs by 20 nats between images, the gap at an image by tenths.
    times = float(note.rpartition("would be ")[2].split()[0])
    assert times > 30


def test_lying_bars_end_at_the_inference_gap(tmp_path: Path) -> None:
    table_spec, layout = written(tmp_path, (row("one"), {}), (row("two"), {"elbo-amortised": 4.5}))
    bars = gap_bars(build_table(table_spec, layout), read_published(PUBLISHED), None, {})
    with figure_style():
        axes = draw_gaps_of_models(bars).axes[0]
    ends = [round(patch.get_x() + patch.get_width(), 2) for patch in axes.patches]
    assert ends == [1.4, 3.4, 1.4, 4.4]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["the one", "the two"]


def test_what_others_printed_stands_below_the_model_and_has_a_bar(tmp_path: Path) -> None:
    wide = row("wide", reproduced_as="mnist_ffg_anneal_e55d22")
    table_spec, layout = written(tmp_path, (row("one"), {}), (wide, {}))
    table = laid_out(table_spec, layout)
    names = [name for name, _ in table.groups[0].rows]
    assert names == ["the one", "the wide", "other reproduction"]
    printed = dict(zip(table.quantities, table.groups[0].rows[2][1], strict=True))
    assert printed["log_p_best"] == "−88.80"
    assert printed["elbo_local"] == "−89.99"
    assert printed["amortization_gap"] == "2.34"
    assert any("ATML-2022-Group6" in note for note in table.notes)
    others = {"wide": reproduced(read_reproductions(REPRODUCTIONS), "mnist_ffg_anneal_e55d22")}
    bars = gap_bars(build_table(table_spec, layout), read_published(PUBLISHED), None, others)
    with figure_style():
        axes = draw_gaps_of_models(bars).axes[0]
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == ["the one", "the wide, others", "the wide"]


def test_gaps_over_epochs_end_where_training_ends(tmp_path: Path) -> None:
    rows = [
        (row("wide", epoch=epoch, split=split), {"elbo-amortised": 3.5 + (0 if epoch else 1)})
        for split in ("train", "validation")
        for epoch in (5, 10, None)
    ]
    table_spec, layout = written(tmp_path, *rows)
    bars = gap_bars(build_table(table_spec, layout), read_published(PUBLISHED), None, {})
    with figure_style():
        axes = draw_gaps_over_epochs(bars, 40).axes[0]
    curves = [line for line in axes.lines if len(line.get_xdata()) == 3]
    assert len(curves) == 4
    assert all(list(line.get_xdata()) == [5, 10, 40] for line in curves)
    assert np.round(curves[1].get_ydata(), 2).tolist() == [2.0, 2.0, 3.0]
