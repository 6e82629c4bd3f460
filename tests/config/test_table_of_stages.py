"""The table of stages: each entry has its module, its specification and its rule."""

import ast
import re
import subprocess
import sys

import pytest

from inference_gaps.replication.stages import STAGES, Stage
from tests.small_project import ROOT

_RULES = "".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
# Help pages and wrong usage of every subcommand, by one process.
_ASK = """
import contextlib, io, sys
from inference_gaps.replication.cli import main
from inference_gaps.replication.stages import COMMANDS, STAGES

def status(arguments):
    with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.redirect_stderr(said):
        try:
            return main(arguments)
        except SystemExit as stop:
            return stop.code

assert status(["--help"]) == status(["--version"]) == 0
for stage in STAGES:
    assert status([stage, "--help"]) == 0, stage
    assert status([stage]) == 2, stage
print(*{"torch", "numpy", "pandas", "pydantic"} & set(sys.modules))
assert status(["train", "--data", "x", "--output", "/dev", "--metrics", "y"]) == 1
print(*{"torch", "numpy", "pandas"} & set(sys.modules))
for command in COMMANDS:
    assert status([command, "--help"]) == 0, command
"""


def missing(stage: Stage) -> list[str]:
    """Name what a stage lacks."""
    found = []
    module = ROOT / f"src/inference_gaps/replication/commands/{stage.rule}.py"
    tree = ast.parse(module.read_text() if module.is_file() else "")
    if not any(isinstance(node, ast.FunctionDef) and node.name == "run" for node in tree.body):
        found.append(f"run() in commands/{stage.rule}.py")
    if not ast.get_docstring(tree):
        found.append(f"a help page, the docstring of commands/{stage.rule}.py")
    rule = re.search(rf"^rule {stage.rule}:\n(.*?)(?=^rule |\Z)", _RULES, re.MULTILINE | re.DOTALL)
    if rule is None:
        return [*found, f"rule {stage.rule} in workflow/rules"]
    if f'"inference-gaps {stage.name} ' not in rule[1]:
        found.append(f"inference-gaps {stage.name} in the shell line of rule {stage.rule}")
    if f'log_of("{stage.rule}", ' not in rule[1]:
        found.append(f"results/PRESET/logs/{stage.rule} as the log of rule {stage.rule}")
    return found


@pytest.mark.parametrize("name", STAGES)
def test_each_stage_is_an_entry_a_module_and_a_rule(name: str) -> None:
    stage = STAGES[name]
    assert missing(stage) == []
    assert set(stage.keys.split(", ")) - {""} <= set(stage.spec.model_fields)


def test_what_a_new_stage_lacks_is_named() -> None:
    assert missing(Stage("count-pixels", "count", "train.TrainSpec", (), ())) == [
        "run() in commands/count_pixels.py",
        "a help page, the docstring of commands/count_pixels.py",
        "rule count_pixels in workflow/rules",
    ]


def test_help_pages_and_wrong_usage_wait_for_no_library() -> None:
    done = subprocess.run([sys.executable, "-c", _ASK], capture_output=True, text=True, timeout=120)
    assert (done.stdout.split(), done.returncode) == ([], 0), done.stderr
