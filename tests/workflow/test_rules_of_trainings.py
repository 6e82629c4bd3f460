"""The rules of the workflow on checkpoints of a training, and on the generator of another one."""

from pathlib import Path

from inference_gaps.replication.artifacts.files import read_provenance
from tests.small_project import edit_yaml
from tests.snakemake_runs import NOTHING, planned, snakemake

PLAN = "src/inference_gaps/replication/study/plan.py"
FOLDER = "results/tiny/models/digits-af/seed-0"
# What nobody asks for in this study: everything that can be made of a checkpoint.
ADDED = """
    from inference_gaps.replication.study.model_jobs import ModelJobs

    taken = ModelJobs(jobs, layout, configuration, sources, "digits-af", 0, epoch=2)
    taken.iwae("train", "af")
    taken.ais("train", "local-ffg")
    taken.bdmc("prior")
    taken.exact("train")
    taken.convergence("train")
    taken.procedures("train")
    taken.samples("validation")
    taken.units("validation")
"""
TARGETS = [
    f"{FOLDER}/epoch-2/{name}"
    for name in (
        "samples.safetensors",
        "simulated/bdmc-prior.csv",
        "train/ais-local-ffg.csv",
        "train/convergence.csv",
        "train/exact.csv",
        "train/iwae-local-af.csv",
        "train/procedures.csv",
        "validation/units.csv",
    )
]


def test_every_rule_of_a_model_works_for_a_checkpoint(project: Path) -> None:
    edit_yaml(project / "config/presets/tiny.yaml", ("checkpoints", [1, 2]), ("convergence.points", 3))
    procedures = {"points": 3, "copies": 2, "window": 2, "max_windows": 2, "samples": 4}
    edit_yaml(project / "config/presets/tiny.yaml", ("procedures", procedures))
    edit_yaml(project / "config/experiments.yaml", ("experiments.gaps.at_checkpoints", True))
    plan, last = project / PLAN, "    return Study("
    assert plan.read_text().count(last) == 1
    plan.write_text(plan.read_text().replace(last, ADDED + last))
    done = snakemake(project, "--cores", "2", *TARGETS)
    assert done.returncode == 0, done.stderr
    ran = (project / "ran.txt").read_text().split()
    assert sorted(ran) == sorted(
        ["prepare-data", "train", "take-checkpoint", "simulate-data", "evaluate-bdmc", "evaluate-samples"]
        + ["optimise-local"] * 2
        + [
            "evaluate-iwae",
            "evaluate-ais",
            "evaluate-exact",
            "evaluate-convergence",
            "evaluate-units",
            "compare-local",
        ]
    )
    weights = read_provenance(project / FOLDER / "model.safetensors")["fingerprint"]
    taken = read_provenance(project / FOLDER / "epoch-2/model.safetensors")
    assert taken["command"] == "take-checkpoint"
    assert taken["inputs"]["model"].partition(":")[0] == weights
    assert (project / "results/tiny/logs/take_checkpoint/digits-af/seed-0/epoch-2.log").is_file()
    assert (project / "results/tiny/logs/evaluate_ais/digits-af/seed-0/epoch-2/train-local-ffg.log").is_file()
    assert NOTHING in snakemake(project, "--cores", "2", *TARGETS).stderr

    # After another training all of it has to be made again.
    edit_yaml(project / "config/experiments.yaml", ("models.digits-af.training.learning_rate", 0.5))
    found = planned(snakemake(project, "--dry-run", *TARGETS).stdout)
    assert found == {rule.replace("-", "_"): ran.count(rule) for rule in ran if rule != "prepare-data"}


def test_a_frozen_generator_is_trained_first(project: Path) -> None:
    weights = f"{FOLDER}/model.safetensors"
    edit_yaml(project / "config/experiments.yaml", ("models.digits-af.generator_of", "digits-ffg"))
    done = snakemake(project, "--cores", "2", weights)
    assert done.returncode == 0, done.stderr
    made_by = read_provenance(project / weights)
    other = read_provenance(project / weights.replace("-af", "-ffg"))
    assert made_by["inputs"]["generator"].partition(":")[0] == other["fingerprint"]
    edit_yaml(project / "config/experiments.yaml", ("models.digits-ffg.training.learning_rate", 0.5))
    assert planned(snakemake(project, "--dry-run", weights).stdout) == {"train": 2}
