"""A run as small as it can be, with what the notebooks of the project read."""

from pathlib import Path

import pandas as pd
import pytest

from inference_gaps.replication.artifacts.files import write_values
from inference_gaps.replication.artifacts.fingerprints import make_provenance
from inference_gaps.replication.artifacts.layout import Layout
from inference_gaps.replication.specs.data import PrepareSpec
from tests.command_lines import run
from tests.data.raw import dataset, grey_levels
from tests.synthetic_study import make_table, write_study

POINTS = 4
_TRAIN = {
    "architecture": {"kind": "mlp", "latent_dim": 2, "encoder_hidden": [5], "decoder_hidden": [5]},
    "epochs": 5,
    "batch_size": 20,
    "warm_up_epochs": 0,
    "schedule": "constant",
    "learning_rate": 0.01,
}
_LOCAL = {"points": POINTS, "samples": 20, "steps": 100, "learning_rate": 0.05, "max_cycles": 3}
_AIS = {"points": POINTS, "chains": 20, "distributions": 20, "start": "local-ffg"}


def _make_model(layout: Layout, model: str, data: Path) -> None:
    """Train a model on a few images and evaluate it."""
    layout.local(model, 0, "train", "ffg").parent.mkdir(parents=True)
    weights = layout.weights(model, 0)
    run("train", spec=_TRAIN, data=data, output=weights, metrics=layout.metrics(model, 0))
    common = {"data": data, "model": weights}
    local = layout.local(model, 0, "train", "ffg")
    residuals = layout.residuals(model, 0, "train", "ffg")
    run("optimise-local", spec=_LOCAL, output=local, residuals=residuals, **common)
    iwae = {"points": POINTS, "samples": 2000}
    run("evaluate-iwae", spec=iwae, output=layout.iwae(model, 0, "train", "amortised"), **common)
    at_best = layout.iwae(model, 0, "train", "local-ffg")
    run("evaluate-iwae", spec=iwae, output=at_best, posterior=local, **common)
    run("evaluate-ais", spec=_AIS, output=layout.ais(model, 0, "train", "local-ffg"), start=local, **common)
    run("evaluate-exact", spec={"points": POINTS}, output=layout.exact(model, 0, "train"), **common)


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The top of a run with two trained models, on two data sets; nobody changes it."""
    top = tmp_path_factory.mktemp("models")
    layout = Layout("quick", top)
    layout.data("any").parent.mkdir(parents=True)
    for model, height in (("mnist-ffg", 2), ("check-digits-ffg", 3)):
        raw, width = top / f"raw-{height}", 6 // height
        images = dataset(raw, grey_levels(40, height, width), shape=[1, height, width])
        spec = PrepareSpec(dataset=images, binarisation="static")
        data = layout.data(f"digits{height}-static")
        run("prepare-data", spec=spec, folder=raw, output=data)
        _make_model(layout, model, data)
    return top


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The top of a run with made-up values, their table and verdicts on claims; nobody changes it."""
    top = tmp_path_factory.mktemp("tables")
    assert make_table(top, write_study(top, ["mnist"], [0])) == 0
    verdicts = pd.DataFrame(
        {"claim": ["C1"], "level": ["claim"], "verdict": ["replicated"], "reason": ["it is"]}
    )
    write_values(Layout("quick", top).claims("csv"), verdicts, make_provenance("judge-claims", {}, {}))
    return top
