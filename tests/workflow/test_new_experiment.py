"""Adding images of one's own and an experiment on them, to a copy of the project: entries in config/ alone."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inference_gaps.replication.artifacts.files import read_provenance, read_values
from tests.small_project import edit_yaml
from tests.snakemake_runs import NOTHING, make, planned, snakemake
from tests.workflow.test_end_to_end import tiny_project

_DATASET = {
    "title": "Bars",
    "licence": "CC0",
    "format": "image-folder",
    "shape": [1, 12, 12],
    "folder": "bars",
    "files": [],
    "splits": {"train": {"part": "train"}, "validation": {"part": "validation"}},
}
_MLP = {"kind": "mlp", "latent_dim": 3, "encoder_hidden": [20], "decoder_hidden": [20], "activation": "elu"}
_MODEL = {"dataset": "bars", "binarisation": "static", "posterior": {"family": "ffg"}}
_MODELS = {
    "bars": {**_MODEL, "label": "as it comes", "architecture": _MLP},
    "bars-small": {
        **_MODEL,
        "label": "linear encoder",
        "architecture": {**_MLP, "encoder_hidden": []},
        "generator_of": "bars",
    },
}
_EXPERIMENT = {
    "title": "Bars over training",
    "about": "What this is for.",
    "models": ["bars", "bars-small"],
    "splits": ["validation"],
    "local": ["trained"],
    "ais": [],
    "active_units": True,
    "at_checkpoints": True,
}


def write_bars(folder: Path) -> None:
    """Write images of bright bars on a dark ground."""
    rng = np.random.default_rng(0)
    for part, count in (("train", 300), ("validation", 60)):
        for index in range(count):
            picture = rng.integers(0, 40, (12, 12), dtype=np.uint8)
            picture[:, rng.integers(0, 10)] = 230
            place = folder / part / ("left" if index % 2 else "right")
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture).save(place / f"{index:03}.png")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tiny_project(tmp_path_factory.mktemp("experiment"))
    write_bars(top / "images" / "bars")
    edit_yaml(top / "config/datasets.yaml", ("datasets.bars", _DATASET))
    edit_yaml(
        top / "config/presets/tiny.yaml",
        ("datasets.bars", {"copy": "bars", "training": {"epochs": 8, "batch_size": 50}}),
        ("checkpoints", [2]),
    )
    for name, model in _MODELS.items():
        edit_yaml(top / "config/experiments.yaml", (f"models.{name}", model))
    edit_yaml(top / "config/experiments.yaml", ("experiments.bars", _EXPERIMENT))
    edit_yaml(top / "config/config.yaml", ("experiments", ["bars"]), ("data_folder", "images"))
    return top


def test_a_new_experiment_on_new_images_takes_entries_only(study: Path) -> None:
    done = make(study)
    assert done.returncode == 0, done.stdout + done.stderr
    assert planned(done.stdout + done.stderr)["take_checkpoint"] == 2
    table, _ = read_values(study / "results/tiny/bars.csv")
    found = table.set_index(["model", "split", "quantity"])
    assert set(table["label"]) == {"as it comes", "linear encoder"}
    assert set(table["epoch"].dropna()) == {2}
    assert len(found.loc[("bars", "validation", "amortization_gap")]) == 2
    units = table[table["quantity"] == "active_units"]["value"]
    assert len(units) == 4
    assert units.between(0, 3).all()
    # The small encoder has the generator of the other, and so its optima.
    end = table[table["epoch"].isna()].set_index(["model", "quantity"])["value"]
    assert end["bars", "elbo_local_ffg"] == end["bars-small", "elbo_local_ffg"]
    assert end["bars", "elbo_amortized"] != end["bars-small", "elbo_amortized"]
    assert (study / "figures/tiny/gaps-bars.pdf").is_file()
    made_by = read_provenance(study / "paper/replication-tiny.pdf")
    assert made_by["spec"]["tables"][0]["experiment"] == "bars"
    claims, _ = read_values(study / "results/tiny/claims.csv")
    assert set(claims["verdict"]) == {"not run"}
    assert NOTHING in snakemake(study, "--cores", "2").stderr


def test_a_mistake_in_it_is_a_sentence(study: Path) -> None:
    edit_yaml(study / "config/experiments.yaml", ("models.bars-small.generator_of", "barss"))
    failed = snakemake(study, "--dry-run")
    assert failed.returncode == 1
    assert "models.bars-small.generator_of is 'barss'" in failed.stderr
    edit_yaml(study / "config/experiments.yaml", ("models.bars-small.generator_of", "bars"))
