"""What check-config calls valid runs to the report: drawn configurations, run at tiny size in one process."""

import copy
import functools
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from inference_gaps.errors import UserError
from inference_gaps.replication.cli import main
from inference_gaps.replication.study.command_line import command_line
from inference_gaps.replication.study.plan import load_study
from inference_gaps.specs.families import FAMILIES
from tests.data.raw import idx
from tests.small_project import edit_yaml, make_project

IMAGES = {"train": 14, "validation": 12, "test": 13}
_COUNTS = st.integers(1, 9)


def sometimes(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


def mapping(**optional: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=optional)


_ARCHITECTURES = st.one_of(
    st.fixed_dictionaries(
        {
            "kind": st.just("mlp"),
            "latent_dim": st.integers(2, 3),
            "encoder_hidden": st.lists(_COUNTS, max_size=2),
        },
        optional={"decoder_hidden": st.lists(_COUNTS, max_size=2), "folded": st.booleans()},
    ),
    st.fixed_dictionaries({"kind": st.just("linear-gaussian"), "latent_dim": st.integers(2, 3)}),
)
_TRAINING = {
    "epochs": st.integers(2, 3),
    "warm_up_epochs": st.integers(0, 1),
    "batch_size": st.integers(1, 14),
    "validation_points": st.integers(0, 9),
    "schedule": st.sampled_from(["iwae-stages", "geometric", "constant"]),
    "warm_up_of": st.sampled_from(["entropy", "kl"]),
    "shuffle": st.booleans(),
    "gradient_precision": st.sampled_from(["float32", "bfloat16"]),
}
_FAMILY = st.sampled_from(list(FAMILIES))
_PART = st.sampled_from(list(IMAGES))
_NAMES = st.sampled_from(["gaps", "models", "report", "training", "samples", "data", "records", "1"])
_MODEL_NAMES = ("one", "two")


def local(family: str) -> st.SearchStrategy[dict[str, Any]]:
    started = ["amortised", "zeros", *(["local-ffg"] if family != "ffg" else [])]
    return st.fixed_dictionaries(
        {"samples": st.integers(1, 2), "steps": st.integers(1, 3), "max_cycles": st.just(2)},
        optional={"start": st.sampled_from(started), "flow_hidden": st.integers(1, 3)},
    )


_MODEL = st.fixed_dictionaries(
    {
        "dataset": st.just("mnist"),
        "binarisation": st.sampled_from(["static", "threshold", "grey256"]),
        "architecture": _ARCHITECTURES,
        "posterior": st.fixed_dictionaries(
            {"family": _FAMILY, "flow_hidden": st.integers(1, 3), "flow_steps": st.integers(1, 2)}
        ),
    }
)
_EXPERIMENT = st.fixed_dictionaries(
    {
        "title": st.sampled_from(["Gaps", "50 % of $x_1$ & *more* <b>"]),
        "models": st.lists(st.sampled_from(_MODEL_NAMES), min_size=1, max_size=2, unique=True),
        "splits": st.lists(_PART, min_size=1, max_size=2, unique=True),
        "local": st.lists(st.sampled_from([*FAMILIES, "trained"]), max_size=2, unique=True),
    },
    optional={
        "ais": st.lists(st.sampled_from(["prior", "local-ffg"]), max_size=2, unique=True),
        "active_units": st.booleans(),
        "at_checkpoints": st.booleans(),
        "published": st.integers(1, 4),
    },
)
_AIS = st.fixed_dictionaries({"chains": st.integers(2, 3), "distributions": st.integers(3, 5)})
_PRESET = st.fixed_dictionaries(
    {
        "description": st.just("next to nothing"),
        "seeds": st.lists(st.integers(0, 9), min_size=1, max_size=2, unique=True),
        "points": st.integers(2, 12),
        "simulated_points": st.integers(2, 3),
        "datasets": st.just({"mnist": {"copy": "digits"}}),
        "training": st.fixed_dictionaries(_TRAINING),
        "iwae": st.fixed_dictionaries({"samples": st.integers(2, 5)}),
        "ais": st.fixed_dictionaries({"prior": _AIS, "local-ffg": _AIS}),
        "local": st.fixed_dictionaries({name: local(name) for name in FAMILIES}),
        "units": st.fixed_dictionaries({"points": st.integers(2, 20)}),
        "convergence": st.fixed_dictionaries(
            {"points": st.just(2), "samples": st.just([2, 4]), "distributions": st.just([3, 4])}
        ),
        "checkpoints": st.just([1]),
        "procedures": st.fixed_dictionaries(
            {
                "points": st.integers(2, 8),
                "window": st.just(2),
                "patience": st.just(1),
                "max_windows": st.just(3),
            }
        ),
    },
)
_COMPARED = sometimes(
    st.fixed_dictionaries({"models": st.just(["one"])}, optional={"split": _PART}),
)
_CONFIGURATION = st.fixed_dictionaries(
    {
        "preset": st.sampled_from(["tiny", "2nd_try", "data", "v1.5"]),
        "amounts": _PRESET,
        "models": st.fixed_dictionaries({name: _MODEL for name in _MODEL_NAMES}),
        "experiments": st.dictionaries(_NAMES, _EXPERIMENT, min_size=1, max_size=2),
        "convergence": _COMPARED,
        "procedures": _COMPARED,
        "posteriors": sometimes(mapping(images=st.integers(1, 2), split=_PART)),
    }
)


def write(top: Path, drawn: dict[str, Any]) -> None:
    make_project(top)
    rng = np.random.default_rng(0)
    files = []
    for part, count in IMAGES.items():
        pixels = rng.integers(0, 256, (count, 4, 4), dtype=np.uint8)
        (top / "data/embedded/digits" / f"{part}.gz").write_bytes(idx(pixels))
        files.append({"name": f"{part}.gz", "part": part})
    edit_yaml(
        top / "config/datasets.yaml",
        ("datasets.digits.shape", [1, 4, 4]),
        ("datasets.digits.files", files),
        ("datasets.digits.splits", {part: {"part": part} for part in IMAGES}),
    )
    (top / "config/presets/tiny.yaml").unlink()
    preset = top / "config/presets" / f"{drawn['preset']}.yaml"
    preset.write_text("{}")
    edit_yaml(preset, *drawn["amounts"].items())
    chosen = [(key, drawn[key]) for key in ("convergence", "procedures") if drawn[key]]
    network, family = drawn["models"]["one"]["architecture"], drawn["models"]["one"]["posterior"]["family"]
    if (
        drawn["posteriors"]
        and network["kind"] == "mlp"
        and network["latent_dim"] == 2
        and family != "hamiltonian"
    ):
        families = list(dict.fromkeys(["ffg", family]))
        chosen.append(("posteriors", {**drawn["posteriors"], "model": "one", "local": families}))
    edit_yaml(
        top / "config/experiments.yaml",
        ("models", drawn["models"]),
        ("experiments", drawn["experiments"]),
        *chosen,
    )
    edit_yaml(top / "config/claims.yaml", ("claims", {}), ("planned", []))
    edit_yaml(top / "config/config.yaml", ("preset", drawn["preset"]))


def run(top: Path) -> None:
    """Run every job of the study below ``top``, in the order of the plan."""
    before = Path.cwd()
    os.chdir(top)
    try:
        study = load_study()
        for job in study.jobs:
            assert main(command_line(job, study)) == 0, job
    finally:
        os.chdir(before)


@settings(
    max_examples=int(os.environ.get("EXAMPLES", "6")),
    deadline=None,
    derandomize="EXAMPLES" not in os.environ,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)
@given(_CONFIGURATION)
def test_valid_means_runs_to_the_report(
    tmp_path_factory: pytest.TempPathFactory, drawn: dict[str, Any]
) -> None:
    top = tmp_path_factory.mktemp("valid")
    write(top, drawn)
    try:
        load_study(top=top)
    except UserError as error:
        event(str(error))
    else:
        run(top)
        event("ran")


_DRAWN: dict[str, Any] = {
    "preset": "tiny",
    "amounts": {"description": "", "seeds": [0], "points": 3, "datasets": {"mnist": {"copy": "digits"}},
                "training": {"epochs": 2, "batch_size": 5, "warm_up_epochs": 0}},
    "models": {name: {"dataset": "mnist", "binarisation": "static", "posterior": {"family": "ffg"},
                      "architecture": {"kind": "mlp", "latent_dim": 2}} for name in _MODEL_NAMES},
    "experiments": {"gaps": {"title": "Gaps", "models": ["one"], "splits": ["train"], "local": ["ffg"]}},
    "convergence": None, "procedures": None, "posteriors": None,
}  # fmt: skip


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("amounts.points", 1, "points is the number 1; it must be a whole number, at least 2"),
        ("amounts.points", 15, "points is 15, but digits-static has 14 images in its split train; lower points"),
        ("amounts.training.batch_size", 15, "training.batch_size is 15, but digits-static has 14 training images"),
        ("preset", "My preset", "preset is the text 'My preset'; it must be text, a name: lower-case letters"),
        ("preset", "Birds", "preset is the text 'Birds'; it must be text, a name: lower-case letters"),
    ],
)  # fmt: skip
def test_what_would_fail_later_is_no_valid_configuration(
    tmp_path: Path, key: str, value: Any, said: str
) -> None:
    drawn = copy.deepcopy(_DRAWN)
    *above, last = key.split(".")
    functools.reduce(lambda section, name: section[name], above, drawn)[last] = value
    write(tmp_path, drawn)
    with pytest.raises(UserError, match=re.escape(said)):
        load_study(top=tmp_path)


def test_a_split_beyond_the_data_is_no_valid_configuration(tmp_path: Path) -> None:
    write(tmp_path, copy.deepcopy(_DRAWN))
    edit_yaml(tmp_path / "config/datasets.yaml", ("datasets.digits.splits.train.stop", 15))
    with pytest.raises(
        UserError, match="wants images 0 to 15 of the part train, which has 14; correct start and"
    ):
        load_study(top=tmp_path)


def test_a_folder_without_images_is_no_valid_configuration(tmp_path: Path) -> None:
    write(tmp_path, copy.deepcopy(_DRAWN))
    edit_yaml(
        tmp_path / "config/datasets.yaml",
        ("datasets.digits.files", []),
        ("datasets.digits.format", "image-folder"),
    )
    with pytest.raises(UserError, match="holds no images; put PNG or JPEG"):
        load_study(top=tmp_path)
