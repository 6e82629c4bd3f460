"""Posteriors over the plane by the commands: the numbers in the panels are those of the stages."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from inference_gaps.exact.plane import Plane, PlanePosteriors
from inference_gaps.replication.artifacts.files import read_values
from inference_gaps.replication.cli import main
from inference_gaps.replication.figures.posteriors import mass_levels, rows_of
from inference_gaps.replication.storage.plane_posteriors import load_posteriors
from tests.command_lines import arguments, run

POINTS = 5
TRAIN = {
    "architecture": {"kind": "mlp", "latent_dim": 2, "encoder_hidden": [20], "decoder_hidden": [20]},
    "epochs": 10,
    "learning_rate": 0.01,
    "schedule": "geometric",
    "warm_up_epochs": 2,
    "shuffle": True,
    "validation_points": 0,
}  # fmt: skip
SPEC = {"points": POINTS, "local": ["ffg", "af"], "images": 3, "nodes": 28, "samples": 4000}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """results/tiny of a project with everything that the figure of one model needs."""
    top = tmp_path_factory.mktemp("posteriors")
    folder = top / "results" / "tiny" / "models" / "plane" / "seed-0"
    at = {"data": top / "data.safetensors", "model": folder / "model.safetensors"}
    run("prepare-data", dataset="mnist-14x14", binarisation="static",
        folder=Path("data/embedded/mnist-small"), output=at["data"])  # fmt: skip
    run("train", spec=TRAIN, data=at["data"], output=at["model"], metrics=folder / "metrics.csv")
    local = {"points": POINTS, "steps": 150, "samples": 16, "learning_rate": 0.05}
    for family, more in (
        ("ffg", {}),
        ("af", {"flow_hidden": 12, "learning_rate": 0.01, "start": "local-ffg"}),
    ):
        files = {
            "output": folder / f"train/local-{family}.safetensors",
            "residuals": folder / f"train/{family}.csv",
        }
        start = {"start": folder / "train/local-ffg.safetensors"} if family == "af" else {}
        run("optimise-local", spec=local | {"family": family} | more, **files, **start, **at)
    run(
        "evaluate-posteriors",
        spec=SPEC,
        output=folder / "train/posteriors.safetensors",
        **_local(folder),
        **at,
    )
    model = {"model": "plane", "seed": 0, "dataset_title": "Digits", "trained_with": "ffg"}
    run("plot-posteriors", spec={"preset": "tiny", "model": model}, results=top / "results/tiny",
        output_prefix=top / "figures/tiny/posteriors")  # fmt: skip
    return top


def _local(folder: Path) -> dict[str, Path]:
    return {f"local_{family}": folder / f"train/local-{family}.safetensors" for family in ("ffg", "af")}


def _folder(top: Path) -> Path:
    return top / "results/tiny/models/plane/seed-0"


def test_bounds_are_in_their_order_and_agree_with_sampling(results: Path, tmp_path: Path) -> None:
    found, _ = load_posteriors(_folder(results) / "train/posteriors.safetensors")
    amortized, gaussian, flow = (found.bounds[name] for name in ("amortized", "ffg", "af"))
    assert (gaussian >= amortized - 1e-3).all()
    assert (flow - gaussian > -4 * found.errors["af"] - 1e-3).all()
    assert (found.log_p >= flow - 4 * found.errors["af"]).all()
    at = {"data": results / "data.safetensors", "model": _folder(results) / "model.safetensors"}
    run("evaluate-iwae", spec={"points": POINTS, "samples": 5000}, output=tmp_path / "q.csv", **at)
    frame, _ = read_values(tmp_path / "q.csv")
    elbo = frame[frame["bound"] == "elbo"]
    error = (elbo["value"].to_numpy() - amortized.numpy()) / elbo["standard_error"].to_numpy()
    assert np.abs(error).max() < 4


def test_each_panel_has_its_own_density_and_bound(results: Path) -> None:
    panels, _ = read_values(results / "figures/tiny/posteriors.csv")
    found, _ = load_posteriors(_folder(results) / "train/posteriors.safetensors")
    assert len(panels) == 3 * 4
    assert (panels["mass"] - 1).abs().max() < 0.02
    for name, title in (("amortized", "amortized FFG"), ("ffg", "optimal FFG"), ("af", "optimal AF")):
        shown = panels[panels["density"] == title].set_index("point")["bound"]
        for point in found.chosen:
            assert shown[point] == pytest.approx(float(found.bounds[name][point]), abs=1e-6)
    exact = panels[panels["density"] == "true posterior"].set_index("point")["bound"]
    assert exact.to_dict() == pytest.approx(
        {point: float(found.log_p[point]) for point in found.chosen}, abs=1e-6
    )
    assert (results / "figures/tiny/posteriors.png").stat().st_size > 10_000


def test_a_panel_shows_what_belongs_to_its_image_and_density() -> None:
    """Every number of this file is another one, so that a mistaken one is noticed."""
    names, points = ["amortized", "ffg", "af"], [4, 1]

    def grid(first: int) -> torch.Tensor:
        return torch.arange(first, first + 9.0).view(3, 3)

    found = PlanePosteriors(
        dict(zip(points, ["one", "another"], strict=True)),
        torch.zeros(2, 1, 2, 2, dtype=torch.uint8),
        [
            Plane(
                grid(i)[:2],
                grid(100 * i),
                {name: grid(100 * i + 10 * k + 10) for k, name in enumerate(names)},
            )
            for i in range(2)
        ],
        torch.arange(5.0),
        {name: torch.arange(5.0) - 10 * (k + 1) for k, name in enumerate(names)},
        {name: torch.arange(5.0) / 10 + k for k, name in enumerate(names)},
    )
    titles = ["true posterior", "amortized AF", "optimal FFG", "optimal AF"]
    for index, (row, point) in enumerate(zip(rows_of(found, "af"), points, strict=True)):
        assert row.point == point
        assert [panel.title for panel in row.panels] == titles
        assert [panel.symbol for panel in row.panels] == ["log p(x)", "L[q]", "L[q*]", "L[q*]"]
        assert [panel.bound for panel in row.panels] == [point, point - 10, point - 20, point - 30]
        assert [panel.error for panel in row.panels] == pytest.approx(
            [0, point / 10, point / 10 + 1, point / 10 + 2]
        )
        assert [panel.log_density[0, 0] for panel in row.panels] == [100 * index + 10 * k for k in range(4)]


def test_contours_hold_their_share_of_the_mass() -> None:
    axis = np.linspace(-6, 6, 401)
    density = -0.5 * (axis[:, None] ** 2 + axis[None, :] ** 2) - np.log(2 * np.pi)
    for mass, level in zip((0.99, 0.9, 0.5), mass_levels(density), strict=True):
        # Of a standard normal in two dimensions, a share m lies where exp(-r^2 / 2) is above 1 - m.
        assert level == pytest.approx(np.log(1 - mass) - np.log(2 * np.pi), abs=0.02)


@pytest.mark.parametrize(
    ("spec", "given", "sentence"),
    [
        ({"local": ["af"]}, ("af",), "was trained with ffg, but local has only af"),
        (
            {},
            ("ffg",),
            "--local-af names a q* of family af; give it exactly when local in the specification has af",
        ),
        ({"images": 8}, ("ffg", "af"), "8 images are to be chosen among 5"),
    ],
)
def test_wrong_use_is_a_sentence(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], spec: dict, given: tuple, sentence: str
) -> None:
    folder = _folder(results)
    files = {name: path for name, path in _local(folder).items() if name.removeprefix("local_") in given}
    at = {"data": results / "data.safetensors", "model": folder / "model.safetensors"}
    line = arguments(
        "evaluate-posteriors", spec=SPEC | spec, output=tmp_path / "p.safetensors", **files, **at
    )
    assert main(line) == 1
    assert sentence in capsys.readouterr().err


def test_the_frame_names_why_each_image_is_shown(results: Path) -> None:
    panels, _ = read_values(results / "figures/tiny/posteriors.csv")
    reasons = panels.drop_duplicates("point")["reason"]
    assert pd.Series(list(reasons)).is_unique
    assert list(reasons)[-1] == "largest approximation gap"
