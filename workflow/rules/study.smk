# The plan of the study: which jobs there are, and what the targets are made of.

import functools
import os
import shlex
import shutil
import signal
import sys
import time
from pathlib import Path

from snakemake.utils import min_version

min_version("9.0")

try:
    from inference_gaps.errors import UserError
    from inference_gaps.replication.artifacts.layout import at_epoch
    from inference_gaps.replication.artifacts.records import record_file
    from inference_gaps.replication.artifacts.store import Store
    from inference_gaps.replication.jobs.run_lock import begin_run
    from inference_gaps.replication.own_code import code_of_another_folder
    from inference_gaps.replication.jobs.cluster_queue import wait_for_queue
    from inference_gaps.replication.study.command_line import file_flags, rule_flags
    from inference_gaps.replication.stages import STAGES
    from inference_gaps.specs.families import FAMILIES
    from inference_gaps.replication.study.flags import flags_for
    from inference_gaps.replication.study.freshness import joined
    from inference_gaps.replication.study.manifest import described_study, study_identifier
    from inference_gaps.replication.study.needs import needs_of_jobs
    from inference_gaps.replication.study.plan import load_study
    from inference_gaps.replication.study.settling import settle, settle_job, unfinished
    from inference_gaps.replication.study.submitted import PLAN, not_submitted, read_plan, submitted_fingerprint, write_plan
except ModuleNotFoundError as error:
    sys.exit(f"snakemake: {error}. Run `make`, or .venv/bin/snakemake: it needs the project's environment.")

TOP = Path(os.path.relpath(workflow.basedir))

# Snakemake answers a Ctrl-C with a traceback, but for the time when jobs run. Files are moved so that the end of this
# process at any moment loses nothing.
QUIET = signal.getsignal(signal.SIGINT) in (signal.default_int_handler, signal.SIG_DFL)
if QUIET:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def interrupted(number, frame):
    """End the run, without the logs of the jobs that end with it: a job may not even have begun to hear Ctrl-C."""
    for handler in workflow.logger_manager.logger.handlers:
        if handler.formatter is not None:
            handler.formatter.show_failed_logs = False
    raise KeyboardInterrupt


def listen():
    """Let Snakemake hear Ctrl-C, now that there are jobs to end."""
    if QUIET:
        signal.signal(signal.SIGINT, interrupted)


if another := code_of_another_folder(TOP):
    sys.exit(f"snakemake: {another}")

# Jobs on other machines read this file, too; they belong to a run that goes on.
if workflow.is_main_process and begin_run():
    print("The last run was killed; what it was making goes on from where it was.", file=sys.stderr)

# No key of config/config.yaml: whether all is to be made anew, published values included.
ANEW = config.pop("fresh", "no")
if ANEW not in ("yes", "no"):
    sys.exit(f"snakemake: fresh is {ANEW}; write --config fresh=yes to make all anew, or leave it out.")
FRESH = ANEW == "yes"

try:
    STUDY = load_study(config, TOP)
    # What a job on another machine was submitted with.
    SUBMITTED = read_plan(os.environ.get(PLAN)) if workflow.remote_exec else None
except UserError as error:
    sys.exit(f"snakemake: {error}")

LAYOUT = STUDY.layout
IDENTIFIER = study_identifier(STUDY.jobs)
PRESET = LAYOUT.preset
SETTINGS = STUDY.configuration.settings

# Where the user names a folder for it, and gives --cache, trainings are kept there across projects and clean-ups.
CACHED = "omit-software" if os.environ.get("SNAKEMAKE_OUTPUT_CACHE") else False

# Jobs find `inference-gaps` although nobody has activated the environment that this Snakemake runs in. One that outlives
# this Snakemake keeps its state, because the next one will not take its word for it that its output is complete.
shell.prefix(
    f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH INFERENCE_GAPS_RUN_BY={os.getpid()}; "
)


wildcard_constraints:
    dataset="[a-z0-9-]+",
    binarisation="[a-z0-9]+",
    model="[a-z0-9-]+",
    # That of a checkpoint has its epoch behind it.
    seed="[0-9]+(?:/epoch-[0-9]+)?",
    epoch="[0-9]+",
    split="train|validation|test|simulated",
    family="|".join(FAMILIES),
    posterior="|".join(["amortised", *(f"local-{family}" for family in FAMILIES)]),
    start="prior|local-ffg",
    experiment="[a-z0-9-]+",


SELFCHECK = list(STUDY.selfcheck.outputs.values()) if STUDY.selfcheck else []
TABLES = [path for job in STUDY.tables for path in job.outputs.values()]
CLAIMS = list(STUDY.claims.outputs.values()) if STUDY.claims else []
NOTEBOOKS = [path for job in STUDY.notebooks for path in job.outputs.values()]
FIGURES = [path for job in STUDY.figures for path in job.outputs.values()]
# What the manifest describes.
REPORT = list(STUDY.report.outputs.values())
RESULTS = [*SELFCHECK, *TABLES, *CLAIMS, *FIGURES, *NOTEBOOKS, *REPORT]
# What a user asks for by name.
TARGETS = {
    "all": [*RESULTS, LAYOUT.manifest],
    "data": [job.outputs["output"] for job in STUDY.jobs.of("prepare-data")],
    "tables": [*TABLES, *CLAIMS],
    "selfcheck": SELFCHECK,
    "figures": FIGURES,
    "paper": REPORT,
    "notebooks": NOTEBOOKS,
}
