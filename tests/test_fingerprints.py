"""Fingerprints change exactly with what decides a result."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from inference_gaps.replication.artifacts import fingerprints

SOURCE = Path(fingerprints.__file__).parents[2]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the package that a test may edit."""
    copy = tmp_path / "inference_gaps"
    shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(fingerprints, "_ROOT", copy)
    yield copy
    forget()


def forget() -> None:
    fingerprints.code_digest.cache_clear()
    fingerprints._parsed.cache_clear()


COMMANDS = [
    "prepare-data",
    "train",
    "optimise-local",
    "evaluate-iwae",
    "evaluate-ais",
    "make-table",
    "plot-gaps",
]


def changed_by(edit: Callable[[], object]) -> set[str]:
    """Return the commands whose fingerprints an edit changes."""
    forget()
    before = {command: fingerprints.fingerprint(command, {}, {}) for command in COMMANDS}
    edit()
    forget()
    return {command for command in COMMANDS if fingerprints.fingerprint(command, {}, {}) != before[command]}


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_comments_docstrings_and_formatting_do_not_count(package: Path) -> None:
    def edit() -> None:
        path = package / "bounds" / "ais.py"
        replace(
            path, '"""Annealed importance sampling', '"""Some other words on annealed importance sampling'
        )
        replace(path, "import torch\n", "# A remark.\nimport torch\n\n\n")
        replace(path, "potential, shape, spec, rng", "potential,shape,  spec,\n        rng")

    assert changed_by(edit) == set()


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        ("bounds/hmc.py", "_DIVERGENCE = 1000.0", "_DIVERGENCE = 999.0", {"evaluate-ais"}),
        ("replication/figures/gaps.py", "__all__", "UNUSED = 1\n__all__", {"plot-gaps"}),
        ("training/schedules.py", "_STAGES = 8", "_STAGES = 7", {"train"}),
        ("bounds/importance.py", "log_w.std(1)", "log_w.std(0)", {"evaluate-iwae", "evaluate-ais"}),
        ("bounds/local.py", "_NARROW = 0.2", "_NARROW = 0.3", {"optimise-local"}),
        # Imported where the registry is asked for it, and by whoever names a family.
        ("posteriors/coupling.py", "START_LOGIT = 3.0", "START_LOGIT = 4.0", set(COMMANDS) - {"prepare-data"}),
    ],
)  # fmt: skip
def test_an_edit_counts_for_the_commands_that_reach_it(
    file: str, old: str, new: str, expected: set[str], package: Path
) -> None:
    assert changed_by(lambda: replace(package / file, old, new)) == expected


@pytest.mark.parametrize("name", fingerprints.WITHOUT_INFLUENCE)
def test_an_edit_of_what_has_no_influence_costs_nothing(name: str, package: Path) -> None:
    """It is there, commands do import such modules, and none of them counts."""
    place = package / name.replace(".", "/")
    files = [place.with_suffix(".py")] if place.with_suffix(".py").is_file() else [*place.glob("*.py")]
    assert files

    def edit() -> None:
        for file in files:
            file.write_text(file.read_text() + "\nEDITED = 1\n")

    assert changed_by(edit) == set()


def test_a_loop_imports_what_has_no_influence_and_counts_itself(package: Path) -> None:
    loop = package / "training/loop.py"
    assert "inference_gaps.numerics.checkpoint" in loop.read_text()
    assert changed_by(lambda: loop.write_text(loop.read_text() + "\nEDITED = 1\n")) == {"train"}


def test_names_of_keys_count_and_their_order_does_not() -> None:
    def of(spec: dict[str, float], inputs: dict[str, str] | None = None) -> str:
        return fingerprints.fingerprint("train", spec, inputs or {})

    assert of({"learning_rate": 0.1, "epsilon": 0.2}) == of({"epsilon": 0.2, "learning_rate": 0.1})
    assert of({"learning_rate": 0.1, "epsilon": 0.2}) != of({"learning_rate": 0.2, "epsilon": 0.1})
    assert of({}, {"data": "a", "model": "b"}) != of({}, {"data": "b", "model": "a"})


def test_a_release_counts_and_a_build_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    def with_torch(version: str) -> str:
        fingerprints.package_versions.cache_clear()
        monkeypatch.setattr(
            fingerprints.importlib.metadata, "version", lambda name: version if name == "torch" else "1"
        )
        return fingerprints.fingerprint("train", {}, {})

    try:
        assert with_torch("2.13.0+cpu") == with_torch("2.13.0") != with_torch("2.14.0")
    finally:
        monkeypatch.undo()
        fingerprints.package_versions.cache_clear()
