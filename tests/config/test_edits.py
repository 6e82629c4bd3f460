"""Which jobs of the preset laptop an edit makes stale: those that it can change, and what is made from them."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from inference_gaps.replication.artifacts.code import code_of, families_named
from inference_gaps.replication.artifacts.fingerprints import fingerprint
from inference_gaps.replication.study.jobs import Job
from inference_gaps.replication.study.plan import Study, load_study
from tests.code_copies import CodeCopy
from tests.small_project import ROOT

_BOUNDS = ("evaluate-ais", "evaluate-bdmc", "evaluate-convergence")
_DRAWN = (
    "plot-schematic",
    "plot-gaps",
    "plot-training",
    "plot-samples",
    "plot-convergence",
    "plot-posteriors",
)
_PLAN = """
import json
from inference_gaps.replication.study.plan import load_study

study = load_study({"preset": "laptop"}, find_data=False)
print(json.dumps({str(path): job.fingerprint for job in study.jobs for path in job.outputs.values()}))
"""


@pytest.fixture(scope="module")
def study() -> Study:
    """The real study of the published preset."""
    return load_study({"preset": "laptop"}, ROOT, find_data=False)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CodeCopy:
    """A copy of the package that a test may edit."""
    return CodeCopy(tmp_path, monkeypatch)


def sources(job: Job, study: Study) -> dict[str, Job]:
    """Return the jobs that make what a job reads, by role."""
    return {role: study.jobs[path] for role, path in job.inputs.items() if path in study.jobs}


def stale(study: Study) -> list[Job]:
    """Return the jobs that have another fingerprint with the present code."""
    present: dict[str, tuple[str, dict[str, str]]] = {}
    found = []
    for job in study.jobs:
        read = {role: present[source.fingerprint] for role, source in sources(job, study).items()}
        inputs = {**job.read, **job.digests, **{role: made_by for role, (made_by, _) in read.items()}}
        spec = job.spec.as_dict()
        code = code_of(job.stage, families_named(spec, [code for _, code in read.values()]))
        present[job.fingerprint] = fingerprint(job.stage, spec, inputs, code), code
        if present[job.fingerprint][0] != job.fingerprint:
            found.append(job)
    return found


def reached(study: Study, directly: Callable[[Job], bool]) -> list[Job]:
    """Return the jobs that an edit concerns ``directly``, and those that are made from what these make."""
    found: dict[str, Job] = {}
    for job in study.jobs:
        if directly(job) or any(source.fingerprint in found for source in sources(job, study).values()):
            found[job.fingerprint] = job
    return list(found.values())


def of(*commands: str) -> Callable[[Job], bool]:
    """Say whether a job calls one of these commands."""
    return lambda job: job.stage in commands


def with_family(*names: str) -> Callable[[Job], bool]:
    """Say whether a job executes one of these families."""
    return lambda job: any(f"family {name}" in job.code for name in names)


EDITS = [
    ("posteriors/hamiltonian_flow.py", "_NO_STEP = 1e-8", "_NO_STEP = 1e-9", with_family("hamiltonian"), 0),
    ("posteriors/full_gaussian.py", "0.5 * log_variance", "0.6 * log_variance", with_family("full-gaussian"), 0),
    ("posteriors/coupling.py", "START_LOGIT = 3.0", "START_LOGIT = 4.0", with_family("coupling", "af"), 14),
    ("bounds/hmc.py", "_DIVERGENCE = 1000.0", "_DIVERGENCE = 999.0", of(*_BOUNDS), 0),
    ("bounds/starts.py", "_NARROW = 0.2", "_NARROW = 0.3", of("optimise-local"), 0),
    ("training/schedules.py", "_STAGES = 8", "_STAGES = 7", of("train"), 42),
    ("replication/data/pixels.py", "__all__", "EDITED = 1\n__all__", of("prepare-data"), 42),
    ("exact/choice.py", "_LOWEST, ", "_LOW, ", of("evaluate-posteriors"), 0),
    ("replication/figures/style.py", '"warm-up": "#ececec"', '"warm-up": "#eeeeee"', of(*_DRAWN), 0),
    ("replication/report/findings.py", "__all__", "EDITED = 1\n__all__", of("write-report"), 0),
]  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "directly", "trainings"), EDITS)
def test_an_edit_concerns_what_it_can_change(
    file: str,
    old: str,
    new: str,
    directly: Callable[[Job], bool],
    trainings: int,
    study: Study,
    package: CodeCopy,
) -> None:
    package.replace(file, old, new)
    found = stale(study)
    assert found == reached(study, directly)
    assert sum(job.stage == "train" for job in found) == trainings


_FREE = [
    ("bounds/ais.py", "import torch\n", "import torch  # A comment.\n"),
    ("models/vae.py", '"""', '"""A word more. '),
    ("replication/stages.py", "training curves to write", "where to write training curves"),
    ("replication/commands/train.py", "__all__", "EDITED = 1\n__all__"),
    ("replication/storage/prepared_data.py", "__all__", "EDITED = 1\n__all__"),
    ("errors.py", '"out of memory"', '"out-of-memory"'),
    ("specs/base.py", "__all__", "EDITED = 1\n__all__"),
    ("specs/train.py", "if not isinstance(given, dict)", "if not isinstance(given, dict | list)"),
    ("specs/bounds.py", "ge=2", "ge=3"),
    ("numerics/checkpoint.py", "__all__", "EDITED = 1\n__all__"),
    ("replication/artifacts/atomic.py", "Free some space", "Make some space"),
    ("replication/config/checks.py", "needs at least", "takes at least"),
    ("replication/study/plan.py", "__all__", "EDITED = 1\n__all__"),
    ("replication/warm/server.py", "__all__", "EDITED = 1\n__all__"),
    (
        "specs/families.py",
        "\n)\nFAMILIES",
        '\n    FamilyEntry("new", "NF", "new family", "gaussian.FullyFactorisedGaussian"),\n)\nFAMILIES',
    ),
]


def test_what_decides_no_result_may_be_edited_and_a_family_added(study: Study, package: CodeCopy) -> None:
    """By the plan of another process, which has all of these edits."""
    for edit in _FREE:
        package.replace(*edit)
    environment = {**os.environ, "PYTHONPATH": str(package.root.parent)}
    done = subprocess.run(
        [sys.executable, "-c", _PLAN], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    planned = {str(path): job.fingerprint for job in study.jobs for path in job.outputs.values()}
    edited = json.loads(done.stdout)
    assert len(edited) == len(planned) > 654
    assert [path for path in planned if planned[path] != edited.get(path)] == []
