"""Processes killed at random moments: training, local optimisation and AIS end in the same bytes."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from inference_gaps.replication.cli import main
from tests.faults.killing import Killer, Task, summary

TRAIN = {
    "architecture": {"kind": "mlp", "latent_dim": 4, "encoder_hidden": [40], "decoder_hidden": [40]},
    "posterior": {"family": "af", "flow_hidden": 10},
    "epochs": 16,
    "learning_rate": 0.005,
    "schedule": "geometric",
    "warm_up_epochs": 5,
    "shuffle": True,
    "validation_points": 100,
    "checkpoints": [3, 11],
}
LOCAL = {"points": 8, "steps": 200, "samples": 4, "max_cycles": 3, "tolerance": 1e-9, "restarts": 2}
FLOW = {"family": "af", "flow_hidden": 10, "points": 8, "steps": 150, "samples": 4, "max_cycles": 2,
        "learning_rate": 0.005}  # fmt: skip
AIS = {"points": 96, "chains": 32, "distributions": 100, "leapfrog_steps": 4}


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> list[Task]:
    """Training, AIS and both local optimisations on small real digits; the training has run undisturbed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    data = str(folder / "data.safetensors")
    source = ["--dataset", "mnist-small", "--folder", "data/embedded/mnist-small"]
    assert main(["prepare-data", *source, "--binarisation", "static", "--output", data]) == 0
    train = Task(
        ["train", "--spec", json.dumps(TRAIN), "--data", data],
        {"--output": "model.safetensors", "--metrics": "metrics.csv"},
        clock=("images_per_second", "seconds"),
    )
    common = ["--data", data, "--model", str(folder / "train/model.safetensors")]
    local = Task(
        ["optimise-local", "--spec", json.dumps(LOCAL), *common],
        {"--output": "local-ffg.safetensors", "--residuals": "local-ffg.csv"},
    )
    flow = Task(
        ["optimise-local", "--spec", json.dumps(FLOW), *common],
        {"--output": "local-af.safetensors", "--residuals": "local-af.csv"},
    )
    ais = Task(["evaluate-ais", "--spec", json.dumps(AIS), *common], {"--output": "ais.csv"})
    train.learn(folder / "train")
    return [train, ais, local, flow]


def learn(tasks: list[Task], folder: Path) -> None:
    for number, task in enumerate(tasks):
        task.learn(folder / f"undisturbed-{number}")


def test_a_few_random_kills(tasks: list[Task], tmp_path: Path) -> None:
    killer, some = Killer(0, tmp_path), tasks[:3]
    learn(some[1:], tmp_path)
    for task in some:
        killer.run_chain(task, 2)
    print(summary(killer))
    assert killer.hits.total() >= 4


@pytest.mark.faults
def test_fifty_random_kills(tasks: list[Task], tmp_path: Path) -> None:
    learn(tasks[1:], tmp_path)
    killers = [Killer(1, tmp_path), Killer(2, tmp_path)]
    orders = [tasks, tasks[::-1]]
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda killer, order: killer.run_chains(order, 25), killers, orders))
    print("\n" + summary(*killers))
    assert sum(killer.hits.total() for killer in killers) == 50
