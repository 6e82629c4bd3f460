"""Which artifacts are what the study makes, said without Snakemake; and why a job refuses to run."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from inference_gaps.replication.artifacts.code import package_versions
from inference_gaps.replication.artifacts.files import read_values, write_values
from inference_gaps.replication.artifacts.layout import is_published
from inference_gaps.replication.cli import main
from inference_gaps.replication.study.command_line import command_line
from inference_gaps.replication.study.jobs import Job
from inference_gaps.replication.study.plan import load_study
from tests.small_project import ROOT, edit_yaml

FFG, AF = (f"results/tiny/models/digits-{family}/seed-0" for family in ("ffg", "af"))
PRESET = "config/presets/tiny.yaml"


@pytest.fixture
def here(finished: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A finished study that is the working directory; what planned its jobs was another process."""
    monkeypatch.chdir(finished)
    shutil.rmtree(".snakemake")
    return finished


def check(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, str], str]:
    """Return the exit status of ``check``, its lines by file, and the last sentence."""
    status = main(["check", *arguments])
    said = capsys.readouterr()
    lines = [line.split(maxsplit=2) for line in said.out.splitlines() if not line.startswith("All artifacts")]
    by_file = {file.rstrip(":"): " ".join([kind, *reason]) for kind, file, *reason in lines}
    return status, by_file, said.err or said.out.splitlines()[-1]


def planned(command: str, *names: str) -> list[str]:
    """Return the command line of a job of the study as it is planned now."""
    study = load_study()
    job: Job = next(
        job
        for job in study.jobs.of(command)
        if all(any(name in str(path) for path in job.outputs.values()) for name in names)
    )
    return command_line(job, study)


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(arguments) == 1
    message = capsys.readouterr().err
    assert "Traceback" not in message
    return message


def test_all_that_a_finished_study_made_is_fresh(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, files, summary = check(capsys)
    assert status == 0
    assert set(files.values()) == {"fresh"}
    assert len(files) == sum(len(job.outputs) for job in load_study().jobs)
    assert f"{len(files)} fresh, 0 stale, 0 foreign, 0 unreadable, 0 missing" in summary


def test_each_file_says_why_it_is_not(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit_yaml(here / "config/experiments.yaml", ("models.digits-ffg.training.learning_rate", 0.0005))
    edit_yaml(here / PRESET, ("iwae.samples", 77))
    (here / AF / "model.safetensors").write_bytes(b"nothing")
    shutil.copy(here / FFG / "metrics.csv", here / FFG / "notes.csv")
    (here / FFG / "mine.csv").write_text("a\n1\n")
    shutil.copy(here / AF / "train/ais-prior.csv", here / FFG / "train/ais-prior.csv")
    flipped = bytearray((here / AF / "train/ais-prior.csv").read_bytes())
    flipped[-2] ^= 1
    (here / AF / "train/ais-prior.csv").write_bytes(flipped)
    (here / "figures/tiny/samples.png").unlink()
    status, files, summary = check(capsys, "--all")
    assert status == 1
    stale = "stale was trained with learning_rate 0.001, this study asks 0.0005"
    assert files[f"{FFG}/model.safetensors"] == files[f"{FFG}/metrics.csv"] == stale
    assert files[f"{FFG}/train/local-ffg.csv"] == (
        f"stale was made from {FFG}/model.safetensors, which was trained with learning_rate 0.001, this study asks "
        f"0.0005"
    )
    assert files[f"{AF}/train/iwae-amortised.csv"] == "stale was made with samples 5000, this study asks 77"
    assert files[f"{FFG}/notes.csv"] == f"foreign is a copy of {FFG}/metrics.csv"
    assert files[f"{FFG}/mine.csv"].startswith("foreign : It is not known what made")
    assert files[f"{FFG}/train/ais-prior.csv"] == f"foreign is a copy of {AF}/train/ais-prior.csv"
    assert files[f"{AF}/model.safetensors"].startswith("unreadable")
    assert files[f"{AF}/train/ais-prior.csv"].startswith("unreadable")
    assert "it was altered or damaged" in files[f"{AF}/train/ais-prior.csv"]
    assert files["figures/tiny/samples.png"] == "missing"
    assert "3 foreign, 2 unreadable, 1 missing" in summary


def test_an_artifact_of_another_preset_is_foreign(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(here / PRESET, here / "config/presets/small.yaml")
    edit_yaml(here / PRESET, ("iwae.samples", 77))
    _, files, _ = check(capsys)
    home = "results/small/models/digits-af/seed-0/train/iwae-amortised.csv"
    assert files[f"{AF}/train/iwae-amortised.csv"] == f"foreign is what belongs at {home}"
    shutil.copytree("results/tiny", "results/small")
    assert check(capsys)[1][f"{AF}/train/iwae-amortised.csv"] == f"foreign is a copy of {home}"


def test_reasons_end(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever differs, the reason can be read on a screen."""
    models = [f"models.digits-{name}" for name in ("ffg", "af")]
    for key, value in (
        ("learning_rate", 0.00012345678),
        ("adam_epsilon", 0.0012345678),
        ("batch_size", 13),
    ):
        edit_yaml(here / "config/experiments.yaml", *((f"{model}.training.{key}", value) for model in models))
    edit_yaml(here / PRESET, ("iwae.samples", 77), ("ais.prior.chains", 3), ("points", 9))
    _, files, summary = check(capsys)
    assert "stale" in summary, summary
    stale = {file: said for file, said in files.items() if said.startswith("stale")}
    assert len(stale) > 20
    assert max(map(len, stale.values())) < 600


def test_check_of_another_folder_names_the_top(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("src", "src/inference_gaps/replication", "results/tiny", "config"):
        monkeypatch.chdir(here / folder)
        assert main(["check"]) == 1
        said = f"{here / folder} has no config/config.yaml; go to the top folder of the project, {here}.\n"
        assert capsys.readouterr().err == f"inference-gaps check: {said}"


def test_explain_names_the_raw_file(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "data/embedded/digits/digits.gz").rename(here / "data/embedded/digits/digits")
    assert main(["explain", "results/tiny/data/digits-grey256.safetensors"]) == 0
    assert "  data/embedded/digits/digits  " in capsys.readouterr().out


def test_results_of_another_machine_are_told_apart(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = here / AF / "train/ais-prior.csv"
    frame, made_by = read_values(path)
    write_values(path, frame + 1, made_by)
    _, files, _ = check(capsys)
    assert {file for file, said in files.items() if said != "fresh"} == {
        f"results/tiny/gaps.{suffix}" for suffix in ("csv", "md", "tex")
    } | {
        "results/tiny/claims.csv",
        "results/tiny/claims.md",
        "results/tiny/report.json",
        "paper/replication-tiny.pdf",
    }
    assert files["results/tiny/gaps.csv"] == (
        f"stale was made from other values of {AF}/train/ais-prior.csv than those that are there now"
    )


def test_code_packages_and_data_are_named(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "data/embedded/digits/digits.gz").write_bytes(b"other")
    assert check(capsys)[1]["results/tiny/data/digits-grey256.safetensors"] == (
        "stale was made from other data: digits.gz has changed"
    )
    monkeypatch.setattr(
        "inference_gaps.replication.study.freshness.package_versions",
        lambda command: {"numpy": "2.4.6", "torch": "3.0"},
    )
    monkeypatch.setattr(
        "inference_gaps.replication.study.freshness.standing",
        lambda code: {**code, "evaluate-ais": "other", "family ffg": "other"},
    )
    torch = package_versions("evaluate-ais")["torch"]
    assert check(capsys)[1][f"{FFG}/train/ais-prior.csv"] == (
        f"stale was made with torch {torch}, here is 3.0 and was made by other code of evaluate-ais "
        f"and family ffg"
    )


def test_a_job_refuses_an_input_that_the_study_does_not_make(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit_yaml(here / "config/experiments.yaml", ("models.digits-ffg.training.learning_rate", 0.0005))
    message = refused(planned("plot-training"), capsys)
    assert message == (
        f"inference-gaps plot-training: {FFG}/metrics.csv was trained with learning_rate 0.001, this study asks "
        f"0.0005; run 'make' to bring everything up to date.\n"
    )
    message = refused(planned("make-table", "again"), capsys)
    assert (
        f"{FFG}/train/iwae-amortised.csv was made from {FFG}/model.safetensors, which was trained" in message
    )


def test_a_job_refuses_a_copy_from_elsewhere(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(here / AF / "metrics.csv", here / FFG / "metrics.csv")
    assert f"{FFG}/metrics.csv is not what 'inference-gaps train' wrote" in refused(
        planned("plot-training"), capsys
    )
    # With its record, it is what that says, and not what this study asks for.
    shutil.copy(here / AF / "records/model.safetensors.json", here / FFG / "records")
    message = refused(planned("plot-training"), capsys)
    assert f"{FFG}/metrics.csv was trained with" in message
    assert "posterior.family af" in message


def test_a_job_refuses_when_the_configuration_changed_after_it_was_planned(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = planned("make-table", "again")
    at = arguments.index("--fingerprint") + 1
    message = refused([*arguments[:at], "0" * 16, *arguments[at + 1 :]], capsys)
    assert "the configuration or the code has changed since this run was planned; run 'make'" in message


def test_by_hand_nothing_is_asked_for(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = planned("plot-training")
    monkeypatch.chdir(tmp_path)
    message = refused(arguments, capsys)
    assert "metrics.csv does not exist; run the stage that makes it first." in message


def test_the_manifest_names_every_file_and_job(here: Path) -> None:
    graph = json.loads((here / "results/tiny/ro-crate-metadata.json").read_text())["@graph"]
    entities = {entity["@id"]: entity for entity in graph}
    assert len(entities) == len(graph)
    jobs = list(load_study().jobs)
    root = entities["./"]
    assert entities["ro-crate-metadata.json"]["about"] == {"@id": "./"}
    assert "https://w3id.org/ro/wfrun/provenance/0.5" in [profile["@id"] for profile in root["conformsTo"]]
    actions = [entity for name, entity in entities.items() if name.startswith("#job-")]
    assert {action["identifier"] for action in actions} == {job.fingerprint for job in jobs}
    made = {file["@id"] for action in actions for file in action["result"]}
    assert len(made) == sum(len(job.outputs) for job in jobs)
    assert {file["@id"] for file in root["hasPart"]} >= made
    # What the profile asks of the main workflow.
    workflow = entities[root["mainEntity"]["@id"]]
    assert {"File", "SoftwareSourceCode", "ComputationalWorkflow"} <= set(workflow["@type"])
    assert (here / "results/tiny" / workflow["@id"]).resolve() == (here / "Snakefile").resolve()
    assert {"@id": workflow["@id"]} in root["hasPart"]
    weights = entities["models/digits-ffg/seed-0/model.safetensors"]
    assert weights["contentSize"] == (here / FFG / "model.safetensors").stat().st_size
    assert len(weights["sha256"]) == 64

    def references(value: object) -> Iterator[str]:
        if isinstance(value, dict):
            if set(value) == {"@id"}:
                yield value["@id"]
            for part in value.values():
                yield from references(part)
        elif isinstance(value, list):
            for part in value:
                yield from references(part)

    known = {*entities, "https://w3id.org/ro/crate/1.1"}
    assert set(references(graph)) <= known


@pytest.mark.parametrize(("preset", "weights"), [("laptop", False), ("weekend", True)])
def test_what_is_published_can_be_committed_and_the_rest_cannot(
    here: Path, preset: str, weights: bool
) -> None:
    shutil.copy(ROOT / ".gitignore", here)
    subprocess.run(["git", "init", "-q"], cwd=here, check=True)
    shutil.copytree(here / "results/tiny", here / "results" / preset)
    shutil.copytree(here / "figures/tiny", here / "figures" / preset)
    paths = [path for job in load_study().jobs for path in job.outputs.values() if "paper" not in path.parts]
    moved = {Path(*[preset if part == "tiny" else part for part in path.parts]): path for path in paths}
    said = subprocess.run(
        ["git", "check-ignore", "--stdin"],
        cwd=here, input="\n".join(map(str, [*moved, *paths])), capture_output=True, text=True,
    )  # fmt: skip
    ignored = set(said.stdout.splitlines())
    published = {str(path) for path in moved if is_published(path)}
    published |= {str(path) for path in moved if weights and path.match("seed-*/model.safetensors")}
    assert published & ignored == set()
    assert {str(path) for path in moved} - published <= ignored
    assert {str(path) for path in paths} <= ignored
