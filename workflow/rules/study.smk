# The plan of the study: which jobs there are, and what the targets are made of.

import os
import shlex
import shutil
import sys
from pathlib import Path

from snakemake.utils import min_version

min_version("9.0")

try:
    from inference_gaps.errors import UserError
    from inference_gaps.posteriors.registry import FAMILIES
    from inference_gaps.study.plan import load_study
except ModuleNotFoundError as error:
    sys.exit(f"snakemake: {error}. Run `make`, or .venv/bin/snakemake: it needs the project's environment.")

TOP = Path(os.path.relpath(workflow.basedir))

try:
    STUDY = load_study(config, TOP)
except UserError as error:
    sys.exit(f"snakemake: {error}")

LAYOUT = STUDY.layout
PRESET = LAYOUT.preset
SETTINGS = STUDY.configuration.settings
GPU = int(SETTINGS.device == "cuda" or (SETTINGS.device == "auto" and shutil.which("nvidia-smi") is not None))

# Jobs find `inference-gaps` although nobody has activated the environment that this Snakemake runs in.
shell.prefix(f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH; ")


wildcard_constraints:
    dataset="[a-z0-9-]+",
    binarisation="[a-z0-9]+",
    model="[a-z0-9-]+",
    seed="[0-9]+",
    split="train|validation|test|simulated",
    family="|".join(FAMILIES),
    posterior="|".join(["amortised", *(f"local-{family}" for family in FAMILIES)]),
    start="prior|local-ffg",
    experiment="[a-z0-9-]+",


SELFCHECK = list(STUDY.selfcheck.outputs.values()) if STUDY.selfcheck else []
TABLES = [path for job in STUDY.tables for path in job.outputs.values()]
FIGURES = [path for job in STUDY.figures for path in job.outputs.values()]
