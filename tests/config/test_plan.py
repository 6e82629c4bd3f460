"""The plan of a study: which jobs there are, what decides each one's fingerprint."""

from pathlib import Path

import pandas as pd
import pytest
import yaml

from inference_gaps.errors import UserError
from inference_gaps.replication.artifacts import code
from inference_gaps.replication.artifacts.files import write_values
from inference_gaps.replication.cli import main
from inference_gaps.replication.study.jobs import derived_seed
from inference_gaps.replication.study.model_jobs import ModelJobs
from inference_gaps.replication.study.plan import Study, load_study
from inference_gaps.specs.bounds import AisSpec
from inference_gaps.specs.train import TrainSpec
from tests.small_project import edit_yaml, make_project

PRESET, EXPERIMENTS = "config/presets/tiny.yaml", "config/experiments.yaml"
SUMMARIES = ("make-table", "judge-claims", "plot-schematic", "plot-gaps", "write-report")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path)


def by_output(study: Study) -> dict[str, str]:
    return {path.as_posix(): job.fingerprint for job in study.jobs for path in job.outputs.values()}


def changed(before: Study, after: Study) -> set[str]:
    """Return the commands of the jobs whose fingerprint differs."""
    old = by_output(before)
    return {
        job.stage
        for job in after.jobs
        for path in job.outputs.values()
        if old[path.as_posix()] != job.fingerprint
    }


def test_a_model_of_two_experiments_is_trained_once(project: Path) -> None:
    study = load_study(top=project)
    trained = [job.outputs["output"].as_posix() for job in study.jobs.of("train")]
    assert sorted(trained) == [
        f"results/tiny/models/{model}/seed-0/model.safetensors" for model in ("digits-af", "digits-ffg")
    ]
    assert len(study.jobs.of("prepare-data")) == 1
    assert len(study.jobs.of("make-table")) == 2
    assert len(study.jobs.of("evaluate-iwae")) == 2 * 3


def test_only_chosen_experiments_are_planned(project: Path) -> None:
    study = load_study({"experiments": ["again"]}, project)
    assert [job.outputs["csv"].name for job in study.tables] == ["again.csv"]
    assert {job.outputs["output"].name for job in study.jobs.of("optimise-local")} == {
        "local-ffg.safetensors"
    }
    assert len(study.jobs.of("train")) == 1


def test_each_seed_is_a_run_of_its_own(project: Path) -> None:
    edit_yaml(project / PRESET, ("seeds", [0, 5]))
    jobs = load_study(top=project).jobs.of("train")
    assert sorted(job.spec.seed for job in jobs if isinstance(job.spec, TrainSpec)) == [0, 0, 5, 5]
    assert len({job.fingerprint for job in jobs}) == 4


def test_layers_win_in_order(project: Path) -> None:
    study = load_study(top=project)
    trained = study.jobs["results/tiny/models/digits-af/seed-0/model.safetensors"].spec
    assert isinstance(trained, TrainSpec)
    assert trained.adam_epsilon == TrainSpec().adam_epsilon  # default of the specification
    assert trained.warm_up_epochs == 1  # preset
    assert trained.epochs == 3  # preset, for this data set
    assert trained.batch_size == 7  # the model itself
    annealed = study.jobs["results/tiny/models/digits-af/seed-0/train/ais-prior.csv"].spec
    assert isinstance(annealed, AisSpec)
    assert (annealed.distributions, annealed.chains, annealed.points) == (9, 5, 3)


def test_a_protocol_stands_between_the_data_set_and_the_model(project: Path) -> None:
    """For the models that name it, in the presets that have it."""
    keys = {"epochs": 8, "adam_epsilon": 1e-8, "batch_size": 20, "warm_up_epochs": 4}
    edit_yaml(
        project / PRESET, ("protocols", {"other": {"training": keys}, "third": {"training": {"epochs": 9}}})
    )
    before = load_study(top=project)
    edit_yaml(project / EXPERIMENTS, ("models.digits-af.protocol", "other"))

    def trained(model: str) -> TrainSpec:
        spec = load_study(top=project).jobs[f"results/tiny/models/{model}/seed-0/model.safetensors"].spec
        assert isinstance(spec, TrainSpec)
        return spec

    spec = trained("digits-af")
    # The batch size is the model's own.
    assert (spec.epochs, spec.adam_epsilon, spec.batch_size, spec.warm_up_epochs) == (8, 1e-8, 7, 4)
    assert (
        trained("digits-ffg") == before.jobs["results/tiny/models/digits-ffg/seed-0/model.safetensors"].spec
    )
    edit_yaml(project / PRESET, ("protocols.other.local", {"ffg": {"steps": 17}}))
    jobs = load_study(top=project).jobs
    steps = {
        model: jobs[f"results/tiny/models/{model}/seed-0/train/local-ffg.safetensors"].spec
        for model in ("digits-af", "digits-ffg")
    }
    assert {model: spec.steps == 17 for model, spec in steps.items()} == {
        "digits-af": True,
        "digits-ffg": False,
    }
    # Another preset has the protocol, this one does not: nothing is different from no protocol.
    other = project / "config/presets/other.yaml"
    other.write_text((project / PRESET).read_text())
    edit_yaml(project / PRESET, ("protocols", ...))
    assert changed(before, load_study(top=project)) == set()


def test_another_copy_of_a_data_set_is_another_data_set_and_nothing_else(project: Path) -> None:
    before = load_study(top=project)
    used = before.configuration.preset.datasets["mnist"].copied_as
    file = project / "config/datasets.yaml"
    datasets = yaml.safe_load(file.read_text())
    datasets["datasets"]["another"] = datasets["datasets"][used] | {"title": "Another"}
    file.write_text(yaml.safe_dump(datasets))
    after = load_study({"copies": {"mnist": "another"}}, top=project)
    assert {path.name for job in after.jobs.of("prepare-data") for path in job.outputs.values()} == {
        path.name.replace(used, "another")
        for job in before.jobs.of("prepare-data")
        for path in job.outputs.values()
    }
    assert len(list(after.jobs)) == len(list(before.jobs))
    assert changed(before, load_study({"copies": {"mnist": used}}, top=project)) == set()


def test_inputs_have_the_roles_that_the_commands_use(project: Path) -> None:
    jobs = load_study(top=project).jobs
    folder = "results/tiny/models/digits-af/seed-0"
    roles = {
        f"{folder}/model.safetensors": ["data"],
        f"{folder}/train/local-ffg.safetensors": ["data", "model"],
        # The flow that it was trained with starts at q(z|x), that of another model at q*_FFG.
        f"{folder}/train/local-af.safetensors": ["data", "model"],
        f"{folder.replace('-af', '-ffg')}/train/local-af.safetensors": ["data", "model", "start"],
        f"{folder}/train/iwae-amortised.csv": ["data", "model"],
        f"{folder}/train/iwae-local-af.csv": ["data", "model", "posterior"],
        f"{folder}/train/ais-prior.csv": ["data", "model"],
        f"{folder}/train/ais-local-ffg.csv": ["data", "model", "start"],
    }
    assert {path: list(jobs[path].inputs) for path in roles} == roles


def test_no_two_jobs_share_random_numbers(project: Path) -> None:
    edit_yaml(project / PRESET, ("seeds", [0, 1]))
    edit_yaml(project / EXPERIMENTS, ("experiments.gaps.splits", ["train", "validation"]))
    jobs = load_study(top=project).jobs
    commands = ("optimise-local", "evaluate-iwae", "evaluate-ais", "simulate-data", "evaluate-bdmc")
    drawing = [job for job in jobs if job.stage in commands]
    seeds = [job.spec.as_dict()["seed"] for job in drawing]
    # Per model and seed: 2 + 3 + 2 on each of two splits; data, q*_FFG and chains both ways on simulated points.
    assert len(seeds) == 2 * 2 * (2 * 7 + 4)
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_seeds_of_evaluations_never_change() -> None:
    assert derived_seed("mnist-ffg", 0, "train", "ais-prior") == 1581345239
    assert derived_seed("mnist-ffg", 1, "train", "ais-prior") == 948982363


@pytest.mark.parametrize(
    ("key", "value", "commands"),
    [
        ("description", "other words", {"write-report"}),
        ("iwae.samples", 77, {"evaluate-iwae", *SUMMARIES}),
        (
            "ais.local-ffg.chains",
            6,
            {"evaluate-ais", "evaluate-bdmc", *SUMMARIES},
        ),
        ("simulated_points", 5, {"simulate-data", "optimise-local", "evaluate-bdmc", *SUMMARIES}),
        (
            "local.af.steps",
            9,
            {"optimise-local", "evaluate-iwae", *SUMMARIES},
        ),
    ],
)
def test_a_change_of_the_preset_reaches_what_depends_on_it(
    project: Path, key: str, value: object, commands: set[str]
) -> None:
    before = load_study(top=project)
    edit_yaml(project / PRESET, (key, value))
    assert changed(before, load_study(top=project)) == commands


def of_model(study: Study, epoch: int | None = None, model: str = "digits-af") -> ModelJobs:
    return ModelJobs(study.jobs, study.layout, study.configuration, study.sources, model, 0, epoch)


def test_experiments_at_checkpoints_have_them_kept(project: Path) -> None:
    """For all models of such an experiment, whether it is chosen or not; for no other model."""
    before = load_study(top=project)
    edit_yaml(project / PRESET, ("checkpoints", [1, 2, 3, 9]))
    assert changed(before, load_study(top=project)) == set()
    edit_yaml(project / EXPERIMENTS, ("experiments.gaps.at_checkpoints", True))
    edit_yaml(project / EXPERIMENTS, ("experiments.gaps.models", ["digits-af"]))
    for overrides in ({}, {"experiments": ["gaps"]}):
        study = load_study(overrides, project)
        kept = {
            path.parts[3]: job.spec.checkpoints
            for job in study.jobs.of("train")
            for path in job.outputs.values()
            if isinstance(job.spec, TrainSpec)
        }
        # Three epochs: the third is the end, and there is no ninth.
        assert kept.pop("digits-af") == [1, 2]
        assert kept in ({}, {"digits-ffg": []})
    assert study.configuration.checkpoints_of("digits-ffg") == []


def test_a_checkpoint_is_evaluated_as_a_model_of_its_own(project: Path) -> None:
    edit_yaml(project / PRESET, ("checkpoints", [1, 2]), ("convergence.points", 3))
    edit_yaml(project / EXPERIMENTS, ("experiments.gaps.at_checkpoints", True))
    study = load_study(top=project)
    jobs, before = study.jobs, len(study.jobs.of("train"))

    def evaluated(epoch: int | None) -> list[Path]:
        model = of_model(study, epoch)
        return [
            model.local("train", "af"),
            model.iwae("train"),
            model.iwae("train", "ffg"),
            model.ais("train", "local-ffg"),
            model.bdmc("prior"),
            model.exact("train"),
            model.convergence("train"),
            model.units("validation"),
            model.samples("validation"),
        ]

    at_end, at_first, at_second = (evaluated(epoch) for epoch in (None, 1, 2))
    assert len(jobs.of("train")) == before
    assert len({*at_end, *at_first, *at_second}) == 3 * len(at_end)
    folder = study.layout.run("digits-af", 0)
    assert [path.relative_to(folder / "epoch-2") for path in at_second] == [
        path.relative_to(folder) for path in at_end
    ]
    weights = folder / "epoch-2" / "model.safetensors"
    assert weights in jobs
    assert jobs[weights].stage == "take-checkpoint"
    assert jobs[weights].spec.as_dict() == {"epoch": 2}
    assert dict(jobs[weights].inputs) == {"model": folder / "model.safetensors"}
    assert {jobs[path].inputs["model"] for path in at_second if "model" in jobs[path].inputs} == {weights}
    read = {
        path
        for job in jobs
        for path in job.inputs.values()
        if "epoch-2" in job.inputs.get("model", Path()).parts
    }
    assert not [path for path in read if "epoch-1" in path.parts]
    seeds = [
        jobs[path].spec.as_dict()["seed"]
        for path in [*at_end, *at_first, *at_second]
        if jobs[path].stage not in ("evaluate-exact", "evaluate-samples")
    ]
    assert len(set(seeds)) == len(seeds)


def test_a_generator_comes_from_the_training_of_the_same_seed(project: Path) -> None:
    before = load_study(top=project)
    edit_yaml(project / EXPERIMENTS, ("models.digits-af.generator_of", "digits-ffg"))
    edit_yaml(project / EXPERIMENTS, ("experiments.again.models", ["digits-af"]))
    edit_yaml(project / PRESET, ("seeds", [0, 5]), ("checkpoints", [1]))
    edit_yaml(project / EXPERIMENTS, ("experiments.gaps.at_checkpoints", True))
    # Also where no chosen experiment has the other model.
    study = load_study({"experiments": ["again"]}, project)
    layout = study.layout
    for seed in (0, 5):
        job = study.jobs[layout.weights("digits-af", seed)]
        assert isinstance(job.spec, TrainSpec)
        assert job.spec.frozen_generator
        assert job.inputs["generator"] == layout.weights("digits-ffg", seed)
        other = study.jobs[layout.weights("digits-ffg", seed)].spec
        assert isinstance(other, TrainSpec)
        assert (other.frozen_generator, other.seed, job.spec.seed) == (False, seed, seed)
    edit_yaml(project / EXPERIMENTS, ("models.digits-af.generator_of", ...))
    edit_yaml(project / EXPERIMENTS, ("experiments.gaps.at_checkpoints", ...))
    edit_yaml(project / EXPERIMENTS, ("experiments.again.models", ["digits-ffg"]))
    edit_yaml(project / PRESET, ("seeds", [0]))
    assert changed(before, load_study(top=project)) == set()


def test_swapped_values_are_noticed(project: Path) -> None:
    edit_yaml(project / PRESET, ("training.learning_rate", 0.1), ("training.adam_epsilon", 0.2))
    before = load_study(top=project)
    edit_yaml(project / PRESET, ("training.learning_rate", 0.2), ("training.adam_epsilon", 0.1))
    assert "train" in changed(before, load_study(top=project))


def test_another_experiment_leaves_the_models_alone(project: Path) -> None:
    before = load_study(top=project)
    edit_yaml(project / EXPERIMENTS, ("experiments.again.title", "Other words"))
    assert changed(before, load_study(top=project)) == {"make-table", "plot-gaps", "write-report"}


def test_the_schematic_is_of_the_first_experiment_that_answers_a_table_with_gaps(project: Path) -> None:
    def shown() -> list[str]:
        return [job.spec.as_dict()["experiment"] for job in load_study(top=project).jobs.of("plot-schematic")]

    assert shown() == ["gaps"]
    edit_yaml(project / EXPERIMENTS, ("experiments.again.published", 3))
    assert shown() == ["gaps"]
    edit_yaml(project / EXPERIMENTS, ("experiments.gaps.published", ...))
    assert shown() == ["again"]
    edit_yaml(project / EXPERIMENTS, ("experiments.again.local", []), ("experiments.again.ais", ["prior"]))
    assert shown() == []


def test_published_values_count(project: Path) -> None:
    before = load_study(top=project)
    with (project / "paper/published.csv").open("a") as file:
        file.write("\n")
    assert changed(before, load_study(top=project)) == set(SUMMARIES)


@pytest.mark.parametrize(
    ("module", "commands"),
    [
        ("inference_gaps.replication.commands.plot_training", {"plot-training", "write-report"}),
        ("inference_gaps.replication.commands.write_report", {"write-report"}),
        (
            "inference_gaps.replication.commands.make_table",
            {"make-table", "plot-schematic", "plot-gaps", "write-report"},
        ),
    ],
)
def test_code_counts_where_it_is_used(
    project: Path, monkeypatch: pytest.MonkeyPatch, module: str, commands: set[str]
) -> None:
    before = load_study(top=project)
    digest = code.code_digest
    monkeypatch.setattr(code, "code_digest", lambda name: ("edited" if name == module else "") + digest(name))
    assert changed(before, load_study(top=project)) == commands


def test_embedded_data_are_read_from_the_project(project: Path) -> None:
    source = load_study({"data_folder": str(project)}, project).sources["digits"]
    assert source.files == (project / "data/embedded/digits/digits.gz",)
    assert not source.download


def test_data_without_a_folder_are_downloaded(project: Path) -> None:
    edit_yaml(project / PRESET, ("datasets.mnist.copy", "digits-online"))
    source = load_study(top=project).sources["digits-online"]
    assert source.download
    assert source.folder == Path("data/downloads/digits")


def test_a_data_folder_is_used_as_named(project: Path) -> None:
    edit_yaml(project / PRESET, ("datasets.mnist.copy", "digits-online"))
    (project / "mine/digits").mkdir(parents=True)
    (project / "mine/digits/digits").write_bytes(b"")
    source = load_study({"data_folder": str(project / "mine")}, project).sources["digits-online"]
    assert source.files == (project / "mine/digits/digits",)


@pytest.mark.parametrize("there", [False, True])
def test_missing_data_are_a_sentence(project: Path, there: bool) -> None:
    edit_yaml(project / PRESET, ("datasets.mnist.copy", "digits-online"))
    folder = project / "mine/digits"
    folder.parent.mkdir()
    if there:
        folder.mkdir()
    with pytest.raises(UserError) as caught:
        load_study({"data_folder": str(project / "mine")}, project)
    remedy = "name the folder that holds it (data_folder in config/config.yaml, or make DATA=...)."
    problem = (
        f"{folder} holds no digits.gz of digits-online"
        if there
        else f"the folder {folder} of digits-online does not exist"
    )
    assert str(caught.value) == f"the data cannot be found; nothing was started.\n  {problem}; {remedy}"


def test_a_data_folder_that_is_none_is_a_sentence_wherever_it_is_given(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Although all data of this study lie in the project, and all that is made from them may be there."""
    said = "the data cannot be found; nothing was started.\n  data_folder is /nowhere, which is no folder; name the"
    monkeypatch.chdir(project)
    made_by = {"command": "make-table", "fingerprint": "0", "spec": {}}
    write_values("results/tiny/gaps.csv", pd.DataFrame({"a": [1]}), made_by)
    for command in (
        "check",
        "check-config",
        "plan-cost",
        "explain results/tiny/gaps.csv",
        "write-manifest --output x",
    ):
        assert main([*command.split(), "--data-folder", "/nowhere"]) == 1
        assert said in capsys.readouterr().err, command
    edit_yaml(project / "config/config.yaml", ("data_folder", "/nowhere"))
    with pytest.raises(UserError, match=said):
        load_study()
    # Results can be looked at where the data are not.
    assert load_study(find_data=False).jobs


def test_data_that_nobody_serves_are_a_sentence(project: Path) -> None:
    edit_yaml(project / PRESET, ("datasets.mnist.copy", "digits-online"))
    edit_yaml(project / "config/datasets.yaml", ("datasets.digits-online.sources", []))
    with pytest.raises(
        UserError, match="digits-online has no address to download it from; set data_folder in"
    ):
        load_study(top=project)


def test_a_folder_of_images_is_read_once_for_a_plan(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []
    found = lambda dataset, folder: read.append(folder) or {"images": "0"}  # noqa: E731
    monkeypatch.setattr("inference_gaps.replication.study.raw_sources.unpinned_digests", found)
    load_study(None, project)
    assert len(read) == len(set(read)) > 0


def test_folders_of_other_tools_are_found(project: Path) -> None:
    edit_yaml(project / "config/presets/tiny.yaml", ("datasets.mnist.copy", "digits-online"))
    (project / "mine/DIGITS").mkdir(parents=True)
    (project / "mine/DIGITS/digits.gz").write_bytes(b"")
    study = load_study({"data_folder": str(project / "mine")}, project)
    assert study.sources["digits-online"].folder == project / "mine/DIGITS"


def test_an_experiment_does_not_take_the_name_of_another_output(project: Path) -> None:
    again = {"title": "Again", "models": ["digits-ffg"], "splits": ["train"], "local": ["ffg"]}
    edit_yaml(project / "config/experiments.yaml", ("experiments.claims", again))
    with pytest.raises(
        UserError, match=r"claims\.csv would be made by make-table and by judge-claims; give the"
    ):
        load_study(None, project)
