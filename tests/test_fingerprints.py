"""Fingerprints change exactly with what decides a result."""

import csv
import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from inference_gaps.replication.artifacts import code
from inference_gaps.replication.artifacts.code import code_of, families_named, package_versions
from inference_gaps.replication.artifacts.fingerprints import fingerprint, fingerprint_of, make_provenance
from inference_gaps.specs.families import FAMILIES
from tests.code_copies import CodeCopy

STAGES = [
    "prepare-data",
    "train",
    "optimise-local",
    "evaluate-iwae",
    "evaluate-ais",
    "make-table",
    "plot-gaps",
]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CodeCopy:
    """A copy of the package that a test may edit."""
    return CodeCopy(tmp_path, monkeypatch)


def changed_by(edit: Callable[[], object]) -> set[str]:
    """Return the stages, and the families, whose code an edit changes."""
    names = tuple(FAMILIES)
    before = {command: code_of(command, names) for command in STAGES}
    edit()
    after = {command: code_of(command, names) for command in STAGES}
    return {
        part for command in STAGES for part in after[command] if after[command][part] != before[command][part]
    }


def test_comments_docstrings_and_formatting_do_not_count(package: CodeCopy) -> None:
    def edit() -> None:
        file = "bounds/ais.py"
        package.replace(file, '"""Annealed importance sampling', '"""Some other words on annealed importance')
        package.replace(file, "import torch\n", "# A remark.\nimport torch\n\n\n")
        package.replace(file, "spec, rng", "spec,\n        rng")

    assert changed_by(edit) == set()


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        ("bounds/hmc.py", "_DIVERGENCE = 1000.0", "_DIVERGENCE = 999.0", {"evaluate-ais"}),
        ("replication/figures/gaps.py", "__all__", "UNUSED = 1\n__all__", {"plot-gaps"}),
        ("training/schedules.py", "_STAGES = 8", "_STAGES = 7", {"train"}),
        ("bounds/importance.py", "log_w.std(1)", "log_w.std(0)", {"evaluate-iwae", "evaluate-ais"}),
        ("bounds/starts.py", "_NARROW = 0.2", "_NARROW = 0.3", {"optimise-local"}),
        (
            "posteriors/coupling.py",
            "START_LOGIT = 3.0",
            "START_LOGIT = 4.0",
            {"family coupling", "family af", "family hamiltonian"},
        ),
        ("posteriors/hamiltonian_flow.py", "_NO_STEP = 1e-8", "_NO_STEP = 1e-9", {"family hamiltonian"}),
    ],
)  # fmt: skip
def test_an_edit_counts_for_what_reaches_it(
    file: str, old: str, new: str, expected: set[str], package: CodeCopy
) -> None:
    assert changed_by(lambda: package.replace(file, old, new)) == expected


@pytest.mark.parametrize(
    "file",
    [
        "errors.py",
        "numerics/checkpoint.py",
        "replication/artifacts/files.py",
        "replication/config/checks.py",
        "replication/jobs/job.py",
        "replication/study/plan.py",
        "replication/warm/server.py",
        "specs/train.py",
    ],
)
def test_an_edit_of_what_decides_no_result_costs_nothing(file: str, package: CodeCopy) -> None:
    assert changed_by(lambda: package.append(file, "EDITED = 1")) == set()


def test_what_python_runs_on_the_way_to_a_module_counts(package: CodeCopy) -> None:
    edited = changed_by(lambda: package.append("bounds/__init__.py", "EDITED = 1"))
    assert edited == {"optimise-local", "evaluate-iwae", "evaluate-ais"}


def test_the_families_of_a_job_are_those_of_its_specification_and_of_what_it_reads() -> None:
    assert families_named({"architecture": {}, "posterior": {"family": "af"}}) == ("af",)
    assert families_named({"rows": [{"trained_with": "coupling", "local": ["ffg", "af"]}]}) == (
        "ffg",
        "coupling",
        "af",
    )
    trained = code_of("train", ("af",))
    assert families_named({"points": 3}, [trained, {"prepare-data": "0"}]) == ("af",)
    evaluated = code_of("evaluate-iwae", ("ffg", "af"))
    table = code_of("make-table", families_named({}, [evaluated]))
    assert families_named({}, [table]) == ("ffg", "af")


def test_labels_count_where_they_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    before = {command: code_of(command, ("ffg", "af")) for command in STAGES}
    of_another = code_of("make-table", ("ffg",))
    monkeypatch.setitem(FAMILIES, "af", dataclasses.replace(FAMILIES["af"], label="Aux"))
    after = {command: code_of(command, ("ffg", "af")) for command in STAGES}
    assert {name for name in STAGES if after[name] != before[name]} == {"make-table", "plot-gaps"}
    assert code_of("make-table", ("ffg",)) == of_another


def test_names_of_keys_count_and_their_order_does_not() -> None:
    def of(spec: dict[str, float], inputs: dict[str, str] | None = None) -> str:
        return fingerprint("train", spec, inputs or {}, {"train": "0"})

    assert of({"learning_rate": 0.1, "epsilon": 0.2}) == of({"epsilon": 0.2, "learning_rate": 0.1})
    assert of({"learning_rate": 0.1, "epsilon": 0.2}) != of({"learning_rate": 0.2, "epsilon": 0.1})
    assert of({}, {"data": "a", "model": "b"}) != of({}, {"data": "b", "model": "a"})


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A ledger of a test's own."""
    path = tmp_path / "ledger.csv"
    path.write_text("part,digest,stands_for,evidence\n")
    monkeypatch.setattr(code, "LEDGER", path)
    code._ledger.cache_clear()
    yield path
    code._ledger.cache_clear()


def test_code_has_the_fingerprint_of_what_it_stands_for(package: CodeCopy, ledger: Path) -> None:
    before = make_provenance("train", {}, {})
    package.append("training/loop.py", "EDITED = 1")
    edited = make_provenance("train", {}, {})
    assert edited["fingerprint"] != before["fingerprint"]
    assert edited["code"] == edited["exact_code"] == code_of("train", ())
    with ledger.open("a") as file:
        file.write(f"train,{edited['code']['train']},{before['code']['train']},a test\n")
        file.write(f"evaluate-ais,{edited['code']['train']},other,the digest of another part\n")
    code._ledger.cache_clear()
    standing = make_provenance("train", {}, {})
    assert standing["fingerprint"] == before["fingerprint"] == fingerprint_of(standing)
    assert standing["exact_code"] == edited["exact_code"]
    # What was made before the ledger had the line still says of itself what it is.
    assert fingerprint_of(edited) == edited["fingerprint"]


def test_the_ledger_names_each_digest_once_and_what_it_stands_for_first() -> None:
    with code.LEDGER.open(newline="") as file:
        lines = list(csv.DictReader(file))
    named = [(line["part"], line["digest"]) for line in lines]
    assert len(set(named)) == len(named)
    assert not set(named) & {(line["part"], line["stands_for"]) for line in lines}
    assert all(line["evidence"] for line in lines)


def test_the_packages_are_those_that_a_stage_computes_with() -> None:
    assert set(package_versions("train")) == {"numpy", "torch"}
    assert set(package_versions("prepare-data")) == {"numpy", "pillow", "torch"}
    assert set(package_versions("make-table")) == {"numpy", "pandas", "scipy", "torch"}
    assert {"matplotlib", "seaborn"} <= set(package_versions("plot-gaps"))


def test_a_release_counts_and_a_build_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    def with_torch(version: str) -> str:
        code._release.cache_clear()
        monkeypatch.setattr(
            code.importlib.metadata, "version", lambda name: version if name == "torch" else "1"
        )
        return fingerprint("train", {}, {}, {})

    try:
        assert with_torch("2.13.0+cpu") == with_torch("2.13.0") != with_torch("2.14.0")
    finally:
        monkeypatch.undo()
        code._release.cache_clear()
