"""Adding a stage, to a copy of the project: an entry in the table, a module, a rule, for a job of the plan."""

import os
import subprocess
import sys
from pathlib import Path

from inference_gaps.replication.artifacts.files import read_provenance
from tests.small_project import ROOT
from tests.snakemake_runs import snakemake

PACKAGE = "src/inference_gaps/replication"
_ENTRY = """
    Stage("count-ones", "count the pixels that are set", "samples.SamplesSpec",
          (_DATA,), _VALUES, keys="split, points", lower="lower points", work="samples", made="counted"),
)  # fmt: skip
"""
_MODULE = '''"""Count the pixels that are set."""


def run(options):
    pass
'''
_RULE = """

ONES = LAYOUT.results / "ones.csv"


rule count_ones:
    input:
        reads(ONES),
    output:
        ONES,
    params:
        **flags(ONES),
    log:
        log_of("count_ones", "ones"),
    shell:
        "inference-gaps count-ones {params.job} {params.files} > {log:q} 2>&1"
"""
_JOB = """
    from inference_gaps.replication.specs.models import SamplesSpec

    data = next(iter(jobs.of("prepare-data"))).outputs["output"]
    jobs.add("count-ones", SamplesSpec(), {"data": data}, {"output": layout.results / "ones.csv"})
    return Study("""


def _edit(path: Path, before: str, after: str) -> None:
    assert path.read_text().count(before) == 1
    path.write_text(path.read_text().replace(before, after))


def test_a_stage_takes_an_entry_a_module_and_a_rule(project: Path) -> None:
    table, plan = project / PACKAGE / "stages.py", project / PACKAGE / "study/plan.py"
    _edit(plan, "\n    return Study(", _JOB)
    failed = snakemake(project, "--dry-run", "results/tiny/ones.csv")
    assert "the table of stages has no stage count-ones with the outputs output" in failed.stdout

    _edit(table, "\n)  # fmt: skip\n", _ENTRY)
    failed = snakemake(project, "--dry-run", "results/tiny/ones.csv")
    assert "workflow/rules has no rule for count-ones" in failed.stderr

    rules = project / "workflow/rules/models.smk"
    rules.write_text(rules.read_text() + _RULE)
    (project / PACKAGE / "commands/count_ones.py").write_text(_MODULE)
    done = snakemake(project, "--cores", "1", "results/tiny/ones.csv")
    assert done.returncode == 0, done.stderr
    assert (project / "ran.txt").read_text().split() == ["prepare-data", "count-ones"]
    assert read_provenance(project / "results/tiny/ones.csv")["command"] == "count-ones"
    assert (project / "results/tiny/logs/count_ones/ones.log").is_file()

    # The command line knows it as well; here it is a stub in the copy.
    (project / PACKAGE / "cli.py").write_text((ROOT / PACKAGE / "cli.py").read_text())
    page = subprocess.run(
        [sys.executable, "-m", "inference_gaps", "count-ones", "--help"],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(project / "src")},
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout
    assert "Count the pixels that are set." in page
    assert "--data DATA" in page
    assert "--output OUTPUT" in page
