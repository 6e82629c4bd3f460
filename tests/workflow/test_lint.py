"""Snakemake's own linter."""

import re
from pathlib import Path

from tests.snakemake_runs import snakemake


def test_the_linter_only_asks_for_conda(project: Path) -> None:
    output = snakemake(project, "--lint").stderr
    findings = re.findall(r"^    \* (.*):$", output, re.MULTILINE)
    # One environment serves all rules: requirements.lock pins it, and fingerprints hold its versions.
    assert set(findings) == {"Specify a conda environment or container for each rule."}
