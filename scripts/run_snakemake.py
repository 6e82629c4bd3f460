"""Run Snakemake in this folder: one run at a time, and without unlocking by hand after one that was killed.

    python scripts/run_snakemake.py [--preset P] [--data-folder D] [--copies C] [--fresh yes|no]
                                    [--cores N] [--cluster PROFILE] [--page] ARGUMENTS OF SNAKEMAKE

The first flags stand for keys of config/config.yaml, as they do for the commands of inference-gaps. --fresh makes
all anew, published values included. --cluster runs the jobs on a cluster, as a folder of workflow/profiles or one
of your own says; --cores is then how many are in its queue at once. --page has Snakemake write its own report on
the run, one page to browse.
"""

import signal

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    # Until jobs run, as the Snakefile has it, Ctrl-C ends this at once and without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import argparse
import getpass
import importlib.util
import json
import os
import re
import shutil
import sys
import unicodedata
from pathlib import Path
from typing import Any

import yaml

from inference_gaps.errors import UserError
from inference_gaps.replication.jobs.run_lock import hold_run, running
from inference_gaps.replication.study.flags import add_study_flags, given_keys
from inference_gaps.replication.warm.start import start_server

__all__ = ["give_a_home", "main", "snakemake_arguments"]

_STATE = Path(".snakemake")
_PROFILES = Path("workflow/profiles")


def snakemake_arguments(arguments: list[str]) -> list[str]:
    """Return the arguments of Snakemake.

    Raises:
        UserError: they are not valid.
    """
    parser = argparse.ArgumentParser(
        prog="snakemake", allow_abbrev=False, usage="see scripts/run_snakemake.py"
    )
    add_study_flags(parser)
    parser.add_argument("--cores", default="all")
    parser.add_argument("--cluster")
    parser.add_argument("--page", action="store_true")
    parser.add_argument("--fresh", default="no")
    options, words = parser.parse_known_args(arguments)
    given = given_keys(options)
    if not re.fullmatch("all|[1-9][0-9]*", options.cores):
        raise UserError(f"CORES is {options.cores!r}; write how many jobs may run at once, or all.")
    if options.fresh not in ("yes", "no"):
        raise UserError(f"FRESH is {options.fresh!r}; write yes to make all anew, or leave it out.")
    if options.cluster is None:
        words = ["--cores", options.cores, *words]
    else:
        words = [*_on_cluster(options.cluster, options.cores, given), *words]
    if options.page:
        words += ["--report", _page(given)]
    if os.environ.get("SNAKEMAKE_OUTPUT_CACHE"):
        words.append("--cache")
    # JSON is YAML. Snakemake takes quotes at the ends away, and reads what is left as a number where it can: so
    # spaces stand at the ends.
    keys = [f"{key}= {json.dumps(value, ensure_ascii=False, default=str)} " for key, value in given.items()]
    keys += ["fresh=yes"] if options.fresh == "yes" else []
    words += ["--config", *keys] if keys else []
    # Bytes that are no text, and what YAML does not allow.
    if any(unicodedata.category(character) in ("Cc", "Cs") for word in words for character in word):
        raise UserError(
            "a value holds bytes that are not text in UTF-8, or control characters; write another."
        )
    return words


def _on_cluster(name: str, jobs: str, given: dict[str, Any]) -> list[str]:
    """Return the arguments that have jobs run on a cluster.

    Raises:
        UserError: there is no such profile, or what it needs is not here.
    """
    from inference_gaps.replication.config.loading import load_configuration

    profile = _profile(name)
    try:
        executor = yaml.safe_load(profile.read_text(encoding="utf-8"))["executor"]
    except (OSError, ValueError, yaml.YAMLError, KeyError, TypeError) as error:
        raise UserError(
            f"{profile} does not say on what jobs run; write `executor: slurm` in it, as "
            f"{_PROFILES / 'slurm' / 'profile.yaml'} does."
        ) from error
    if importlib.util.find_spec(f"snakemake_executor_plugin_{str(executor).replace('-', '_')}") is None:
        remedy = (
            "run .venv/bin/pip install --editable '.[slurm]'"
            if executor == "slurm"
            else f"install snakemake-executor-plugin-{executor}"
        )
        raise UserError(f"Snakemake has no plugin for executor {executor} of {profile}; {remedy}.")
    if executor == "slurm" and not (shutil.which("sbatch") and shutil.which("squeue")):
        raise UserError("sbatch and squeue are not here; log in where jobs are submitted from.")
    # To Snakemake, cores are what a job may ask for, and a group of jobs that run in turn as one.
    threads = load_configuration(Path(), given).settings.threads
    words = ["--workflow-profile", str(profile.parent), "--cores", str(threads)]
    return words if jobs == "all" else [*words, "--jobs", jobs]


def _profile(name: str) -> Path:
    """Return the file of a profile; Snakemake itself says nothing where there is none."""
    for folder in (_PROFILES / name, Path(name)):
        for file in (folder / "profile.yaml", folder / "config.yaml"):
            if file.is_file():
                return file
    there = sorted({file.parent.name for file in _PROFILES.glob("*/profile.yaml")} - {"default"})
    raise UserError(
        f"PROFILE is {name!r}; write a folder of {_PROFILES} ({', '.join(there)}), or the path of one that holds a "
        f"profile.yaml."
    )


def _page(given: dict[str, Any]) -> str:
    """Return the path of the page; what reads the configuration takes a third of a second to import."""
    from inference_gaps.replication.artifacts.layout import Layout
    from inference_gaps.replication.config.loading import chosen_preset

    return str(Layout(chosen_preset(Path(), given)).page)


def give_a_home() -> None:
    """Let Snakemake and its jobs keep caches below its folder where the user has no home, as in a container."""
    # Without HOME and without an entry of the user, ~ stays what it is.
    home = os.path.expanduser("~")
    if not (os.path.isabs(home) and os.access(home, os.W_OK | os.X_OK)):
        (_STATE / "home").mkdir(exist_ok=True)
        os.environ["HOME"] = str((_STATE / "home").resolve())
    try:
        getpass.getuser()
    except (KeyError, OSError):
        os.environ["LOGNAME"] = str(os.getuid())


def _hold() -> None:
    try:
        free = hold_run(_STATE)
    except OSError as error:
        raise UserError(
            f"{_STATE.resolve()} cannot be locked ({error.strerror}); make this folder writable."
        ) from error
    if not free:
        raise UserError(
            f"another run is going on in this folder ({running(_STATE)}); wait until it has ended, or stop it. "
            f"Nothing was started."
        )


def main(arguments: list[str]) -> int:
    """Run Snakemake with ``arguments`` in this process, and return the exit status."""
    try:
        words = snakemake_arguments(arguments)
        _hold()
    except UserError as error:
        print(f"snakemake: {error}", file=sys.stderr)
        return 1
    give_a_home()
    # The jobs of a cluster are not forked from a process here.
    if "--report" not in words and "--workflow-profile" not in words:
        start_server(_STATE / "warm.log")
    return _snakemake(words)


def _snakemake(words: list[str]) -> int:
    # Takes seconds.
    from snakemake.cli import main as run

    sys.argv[:] = ["snakemake", *words]
    run(words)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
