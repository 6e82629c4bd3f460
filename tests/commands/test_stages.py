"""Every stage of the science by its command, on a tiny model of real digits."""

import itertools
from pathlib import Path

import pytest

from inference_gaps.errors import UserError
from inference_gaps.replication.analysis.values import active_units
from inference_gaps.replication.artifacts.files import read_provenance, read_tensors, read_values
from inference_gaps.replication.artifacts.fingerprints import identity
from inference_gaps.replication.cli import main
from inference_gaps.specs.families import FAMILIES
from tests.command_lines import arguments, run

POINTS = 6
TRAIN = {
    "architecture": {"kind": "mlp", "latent_dim": 4, "encoder_hidden": [30], "decoder_hidden": [30]},
    "posterior": {"family": "ffg"},
    "epochs": 12,
    "learning_rate": 0.01,
    "schedule": "geometric",
    "warm_up_epochs": 2,
    "shuffle": True,
    "validation_points": 50,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a prepared data set, a trained model, both q*, and every bound."""
    folder = tmp_path_factory.mktemp("stages")
    data, model = folder / "data.safetensors", folder / "model.safetensors"
    run("prepare-data", dataset="mnist-small", binarisation="static",
        folder=Path("data/embedded/mnist-small"), output=data)  # fmt: skip
    run("train", spec=TRAIN, data=data, output=model, metrics=folder / "metrics.csv")
    common = {"data": data, "model": model}
    gaussian = {"points": POINTS, "family": "ffg", "steps": 200, "samples": 8, "learning_rate": 0.05}
    run("optimise-local", spec=gaussian, output=folder / "local-ffg.safetensors",
        residuals=folder / "local-ffg.csv", **common)  # fmt: skip
    flow = gaussian | {"family": "af", "start": "local-ffg", "learning_rate": 0.003, "max_cycles": 2}
    run("optimise-local", spec=flow | {"flow_hidden": 20}, output=folder / "local-af.safetensors",
        residuals=folder / "local-af.csv", start=folder / "local-ffg.safetensors", **common)  # fmt: skip
    iwae = {"points": POINTS, "samples": 2000}
    run("evaluate-iwae", spec=iwae, output=folder / "iwae-amortised.csv", **common)
    for family in ("ffg", "af"):
        local = {"posterior": folder / f"local-{family}.safetensors"}
        run("evaluate-iwae", spec=iwae, output=folder / f"iwae-local-{family}.csv", **common, **local)
    ais = {"points": POINTS, "chains": 10, "distributions": 60, "schedule": "sigmoidal"}
    run("evaluate-ais", spec=ais | {"distributions": 400}, output=folder / "ais-prior.csv", **common)
    run("evaluate-ais", spec=ais | {"start": "local-ffg"}, output=folder / "ais-local-ffg.csv",
        start=folder / "local-ffg.safetensors", **common)  # fmt: skip
    return folder


def bound(folder: Path, name: str, which: str | None = None) -> tuple[float, float]:
    """Mean over points and its Monte-Carlo standard error, in nats."""
    frame, _ = read_values(folder / name)
    if which:
        frame = frame[frame["bound"] == which]
    assert frame["point"].tolist() == list(range(POINTS))
    return frame["value"].mean(), (frame["standard_error"] ** 2).sum() ** 0.5 / POINTS


def test_bounds_come_in_their_order(folder: Path) -> None:
    """L[q] <= L[q*_FFG] <= L[q*_AF] <= log p, and the estimates of log p agree, in standard errors."""
    amortized = bound(folder, "iwae-amortised.csv", "elbo")
    gaussian = bound(folder, "iwae-local-ffg.csv", "elbo")
    flow = bound(folder, "iwae-local-af.csv", "elbo")
    log_p = bound(folder, "ais-local-ffg.csv")
    chain = [amortized, gaussian, flow, log_p]
    for lower, upper in itertools.pairwise(chain):
        assert upper[0] - lower[0] > -3 * (lower[1] ** 2 + upper[1] ** 2) ** 0.5
    assert gaussian[0] - amortized[0] > 0.1
    for other in ("iwae-local-ffg.csv", "iwae-local-af.csv"):
        value, error = bound(folder, other, "iwae")
        assert abs(value - log_p[0]) < 4 * (error**2 + log_p[1] ** 2) ** 0.5 + 0.05
    prior = bound(folder, "ais-prior.csv")
    error = 4 * (prior[1] ** 2 + log_p[1] ** 2) ** 0.5
    assert -0.5 - error < prior[0] - log_p[0] < error


def test_artifacts_say_what_made_them(folder: Path) -> None:
    data = read_provenance(folder / "data.safetensors")
    model = read_provenance(folder / "model.safetensors")
    start = read_provenance(folder / "local-ffg.safetensors")
    ais = read_provenance(folder / "ais-local-ffg.csv")
    assert model["inputs"] == {"data": identity(data)}
    assert model["spec"]["epochs"] == 12
    assert model["spec"]["adam_epsilon"] == 1e-4
    for name in ("spec", "fingerprint", "inputs"):
        assert read_provenance(folder / "metrics.csv")[name] == model[name]
    assert ais["inputs"] == {
        "data": identity(data),
        "model": identity(model),
        "start": identity(start),
    }


def test_metrics_and_local_optimum_report_what_happened(folder: Path) -> None:
    metrics, _ = read_values(folder / "metrics.csv")
    assert metrics["epoch"].tolist() == list(range(1, 13))
    assert metrics["entropy_weight"].tolist()[:3] == [0.5, 1, 1]
    assert metrics["elbo"].iloc[-1] > metrics["elbo"].iloc[2]
    assert metrics["validation_elbo"].notna().all()
    tensors, provenance = read_tensors(folder / "local-ffg.safetensors")
    assert tensors["residual"].shape == (POINTS,)
    assert provenance["summary"]["converged"]
    assert provenance["summary"]["mean_residual"] < 0.01
    residuals, made_by = read_values(folder / "local-ffg.csv")
    assert residuals["residual"].to_numpy("float32").tolist() == tensors["residual"].tolist()
    assert made_by["summary"] == provenance["summary"]


def test_the_same_command_makes_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.csv"
    run("evaluate-iwae", spec={"points": POINTS, "samples": 2000}, data=folder / "data.safetensors",
        model=folder / "model.safetensors", output=again)  # fmt: skip
    assert again.read_bytes() == (folder / "iwae-amortised.csv").read_bytes()


def test_units_are_measured_on_as_many_images_as_there_are(folder: Path, tmp_path: Path) -> None:
    model = {"data": folder / "data.safetensors", "model": folder / "model.safetensors"}
    few, more = tmp_path / "few.csv", tmp_path / "more.csv"
    run("evaluate-units", spec={"split": "validation"}, output=more, **model)
    run("evaluate-units", spec={"split": "validation", "points": 40}, output=few, **model)
    frame, provenance = read_values(more)
    assert frame["unit"].tolist() == [0, 1, 2, 3]
    assert (frame["activity"] > 0).all()
    assert (frame["kl"] > 0).all()
    assert provenance["summary"] == {"images": 500}
    assert read_provenance(few)["summary"] == {"images": 40}
    assert active_units(more) == (frame["activity"] > 0.01).sum() >= 3
    with pytest.raises(UserError, match="was made by 'inference-gaps train'"):
        active_units(folder / "metrics.csv")


@pytest.mark.parametrize("family", [name for name in FAMILIES if name != "ffg"])
def test_every_family_goes_through_the_same_stages(family: str, folder: Path, tmp_path: Path) -> None:
    """Trained with it, and q* in it, which starts at the moments of the amortized q."""
    model, data = tmp_path / "model.safetensors", folder / "data.safetensors"
    spec = TRAIN | {"posterior": {"family": family, "flow_hidden": 10}, "epochs": 3}
    run("train", spec=spec, data=data, output=model, metrics=tmp_path / "metrics.csv")
    at = {"data": data, "model": model}
    local = {"family": family, "points": POINTS, "steps": 60, "samples": 8, "flow_hidden": 10}
    rate = {"learning_rate": 0.02, "max_cycles": 2}
    run(
        "optimise-local",
        spec=local | rate,
        output=tmp_path / "local.safetensors",
        residuals=tmp_path / "local.csv",
        **at,
    )
    spec = {"points": POINTS, "samples": 500}
    run("evaluate-iwae", spec=spec, output=tmp_path / "q.csv", **at)
    run(
        "evaluate-iwae",
        spec=spec,
        output=tmp_path / "best.csv",
        posterior=tmp_path / "local.safetensors",
        **at,
    )
    amortized, best = bound(tmp_path, "q.csv", "elbo"), bound(tmp_path, "best.csv", "elbo")
    assert best[0] - amortized[0] > -4 * (amortized[1] ** 2 + best[1] ** 2) ** 0.5
    for name, (value, _) in (("q.csv", amortized), ("best.csv", best)):
        assert value < bound(tmp_path, name, "iwae")[0] < 0
    metrics, _ = read_values(tmp_path / "metrics.csv")
    assert metrics["elbo"].iloc[-1] > metrics["elbo"].iloc[0]
    if FAMILIES[family].conditional:
        # From q(z|x) itself, one step too short to matter: the bound is that of q(z|x).
        still = local | {"start": "trained", "steps": 1, "learning_rate": 1e-9, "max_cycles": 2}
        files = {"output": tmp_path / "still.safetensors", "residuals": tmp_path / "still.csv"}
        run("optimise-local", spec=still, **files, **at)
        values = {"output": tmp_path / "still-values.csv", "posterior": files["output"]}
        run("evaluate-iwae", spec=spec, **values, **at)
        same = bound(tmp_path, "still-values.csv", "elbo")
        assert abs(same[0] - amortized[0]) < 4 * (amortized[1] ** 2 + same[1] ** 2) ** 0.5


@pytest.mark.parametrize(
    ("command", "flags", "sentence"),
    [
        ("train", {"spec": {"epoch": 3}}, "--spec: epoch is not a key; the nearest is epochs."),
        ("train", {"spec": {"epochs": "3"}}, "--spec: epochs is the text '3'; write 3 without quotes."),
        ("train", {"spec": "nothing.json"}, "neither a JSON object nor a readable file: nothing.json"),
        ("evaluate-iwae", {"spec": {"points": 5000}}, "has 4000 images in its split train, fewer than the 5000"),
        ("evaluate-iwae", {"spec": {"points": 1, "split": "test"}, "posterior": "local-ffg.safetensors"},
         "holds q* of 6 points of the split 'train', but the job asks for 1 point of 'test'"),
        ("evaluate-iwae", {"spec": {"points": 2}, "posterior": "model.safetensors"},
         "was made by 'inference-gaps train', not by 'inference-gaps optimise-local'; name a file of that"),
        ("evaluate-ais", {"spec": {"points": 2, "start": "local-ffg"}},
         "give it exactly when the specification says start: local-ffg"),
        ("evaluate-ais", {"spec": {"points": 2}, "model": "data.safetensors"},
         "was made by 'inference-gaps prepare-data', not by 'inference-gaps train'"),
        ("evaluate-ais", {"spec": {"points": 2}, "threads": 0}, "--threads is 0; write a number of at least 1"),
        ("optimise-local", {"spec": {"points": 2, "family": "af", "start": "trained"}},
         "was not trained with the auxiliary flow of 2 steps and 200 hidden units; write start: local-ffg"),
        ("optimise-local", {"spec": {"points": 2}, "start": "local-ffg.safetensors"},
         "give it exactly when the specification says start: local-ffg"),
    ],
)  # fmt: skip
def test_wrong_use_is_a_sentence(
    command: str, flags: dict, sentence: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    given = {"data": "data.safetensors", "output": tmp_path / "out.csv"}
    given |= {"residuals": tmp_path / "r.csv"} if command == "optimise-local" else {}
    given |= {"metrics": tmp_path / "m.csv"} if command == "train" else {"model": "model.safetensors"}
    given |= flags
    for name in ("data", "model", "posterior", "start"):
        if name in given:
            given[name] = folder / str(given[name])
    assert main(arguments(command, **given)) == 1
    message = capsys.readouterr().err
    assert sentence in " ".join(message.split())
    assert "Traceback" not in message
    assert not list(tmp_path.iterdir())
