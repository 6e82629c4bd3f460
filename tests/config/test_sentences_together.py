"""Every mistake that several keys or files make together becomes one sentence."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from inference_gaps.replication.config.loading import load_configuration
from tests.config.test_sentences import sentences
from tests.small_project import edit_yaml, make_project


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path)


def test_warming_up_for_longer_than_training(project: Path) -> None:
    edit_yaml(project / "config/presets/tiny.yaml", ("training.warm_up_epochs", 10))
    assert sentences(project) == [
        f"config/presets/tiny.yaml: {model} is to warm up for 10 epochs but is trained for 3; lower "
        f"training.warm_up_epochs or raise training.epochs."
        for model in ("digits-ffg", "digits-af")
    ]


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("binarisation", "static", "whose binarisation is grey256, but that of digits-af is static"),
        ("architecture.latent_dim", 3, "whose architecture.latent_dim is 2, but that of digits-af is 3"),
        (
            "architecture.decoder_hidden",
            [4, 4],
            "whose architecture.decoder_hidden is [4], but that of digits-af is [4, 4]",
        ),
        (
            "architecture",
            {"kind": "linear-gaussian"},
            "whose architecture.kind is mlp, but that of digits-af is linear-gaussian",
        ),
    ],
)
def test_generators_that_cannot_be_shared(project: Path, key: str, value: Any, sentence: str) -> None:
    """What the recognition networks differ in does not count."""
    file, model = project / "config/experiments.yaml", "models.digits-af"
    edit_yaml(file, (f"{model}.generator_of", "digits-ffg"), (f"{model}.architecture.encoder_hidden", []))
    assert load_configuration(project)
    edit_yaml(file, (f"{model}.{key}", value))
    assert sentences(project) == [
        f"config/experiments.yaml: {model}.generator_of is digits-ffg, {sentence}; models that share a generator "
        f"agree in it."
    ]


def test_a_protocol_may_be_that_of_another_preset(project: Path) -> None:
    edit_yaml(project / "config/experiments.yaml", ("models.digits-af.protocol", "slaw"))
    other = project / "config/presets/other.yaml"
    other.write_text("protocols: {slow: {}, broken")
    none = "config/experiments.yaml: models.digits-af.protocol is 'slaw', which is not a protocol of any preset; "
    assert sentences(project) == [f"{none}there is none to choose from."]
    other.write_text("protocols: {slow: {training: {epochs: 9}}}")
    assert sentences(project) == [f"{none}the nearest is slow."]
    edit_yaml(project / "config/experiments.yaml", ("models.digits-af.protocol", "slow"))
    assert load_configuration(project)


def test_a_chain_of_generators(project: Path) -> None:
    file = project / "config/experiments.yaml"
    third = yaml.safe_load(file.read_text())["models"]["digits-ffg"]
    edit_yaml(
        file,
        ("models.third", third),
        ("models.digits-ffg.generator_of", "third"),
        ("models.digits-af.generator_of", "digits-ffg"),
    )
    assert sentences(project) == [
        "config/experiments.yaml: models.digits-af.generator_of is digits-ffg, which has the generator of third; "
        "write third."
    ]


PLANE: dict[str, Any] = {
    "dataset": "mnist",
    "binarisation": "static",
    "architecture": {"kind": "mlp", "latent_dim": 2, "encoder_hidden": [4], "decoder_hidden": [4]},
    "posterior": {"family": "ffg"},
}


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (
            {"model": "plan"},
            "posteriors.model is 'plan', which is not one of the models above; the nearest is plane.",
        ),
        (
            {"model": "space"},
            "posteriors.model is space, which is no mlp of two latent dimensions; name one that is, for its "
            "posteriors are drawn over a plane.",
        ),
        (
            {"local": ["af"]},
            "posteriors.local lacks ffg, the family that plane is trained with; add it.",
        ),
        (
            {"local": ["ffg", "hamiltonian"]},
            "posteriors.local has hamiltonian, whose density at given z is not known; leave it out.",
        ),
        (
            {"images": 8},
            "posteriors.images is 8, but bounds are evaluated on 3 points of mnist; lower it, or raise points.",
        ),
        (
            {"images": 0},
            "posteriors.images is the number 0; it must be a whole number, at least 1 and at most 8.",
        ),
        ({"local": []}, "posteriors.local is an empty list; it must be a list of at least 1 entry."),
        ({"local": ["ffg", "ffg"]}, "posteriors.local names ffg twice; once is enough."),
    ],
)
def test_mistakes_in_posteriors_over_the_plane(project: Path, changed: dict[str, Any], sentence: str) -> None:
    settings = {"model": "plane", "images": 2, "local": ["ffg"]}
    file = project / "config/experiments.yaml"
    space = PLANE | {"architecture": PLANE["architecture"] | {"latent_dim": 3}}
    edit_yaml(file, ("models.plane", PLANE), ("models.space", space), ("posteriors", settings))
    assert load_configuration(project)
    edit_yaml(file, ("posteriors", settings | changed))
    assert sentences(project) == [f"config/experiments.yaml: {sentence}"]


def test_checkpoints_that_begin_after_the_end(project: Path) -> None:
    edit_yaml(project / "config/presets/tiny.yaml", ("checkpoints", [3, 9]))
    edit_yaml(project / "config/experiments.yaml", ("experiments.gaps.at_checkpoints", True))
    assert sentences(project) == [
        f"config/experiments.yaml: experiments.gaps.at_checkpoints is true, but the checkpoints of "
        f"config/presets/tiny.yaml begin at epoch 3 and {model} is trained for 3; add an epoch before the last one."
        for model in ("digits-ffg", "digits-af")
    ]


def test_a_local_optimum_that_starts_from_itself(project: Path) -> None:
    edit_yaml(project / "config/presets/tiny.yaml", ("local.ffg.start", "local-ffg"))
    assert sentences(project) == [
        f"config/presets/tiny.yaml: on {name}, local.ffg.start is local-ffg, which is itself; write amortised or "
        f"zeros."
        for name in ("mnist", "cifar10")
    ]
