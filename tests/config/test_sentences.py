"""Every mistake in the configuration becomes one sentence that names file and key, and says what to write."""

from pathlib import Path
from typing import Any

import pytest

from inference_gaps.errors import UserError
from inference_gaps.replication.cli import main
from inference_gaps.replication.config.loading import load_configuration
from tests.small_project import edit_yaml, make_project

TINY, EXPERIMENTS = "presets/tiny", "experiments"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path)


def sentences(project: Path, overrides: dict[str, Any] | None = None) -> list[str]:
    with pytest.raises(UserError) as caught:
        load_configuration(project, overrides)
    first, *lines = str(caught.value).split("\n")
    count = "1 problem" if len(lines) == 1 else f"{len(lines)} problems"
    assert first == f"the configuration has {count}; nothing was started."
    return [line.strip() for line in lines]


def test_the_project_of_these_tests_is_valid(project: Path) -> None:
    assert load_configuration(project).chosen_experiments == ["gaps", "again"]


@pytest.mark.parametrize(
    ("file", "key", "value", "sentence"),
    [
        (
            TINY,
            "training.learning_rat",
            0.1,
            "training.learning_rat is not a key; the nearest is learning_rate.",
        ),
        (
            TINY,
            "ais.posterior",
            {},
            "ais.posterior is not a key; the nearest is prior.",
        ),
        (
            TINY,
            "training.learning_rate",
            "1e-3",
            "training.learning_rate is the text '1e-3'; YAML reads 1e-3 as text, write 1.0e-3.",
        ),
        (
            TINY,
            "training.adam_epsilon",
            "2.5e4",
            "training.adam_epsilon is the text '2.5e4'; YAML reads 2.5e4 as text, write 2.5e+4.",
        ),
        (
            TINY,
            "training.epochs",
            "1e5",
            "training.epochs is the text '1e5'; YAML reads 1e5 as text, write 100000.",
        ),
        (TINY, "points", "12", "points is the text '12'; write 12 without quotes."),
        (
            TINY,
            "points",
            1.5,
            "points is the number 1.5; it must be a whole number, at least 2 and less than 2147483648.",
        ),
        (
            TINY,
            "points",
            0,
            "points is the number 0; it must be a whole number, at least 2 and less than 2147483648.",
        ),
        (
            TINY,
            "points",
            True,
            "points is the truth value true; it must be a whole number, at least 2 and less than 2147483648.",
        ),
        (
            TINY,
            "training.learning_rate",
            2,
            "training.learning_rate is the number 2; it must be a number, greater than 0 and at most 1.",
        ),
        (
            TINY,
            "training.epochs",
            None,
            "training.epochs is empty (null); it must be a whole number, at least 1 and less than 2147483648.",
        ),
        (
            TINY,
            "training.shuffle",
            "yes please",
            "training.shuffle is the text 'yes please'; it must be true or false.",
        ),
        (
            TINY,
            "training.schedule",
            "geometrical",
            "training.schedule is 'geometrical', which is not allowed here; the nearest is geometric.",
        ),
        (
            TINY,
            "training.schedule",
            3,
            "training.schedule is the number 3; it must be iwae-stages, geometric or constant.",
        ),
        (TINY, "seeds", [], "seeds is an empty list; it must be a list of at least 1 entry."),
        (TINY, "seeds", 3, "seeds is the number 3; it must be a list of at least 1 entry."),
        (
            TINY,
            "seeds",
            [0, -1],
            "seeds[1] is the number -1; it must be a whole number, at least 0 and less than 2147483648.",
        ),
        (TINY, "seeds", [4, 4], "seeds names 4 twice; once is enough."),
        (
            TINY,
            "checkpoints",
            [4, 2],
            "checkpoints names epoch 2 after epoch 4; write each epoch once, in increasing order.",
        ),
        (
            EXPERIMENTS,
            "models.digits-af.generator_of",
            "digits-fgf",
            "models.digits-af.generator_of is 'digits-fgf', which is not one of the models; the nearest is "
            "digits-ffg.",
        ),
        (
            EXPERIMENTS,
            "models.digits-af.generator_of",
            "digits-af",
            "models.digits-af.generator_of is digits-af, the model itself; name another model, or leave "
            "generator_of out.",
        ),
        (
            EXPERIMENTS,
            "models.digits-af.protocol",
            "slow",
            "models.digits-af.protocol is 'slow', which is not a protocol of any preset; there is none to choose "
            "from.",
        ),
        (
            TINY,
            "protocols",
            {"slow": {"locals": {}}},
            "protocols.slow.locals is not a key; the nearest is local.",
        ),
        (
            TINY,
            "protocols",
            {"slow": {"training": {"epoch": 1}}},
            "protocols.slow.training.epoch is not a key; the nearest is epochs.",
        ),
        (
            EXPERIMENTS,
            "experiments.gaps.at_checkpoints",
            True,
            "experiments.gaps.at_checkpoints is true, but config/presets/tiny.yaml has no checkpoints; list epochs "
            "there below checkpoints, or write false.",
        ),
        (
            EXPERIMENTS,
            "procedures",
            {"models": ["digits-fgf"]},
            "procedures.models is 'digits-fgf', which is not one of the models above; the nearest is digits-ffg.",
        ),
        (TINY, "training", [1], "training is a list; it must be a mapping of keys to values."),
        (
            TINY,
            "points",
            ...,
            "points is missing; it must be a whole number, at least 2 and less than 2147483648.",
        ),
        (
            TINY,
            "datasets.mnist.copy",
            "digit",
            "datasets.mnist.copy is 'digit', which is not in config/datasets.yaml; the nearest is digits.",
        ),
        (
            TINY,
            "datasets.mnist.ais.prior.chain",
            4,
            "datasets.mnist.ais.prior.chain is not a key; the nearest is chains.",
        ),
        (
            TINY,
            "datasets.My Images",
            {"copy": "digits"},
            "datasets.My Images is not a name; use lower-case letters, digits and hyphens.",
        ),
        (
            EXPERIMENTS,
            "models.digits-ffg.dataset",
            "mnits",
            "models.digits-ffg.dataset is 'mnits', which is not a data set of config/presets/tiny.yaml; the "
            "nearest is mnist.",
        ),
        (
            EXPERIMENTS,
            "models.digits-ffg.posterior.family",
            "iaf",
            "models.digits-ffg.posterior.family is 'iaf', which is not allowed here; the nearest is af.",
        ),
        (
            EXPERIMENTS,
            "models.digits-ffg.architecture.kind",
            "convolutional",
            "models.digits-ffg.architecture.kind is 'convolutional', which is not a kind of network; choose one of "
            "conv, linear-gaussian, mlp.",
        ),
        (
            EXPERIMENTS,
            "models.digits-ffg.architecture.kind",
            ...,
            "models.digits-ffg.architecture.kind is missing; it must be conv, linear-gaussian or mlp.",
        ),
        (
            EXPERIMENTS,
            "models.digits-ffg.architecture.latent_dims",
            3,
            "models.digits-ffg.architecture.latent_dims is not a key; the nearest is latent_dim.",
        ),
        (
            EXPERIMENTS,
            "models.digits-ffg.architecture.latent_dim",
            5000,
            "models.digits-ffg.architecture.latent_dim is the number 5000; it must be a whole number, at least 1 "
            "and at most 1024.",
        ),
        (
            EXPERIMENTS,
            "models.digits-ffg.binarisation",
            "given",
            "models.digits-ffg.binarisation is given, but the files of digits hold grey levels; write static, "
            "threshold or grey256.",
        ),
        (
            EXPERIMENTS,
            "models.digits-ffg.architecture",
            {"kind": "conv"},
            "models.digits-ffg.architecture.kind is conv, which takes 3 x 32 x 32 images, but digits has "
            "1 x 28 x 28; write mlp, or choose another copy in config/presets/tiny.yaml.",
        ),
        (
            EXPERIMENTS,
            "experiments.gaps.models",
            ["digits-fgg"],
            "experiments.gaps.models is 'digits-fgg', which is not one of the models above; the nearest is "
            "digits-ffg.",
        ),
        (
            EXPERIMENTS,
            "experiments.gaps.splits",
            ["test"],
            "experiments.gaps.splits names test, but digits is cut into train, validation only.",
        ),
        (
            EXPERIMENTS,
            "experiments.gaps.local",
            ["fgf"],
            "experiments.gaps.local[0] is 'fgf', which is not allowed here; the nearest is ffg.",
        ),
        (
            "config",
            "copies",
            {"cifar": "patches"},
            "copies is 'cifar', which is not a data set of the preset; the nearest is cifar10.",
        ),
        (
            "config",
            "copies",
            {"cifar10": "patch"},
            "copies.cifar10 is 'patch', which is not in config/datasets.yaml; the nearest is patches.",
        ),
        (
            "config",
            "experiments",
            ["gap"],
            "experiments is 'gap', which is not an experiment of config/experiments.yaml; the nearest is gaps.",
        ),
        (
            "config",
            "experiments",
            2,
            "experiments is the number 2; it must be the word all or a list of names.",
        ),
        ("config", "preset", "tinny", "preset is 'tinny', which is not a preset; the nearest is tiny."),
        ("config", "device", "gpu", "device is 'gpu', which is not allowed here; the nearest is cpu."),
        (
            "config",
            "threads",
            0,
            "threads is the number 0; it must be a whole number, at least 1 and at most 1024.",
        ),
        ("config", "data_folder", 7, "data_folder is the number 7; it must be text, not empty or null."),
        (
            "datasets",
            "datasets.digits.files",
            [{"name": "a", "part": "train", "sha256": "12"}],
            "datasets.digits.files[0].sha256 is the text '12'; it must be text, 64 hexadecimal digits in lower "
            "case or null.",
        ),
        (
            "datasets",
            "datasets.digits.shape",
            [28, 28],
            "datasets.digits.shape is a list; it must be a list of 3 entries.",
        ),
    ],
)
def test_one_mistake_is_one_sentence(project: Path, file: str, key: str, value: Any, sentence: str) -> None:
    edit_yaml(project / "config" / f"{file}.yaml", (key, value))
    assert sentences(project) == [f"config/{file}.yaml: {sentence}"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "preset: [tiny\n",
            "config/config.yaml, line 2 is not valid YAML: expected ',' or ']', but got '<stream end>'.",
        ),
        ("- preset\n", "config/config.yaml holds a list, not a mapping of keys to values."),
        ("", "config/config.yaml is empty; restore it from the project."),
        (
            "preset: \x07\n",
            "config/config.yaml holds a character that YAML does not allow: special characters are "
            "not allowed.",
        ),
    ],
)
def test_a_file_that_is_no_mapping(project: Path, text: str, sentence: str) -> None:
    (project / "config/config.yaml").write_text(text)
    assert sentences(project) == [sentence]


def test_a_missing_file(project: Path) -> None:
    (project / "config/datasets.yaml").unlink()
    assert sentences(project) == ["config/datasets.yaml does not exist; restore it from the project."]


def test_a_key_given_twice(project: Path) -> None:
    file = project / "config/config.yaml"
    file.write_text(file.read_text() + "threads: 2\n")
    assert sentences(project) == ["config/config.yaml, line 6: threads is given twice; keep one of the two."]


def test_of_very_many_problems_some_are_listed(project: Path) -> None:
    edit_yaml(project / "config/presets/tiny.yaml", *((f"none_{number}", 0) for number in range(51)))
    said = sentences(project)
    assert len(said) == 51
    assert said[-1] == "config/presets/tiny.yaml: 1 problem more; correct these first."


def test_all_problems_are_listed(project: Path) -> None:
    edit_yaml(project / "config/config.yaml", ("threads", "two"))
    edit_yaml(project / "config/presets/tiny.yaml", ("points", 0), ("trainig", {}))
    edit_yaml(project / "config/experiments.yaml", ("experiments.gaps.title", ...))
    assert sentences(project) == [
        "config/config.yaml: threads is the text 'two'; it must be a whole number, at least 1 and at most 1024.",
        "config/experiments.yaml: experiments.gaps.title is missing; it must be text.",
    ]
    edit_yaml(project / "config/config.yaml", ("threads", 2))
    assert sentences(project) == [
        "config/presets/tiny.yaml: points is the number 0; it must be a whole number, at least 2 and less than "
        "2147483648.",
        "config/presets/tiny.yaml: trainig is not a key; the nearest is training.",
        "config/experiments.yaml: experiments.gaps.title is missing; it must be text.",
    ]


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (
            {"preset": "tinny"},
            "the command line: preset is 'tinny', which is not a preset; the nearest is tiny.",
        ),
        ({"presett": "tiny"}, "the command line: presett is not a key; the nearest is preset."),
        (
            {"threads": "1e5"},
            "the command line: threads is the text '1e5'; YAML reads 1e5 as text, write 100000.",
        ),
        (
            {"experiments": ["gap"]},
            "the command line: experiments is 'gap', which is not an experiment of config/experiments.yaml; the "
            "nearest is gaps.",
        ),
    ],
)
def test_overrides_are_validated_like_the_file(
    project: Path, overrides: dict[str, Any], sentence: str
) -> None:
    assert sentences(project, overrides) == [sentence]


def test_the_command_says_it_and_fails(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-config", "--top", str(project)]) == 0
    assert "The configuration is valid. Preset tiny: next to nothing." in capsys.readouterr().out
    assert main(["check-config", "--top", str(project), "--preset", "tinny"]) == 1
    assert capsys.readouterr().err == (
        "inference-gaps check-config: the configuration has 1 problem; nothing was started.\n"
        "  the command line: preset is 'tinny', which is not a preset; the nearest is tiny.\n"
    )


def test_every_preset_is_checked(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = project / "config/presets/other.yaml"
    other.write_text((project / "config/presets/tiny.yaml").read_text())
    edit_yaml(other, ("points", -1))
    assert main(["check-config", "--top", str(project)]) == 1
    assert "config/presets/other.yaml: points is the number -1" in capsys.readouterr().err
