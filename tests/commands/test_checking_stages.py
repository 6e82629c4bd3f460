"""The stages that hold estimators against known answers, by their commands, on a linear-Gaussian model."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from inference_gaps.replication.analysis.remaining_gaps import reference_values, remaining_gaps
from inference_gaps.replication.artifacts.files import read_provenance, read_tensors, read_values
from inference_gaps.replication.artifacts.fingerprints import identity
from inference_gaps.replication.cli import main
from tests.command_lines import arguments, run

POINTS = 8
TRAIN = {
    "architecture": {"kind": "linear-gaussian", "latent_dim": 2, "noise": 0.2, "precision": [2.0, 20.0]},
    "posterior": {"family": "ffg"},
    "epochs": 2,
    "learning_rate": 0.003,
    "schedule": "constant",
    "warm_up_epochs": 0,
    "validation_points": 0,
}
LOCAL = {"points": POINTS, "steps": 150, "samples": 8, "learning_rate": 0.05}
AIS = {
    "points": POINTS,
    "chains": 20,
    "distributions": 60,
    "schedule": "sigmoidal",
    "leapfrog_steps": 4,
    "target_acceptance": 0.9,
}
SIZES = {
    "points": POINTS,
    "samples": [10, 1000],
    "distributions": [10, 40],
    "chains": 10,
    "leapfrog_steps": 4,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a linear-Gaussian model, data simulated from it, exact answers and estimates."""
    folder = tmp_path_factory.mktemp("checking")
    data, model = folder / "data.safetensors", folder / "model.safetensors"
    run("prepare-data", dataset="mnist-14x14", binarisation="grey256",
        folder=Path("data/embedded/mnist-small"), output=data)  # fmt: skip
    run("train", spec=TRAIN, data=data, output=model, metrics=folder / "metrics.csv")
    simulated = folder / "simulated.safetensors"
    run("simulate-data", spec={"points": POINTS + 2, "seed": 3}, model=model, output=simulated)
    for split, points in (("train", data), ("simulated", simulated)):
        at = {"data": points, "model": model}
        of = {"split": split}
        local = folder / f"{split}-local.safetensors"
        run(
            "optimise-local", spec=LOCAL | of, output=local, residuals=folder / f"{split}-residuals.csv", **at
        )
        run("evaluate-exact", spec={"points": POINTS} | of, output=folder / f"{split}-exact.csv", **at)
    from_q = {"start": folder / "simulated-local.safetensors"}
    spec = AIS | {"split": "simulated"}
    at = {"data": simulated, "model": model}
    run("evaluate-bdmc", spec=spec, output=folder / "bdmc-prior.csv", **at)
    run("evaluate-bdmc", spec=spec | {"start": "local-ffg"}, output=folder / "bdmc-local.csv", **at, **from_q)
    run("evaluate-convergence", spec=SIZES, output=folder / "convergence.csv", data=data, model=model,
        start=folder / "train-local.safetensors")  # fmt: skip
    return folder


def exact(folder: Path, split: str, quantity: str = "log_p") -> pd.Series:
    frame, _ = read_values(folder / f"{split}-exact.csv")
    return frame[frame["quantity"] == quantity].set_index("point")["value"]


def test_simulated_data_hold_the_latents_that_made_them(folder: Path) -> None:
    """x - W z is noise of the model's standard deviation, 0.2."""
    simulated, provenance = read_tensors(folder / "simulated.safetensors")
    weights, _ = read_tensors(folder / "model.safetensors")
    latents = next(tensor for tensor in simulated.values() if tensor.shape == (POINTS + 2, 2))
    images = next(tensor for tensor in simulated.values() if tensor.shape == (POINTS + 2, 196))
    noise = images - latents @ weights["generator.weight"].mT
    assert noise.std().item() == pytest.approx(0.2, rel=0.1)
    assert provenance["spec"] == {"points": POINTS + 2, "seed": 3}
    model = read_provenance(folder / "model.safetensors")
    assert provenance["inputs"] == {"model": identity(model)}


def test_exact_answers_are_in_their_order(folder: Path) -> None:
    log_p, best, amortized = (
        exact(folder, "train", name) for name in ("log_p", "elbo_local_ffg", "elbo_amortized")
    )
    # The linear recognition network is imperfect after two epochs, the posterior is correlated.
    assert (log_p - best > 0.1).all()
    assert (best - amortized > 0.01).all()


@pytest.mark.parametrize("name", ["bdmc-prior.csv", "bdmc-local.csv"])
def test_both_directions_enclose_log_p(folder: Path, name: str) -> None:
    frame, provenance = read_values(folder / name)
    frame = frame.set_index("point")
    answer = exact(folder, "simulated").loc[frame.index]
    below, above = frame["forward"] - answer, frame["reverse"] - answer
    for off in (below, above):
        assert abs(off.mean()) < 4 * off.std() / np.sqrt(POINTS) + 0.02
    assert (frame["reverse"] - frame["forward"]).mean() < 0.3
    # In two dimensions little is rejected but what is unstable: a high target keeps steps short.
    proposals = 2 * POINTS * AIS["chains"] * (AIS["distributions"] - 2)
    assert frame["diverged"].sum() < 0.02 * proposals
    assert set(provenance["inputs"]) == {"data", "model"} | ({"start"} if "local" in name else set())


def test_estimators_approach_the_exact_answer_at_growing_cost(folder: Path) -> None:
    values, _ = read_values(folder / "convergence.csv")
    answers, _ = read_values(folder / "train-exact.csv")
    gaps = remaining_gaps(values, reference_values(values, answers)).set_index(["estimator", "size"])
    assert list(gaps.index.unique("estimator")) == [
        "iwae_amortized", "iwae_local_ffg", "ais_prior", "ais_local_ffg",
    ]  # fmt: skip
    for estimator, few, many in (("iwae_amortized", 10, 1000), ("ais_prior", 10, 40)):
        first, last = gaps.loc[(estimator, few)], gaps.loc[(estimator, many)]
        assert first["gap"] > last["gap"]
        assert last["passes"] > 2 * first["passes"]
        assert abs(last["gap"]) < 4 * last["standard_error"] + 0.3
    # What q* took counts among the passes of what starts there.
    spent = read_provenance(folder / "train-local.safetensors")["summary"]["cycles"]
    assert gaps.loc[("iwae_local_ffg", 10), "passes"] > max(spent) * 2 * LOCAL["steps"] * LOCAL["samples"]
    assert gaps.loc[("iwae_amortized", 10), "passes"] == 10


def test_procedures_are_compared_on_the_same_noise(folder: Path, tmp_path: Path) -> None:
    at = {"data": folder / "data.safetensors", "model": folder / "model.safetensors"}
    spec = {
        "points": POINTS,
        "copies": 10,
        "learning_rate": 0.02,
        "window": 50,
        "patience": 3,
        "samples": 2000,
    }
    run("compare-local", spec=spec, start=folder / "train-local.safetensors", output=tmp_path / "p.csv", **at)
    values, made_by = read_values(tmp_path / "p.csv")
    assert made_by["summary"]["stopped"] == {"shared": True, "copies": True}
    by_point = values.pivot_table(index="point", columns="procedure", values="value")
    exact, _ = read_values(folder / "train-exact.csv")
    best = exact[exact["quantity"] == "elbo_local_ffg"].set_index("point")["value"]
    errors = values.set_index(["procedure", "point"])["standard_error"]
    for name in ("ours", "shared"):
        assert ((by_point[name] - best).abs() < 4 * errors[name] + 0.05).all()
    assert (by_point["shared"] - by_point["copies"]).mean() > 0.005
    passes = values.groupby("procedure")[["steps", "passes"]].first()
    assert (
        passes.loc[["shared", "copies"], "passes"] == 20 * passes.loc[["shared", "copies"], "steps"]
    ).all()
    assert passes.loc["ours", "steps"] % LOCAL["steps"] == 0


@pytest.mark.parametrize(
    ("command", "flags", "sentence"),
    [
        ("compare-local", {"spec": {"points": 9}, "data": "data.safetensors", "start": "train-local.safetensors"},
         "holds q* of 8 points"),
        ("evaluate-bdmc", {"spec": AIS | {"split": "train"}, "data": "data.safetensors"}, "simulate-data"),
        ("evaluate-bdmc", {"spec": AIS | {"split": "simulated", "points": 99}}, "fewer than the 99"),
        ("evaluate-exact", {"spec": {"points": 2, "split": "test"}}, "has no split test"),
        ("simulate-data", {"model": "simulated.safetensors"}, "simulate-data', not by 'inference-gaps train'"),
        ("evaluate-convergence", {"spec": SIZES | {"points": 9}, "data": "data.safetensors",
                                  "start": "train-local.safetensors"}, "holds q* of 8 points"),
    ],
)  # fmt: skip
def test_wrong_use_is_a_sentence(
    command: str, flags: dict, sentence: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    given = {"model": "model.safetensors"}
    if command != "simulate-data":
        given["data"] = "simulated.safetensors"
    given |= flags
    for name in ("data", "model", "start"):
        if name in given:
            given[name] = folder / str(given[name])
    assert main(arguments(command, **given, output=tmp_path / "out.csv")) == 1
    message = " ".join(capsys.readouterr().err.split())
    assert sentence in message
    assert not list(tmp_path.iterdir())
