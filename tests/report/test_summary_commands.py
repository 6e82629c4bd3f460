"""Table, figures and report of a synthetic study, by the commands that make them."""

import json
from pathlib import Path

import pytest

from inference_gaps.replication.artifacts.files import read_provenance, read_values, write_values
from inference_gaps.replication.artifacts.layout import Layout
from inference_gaps.replication.report.records import estimator_records, local_records
from inference_gaps.replication.specs.tables import TableSpec
from tests.synthetic_study import (
    POINTS,
    make_table,
    plot_gaps,
    plot_samples,
    plot_schematic,
    plot_training,
    report_of,
    table_spec,
    write_report,
    write_study,
)

Study = tuple[Path, TableSpec]
FIGURES = ["schematic", "gaps-table2", "training", "samples"]


def test_the_table_has_the_gaps_that_the_values_were_made_with(study: Study) -> None:
    table, provenance = read_values(study[0] / "results/quick/table2.csv")
    of = table.set_index(["model", "quantity"])
    for model, approximation, amortization in [("mnist-ffg", 1.45, 2.0), ("cifar10-af", 0.95, 2.5)]:
        line = of.loc[(model, "approximation_gap")]
        assert line["value"] == pytest.approx(approximation)
        assert line["ci_low"] < approximation < line["ci_high"]
        assert line["ci_high"] - line["ci_low"] < 0.5
        assert line["mark"] == "positive"
        assert line["n_points"] == POINTS
        assert of.loc[(model, "amortization_gap"), "value"] == pytest.approx(amortization)
        assert of.loc[(model, "log_p_best"), "estimator"] == "iwae_local_af"
        assert of.loc[(model, "log_p_paper"), "estimator"] == "iwae_amortized"
        assert of.loc[(model, "inference_gap_paper"), "value"] == pytest.approx(3.2)
    assert provenance["command"] == "make-table"
    assert len(provenance["inputs"]) == 6 * 7 + 2


def test_markdown_and_latex_show_the_paper_beside_our_run(study: Study) -> None:
    markdown = (study[0] / "results/quick/table2.md").read_text(encoding="utf-8")
    rows = [line for line in markdown.splitlines() if line.startswith("|")]
    assert len({line.replace("\\|", "").count("|") for line in rows}) == 1
    assert rows[0].startswith("| **MNIST (5,000 digits)** | FFG: paper (recalled) | FFG: our run | AF: paper")
    inference = next(line for line in rows if line.startswith("| Inference gap"))
    assert [cell.strip() for cell in inference.split("|")][2] == "2.77"
    assert "recalled from memory, unverified" in markdown
    assert "Photo patches: patches of photographs in place of CIFAR-10" in markdown
    latex = (study[0] / "results/quick/table2.tex").read_text(encoding="utf-8")
    body = [line for line in latex.splitlines() if line.endswith("\\\\") and "multicolumn" not in line]
    assert {line.count("&") for line in body} == {4}
    assert latex.count("\\begin{tabular}{lrrrr}") == 3
    assert not set("−±×†‡") & set(latex)


def test_a_gap_that_is_not_positive_is_marked(small_study: Study) -> None:
    top, spec = small_study
    layout = Layout("quick", top)
    path = layout.iwae("mnist-ffg", 0, "train", "amortised")
    frame, provenance = read_values(path)
    frame.loc[frame["bound"] == "elbo", "value"] += 6.0
    write_values(path, frame, provenance)
    assert make_table(top, spec) == 0
    table, _ = read_values(layout.table("table2", "csv"))
    marks = table[table["model"] == "mnist-ffg"].set_index("quantity")["mark"]
    assert marks["amortization_gap"] == "negative"
    markdown = layout.table("table2", "md").read_text(encoding="utf-8")
    assert "‡ The interval is negative" in markdown
    # The raised ELBO is the tightest bound now: nothing is left between it and log p(x).
    assert marks["inference_gap"] == "includes zero"
    assert "† The interval includes zero" in markdown


def test_seeds_are_summarised_with_the_spread_between_them(tmp_path: Path) -> None:
    spec = write_study(tmp_path, ["mnist"], [0, 1, 2])
    assert make_table(tmp_path, spec) == 0
    table, _ = read_values(tmp_path / "results/quick/table2.csv")
    gaps = table[(table["model"] == "mnist-ffg") & (table["quantity"] == "elbo_amortized")]
    single, summary = gaps[gaps["seed"].notna()], gaps[gaps["seed"].isna()].iloc[0]
    assert summary["n_seeds"] == 3
    assert summary["value"] == pytest.approx(single["value"].mean())
    assert summary["sd_between_seeds"] == pytest.approx(single["value"].std())
    assert "standard deviation between 3 training seeds" in (tmp_path / "results/quick/table2.md").read_text()


def test_values_of_other_points_are_a_sentence(
    small_study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    top, spec = small_study
    path = Layout("quick", top).ais("mnist-af", 0, "train", "prior")
    frame, provenance = read_values(path)
    write_values(path, frame.iloc[:-1], provenance)
    assert make_table(top, spec) == 1
    message = capsys.readouterr().err
    assert "elbo_amortized and ais_prior" in message
    assert f"not of the same data points ({POINTS} and {POINTS - 1})" in message


def test_a_missing_file_is_a_sentence(small_study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    top, spec = small_study
    Layout("quick", top).iwae("mnist-af", 0, "train", "local-ffg").unlink()
    assert make_table(top, spec) == 1
    assert "iwae-local-ffg.csv does not exist; run the stage that makes it first." in capsys.readouterr().err


def test_figures_have_the_same_bytes_when_drawn_again(study: Study) -> None:
    top, spec = study
    files = [
        top / "figures/quick" / f"{name}.{suffix}" for name in FIGURES for suffix in ("pdf", "png", "csv")
    ]
    before = [file.read_bytes() for file in files]
    assert plot_schematic(top) == plot_gaps(top) == plot_training(top, spec) == plot_samples(top, spec) == 0
    assert [file.read_bytes() for file in files] == before
    assert before[0].startswith(b"%PDF")
    assert before[1].startswith(b"\x89PNG")
    assert b"CreationDate" not in before[0]
    assert not any(b"inference-gaps" in content for content in before)
    for name in FIGURES:
        assert read_provenance(top / "figures/quick" / f"{name}.csv")["fingerprint"]


def test_a_table_without_gaps_has_no_schematic(
    small_study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    top, spec = small_study
    rows = [row.model_copy(update={"local": []}) for row in spec.rows]
    assert make_table(top, spec.model_copy(update={"rows": rows})) == 0
    assert plot_schematic(top) == 1
    message = capsys.readouterr().err
    assert "has no model with q* in the family that it was trained with" in message
    assert "write 'local: [trained]' at the experiment table2." in message
    assert not (top / "figures/quick/schematic.csv").exists()


def test_the_report_shows_numbers_from_the_results_and_repeats_its_bytes(study: Study) -> None:
    top, spec = study
    report = report_of([spec], FIGURES)
    pdf, numbers = top / "paper/replication-quick.pdf", top / "results/quick/report.json"
    assert write_report(top, report) == 0
    first = pdf.read_bytes(), numbers.read_bytes()
    assert write_report(top, report) == 0
    assert (pdf.read_bytes(), numbers.read_bytes()) == first
    assert first[0].startswith(b"%PDF")
    shown = json.loads(first[1])
    section = shown["tables"][0]
    block = section["blocks"][0]
    rows = {row["quantity"]: row["cells"] for row in block["sections"][0]["rows"]}
    assert [column["heading"] for column in block["columns"][:2]] == ["paper (recalled)", "our run"]
    assert rows["approximation_gap"][0] == "1.43"
    assert rows["approximation_gap"][1].startswith("1.45 ± 0.")
    assert section["published_status"].startswith("The paper's values are recalled from memory, unverified")
    assert "The amortization gap exceeds the approximation gap in 6 of 6 models" in " ".join(
        section["findings"]
    )
    assert not shown["comparability"]["comparable"]
    reasons = " ".join(shown["comparability"]["reasons"])
    assert "Photo patches: patches of photographs in place of CIFAR-10." in reasons
    assert "60 epochs" in reasons
    assert shown["models"][0]["epochs"] == "60 (7)"
    assert shown["local"][1]["converged"] == f"{POINTS} of {POINTS}"
    assert shown["estimators"][0]["ais-prior-size"] == "16 × 200"
    assert not {"provenance", "sha256", "fingerprint"} & set(shown)
    assert read_provenance(numbers) | {"sha256": ""} == read_provenance(pdf) | {"sha256": ""}


def test_models_with_the_papers_epochs_can_be_compared(tmp_path: Path) -> None:
    spec = write_study(tmp_path, ["mnist"], [0])
    canonical = [row.model_copy(update={"dataset_title": "MNIST"}) for row in spec.rows]
    spec = spec.model_copy(update={"rows": canonical})
    layout = Layout("quick", tmp_path)
    assert make_table(tmp_path, spec) == 0
    for others, comparable in ((spec.rows[1:], False), ((), True)):
        for row in spec.rows:
            path = layout.metrics(row.model, row.seed)
            frame, provenance = read_values(path)
            provenance["spec"]["epochs"] = 300 if row in others else 3280
            write_values(path, frame, provenance)
        assert write_report(tmp_path, report_of([spec], [])) == 0
        shown = json.loads((tmp_path / "results/quick/report.json").read_text(encoding="utf-8"))
        assert shown["comparability"]["comparable"] == comparable
        said = " ".join(shown["comparability"]["reasons"])
        assert (f"Trained for 300 epochs, the paper's for 3280: {spec.rows[1].model}." in said) != comparable
        assert f"Gaps are means over {POINTS} images of MNIST instead of 1000." in said


def test_fewer_simulated_points_are_not_points_left_out(tmp_path: Path) -> None:
    """Simulated points have a number of their own, with one seed and with several."""
    spec = write_study(tmp_path, ["mnist"], [0, 1])
    layout = Layout("quick", tmp_path)
    for row in spec.rows:
        for start in row.ais:
            path = layout.bdmc(row.model, row.seed, start)
            frame, provenance = read_values(path)
            write_values(path, frame.head(POINTS // 2), provenance)
    assert make_table(tmp_path, spec) == 0
    table, _ = read_values(tmp_path / "results/quick/table2.csv")
    assert set(table["n_seeds"]) == {1, 2}
    assert set(table.loc[table["quantity"].str.startswith("bdmc_"), "n_points"]) == {POINTS // 2}
    assert (table["n_excluded"] == 0).all()
    shown_as = (tmp_path / "results/quick/table2.md").read_text(encoding="utf-8")
    assert "left out" not in shown_as
    assert f"means over {POINTS} training images" in shown_as
    assert write_report(tmp_path, report_of([spec], [])) == 0
    shown = json.loads((tmp_path / "results/quick/report.json").read_text(encoding="utf-8"))
    assert f"Gaps are means over {POINTS} images" in " ".join(shown["comparability"]["reasons"])


@pytest.mark.parametrize("seeds", [[0], [0, 1]])
def test_a_simulated_point_left_out_is_none_of_the_images(tmp_path: Path, seeds: list[int]) -> None:
    """Of one seed, or of the points that seeds share."""
    spec = write_study(tmp_path, ["mnist"], seeds)
    path = Layout("quick", tmp_path).bdmc("mnist-ffg", 0, "prior")
    frame, provenance = read_values(path)
    frame.loc[3, "forward"] = float("-inf")
    write_values(path, frame, provenance)
    assert make_table(tmp_path, spec) == 0
    table, _ = read_values(tmp_path / "results/quick/table2.csv")
    lines = table[table["n_seeds"] == len(seeds)].set_index(["model", "quantity"])
    assert lines.loc[("mnist-ffg", "bdmc_prior"), ["n_points", "n_excluded"]].tolist() == [POINTS - 1, 1]
    assert lines["n_excluded"].sum() == 1
    shown = (tmp_path / "results/quick/table2.md").read_text(encoding="utf-8")
    assert "Simulated images left out of BDMC, because it is not finite there: mnist-ffg 1." in shown
    assert "left out of all estimators" not in shown


def test_a_report_of_part_of_a_study_can_be_written(small_study: Study) -> None:
    top, spec = small_study
    assert make_table(top, spec) == 0
    assert write_report(top, report_of([spec], [])) == 0
    assert write_report(top, report_of([], [])) == 0


def test_a_report_refuses_a_table_of_another_study(
    small_study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    top, spec = small_study
    assert make_table(top, spec) == 0
    fewer = table_spec(["mnist"], [0]).model_copy(update={"rows": spec.rows[:1]})
    assert write_report(top, report_of([fewer], [])) == 1
    assert "was made from another specification than the report's" in capsys.readouterr().err


def test_a_missing_figure_is_a_sentence(small_study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    top, spec = small_study
    assert make_table(top, spec) == 0
    assert write_report(top, report_of([spec], ["training"])) == 1
    assert "training.pdf does not exist; run the stage that makes it first." in capsys.readouterr().err


def test_results_must_be_a_folder_of_results(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    from inference_gaps.replication.cli import main

    flags = ["--csv=a.csv", "--markdown=a.md", "--latex=a.tex"]
    flags += [f"--{name}=paper/{name}.csv" for name in ("published", "reproductions")]
    spec = table_spec(["mnist"], [0]).as_json()
    assert main(["make-table", f"--spec={spec}", f"--results={tmp_path / 'quick'}", *flags]) == 1
    assert "--results must be a folder results/PRESET" in capsys.readouterr().err


def test_a_gap_that_ais_is_too_loose_for_is_marked(small_study: Study) -> None:
    """AIS from q* is made the tightest bound; the distance between its two directions then counts."""
    top, spec = small_study
    layout = Layout("quick", top)
    values = layout.ais("mnist-ffg", 0, "train", "local-ffg")
    frame, provenance = read_values(values)
    write_values(values, frame.assign(value=frame["value"] + 0.5), provenance)
    path = layout.bdmc("mnist-ffg", 0, "local-ffg")
    frame, provenance = read_values(path)
    write_values(path, frame.assign(reverse=frame["forward"] + 2.5), provenance)
    assert make_table(top, spec) == 0
    table, _ = read_values(layout.table("table2", "csv"))
    lines = table[table["model"] == "mnist-ffg"].set_index("quantity")
    assert lines.loc["approximation_gap", "bdmc_gap"] == pytest.approx(2.5)
    assert lines.loc["approximation_gap", "value"] == pytest.approx(1.8)
    assert lines.loc["approximation_gap", "mark"] == "within the BDMC gap"
    assert lines.loc["inference_gap", "mark"] == "positive"
    # The amortization gap does not rest on AIS, nor does the paper's rule on AIS from q*.
    assert lines.loc["amortization_gap", "mark"] == "positive"
    assert lines.loc["approximation_gap_paper", "mark"] == "positive"
    markdown = layout.table("table2", "md").read_text(encoding="utf-8")
    assert "§ Smaller than the BDMC gap" in markdown
    assert "| from q\\*<sub>FFG</sub> |  | 2.50" in markdown


def test_points_where_the_flow_ends_below_the_gaussian_are_listed(small_study: Study) -> None:
    top, spec = small_study
    layout = Layout("quick", top)
    path = layout.iwae("mnist-ffg", 0, "train", "local-af")
    frame, provenance = read_values(path)
    worse = (frame["bound"] == "elbo") & frame["point"].isin([3, 7])
    frame.loc[worse, "value"] -= 5
    write_values(path, frame, provenance)
    assert make_table(top, spec) == 0
    markdown = layout.table("table2", "md").read_text(encoding="utf-8")
    assert (
        "mnist-ffg: L[q\\* AF] is below L[q\\* FFG] by more than four standard errors at images 3 and 7."
        in markdown
    )
    assert "mnist-af: L[q" not in markdown


def test_the_report_tells_single_images_apart(small_study: Study) -> None:
    """A mean below the tolerance hides an image where q* is far from done, or where chains hardly move."""
    top, spec = small_study
    layout = Layout("quick", top)
    path = layout.residuals("mnist-ffg", 0, "train", "ffg")
    frame, provenance = read_values(path)
    frame.loc[frame["point"] == 5, "residual"] = 0.53
    write_values(path, frame, provenance)
    path = layout.ais("mnist-ffg", 0, "train", "prior")
    frame, provenance = read_values(path)
    frame.loc[frame["point"] == 5, "acceptance"] = 0.01
    write_values(path, frame, provenance)
    first, second, *_ = local_records(spec.rows, layout)
    assert (first["converged"], second["converged"]) == (f"{POINTS - 1} of {POINTS}", f"{POINTS} of {POINTS}")
    assert estimator_records(spec.rows, layout)[0]["ais-prior-acceptance"].endswith("(0.01)")


def test_points_whose_chains_hardly_move_are_counted_in_the_table(small_study: Study) -> None:
    top, spec = small_study
    layout = Layout("quick", top)
    for start, points in (("prior", [2, 5]), ("local-ffg", [5])):
        path = layout.ais("mnist-ffg", 0, "train", start)
        frame, provenance = read_values(path)
        frame.loc[frame["point"].isin(points), "acceptance"] = 0.19
        # A proposal that diverges is rejected, and harms nothing.
        write_values(path, frame.assign(diverged=3), provenance)
    path = layout.bdmc("mnist-ffg", 0, "local-ffg")
    frame, provenance = read_values(path)
    write_values(path, frame.assign(acceptance=[0.1, *[0.65] * (len(frame) - 1)]), provenance)
    assert make_table(top, spec) == 0
    markdown = layout.table("table2", "md").read_text(encoding="utf-8")
    assert "hardly move, so that their bounds may be loose: mnist-ffg 4.\n" in markdown
