"""Validate the configuration and say what a run would do.

Reads config/config.yaml, every preset, config/experiments.yaml and config/datasets.yaml, and lists each problem
with its file and key. Without a problem it says how many jobs the chosen preset has, and from where its data come.
Starts nothing, writes nothing.

  inference-gaps check-config --preset laptop --data-folder ../data
"""

import argparse
from collections import Counter
from pathlib import Path
from typing import Any

from inference_gaps.errors import UserError
from inference_gaps.replication.config.loading import load_configuration, preset_names
from inference_gaps.replication.study.flags import add_study_flags, given_keys
from inference_gaps.replication.study.plan import Study, load_study

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of ``check-config``."""
    add_study_flags(parser)
    parser.add_argument("--top", type=Path, default=Path(), help="top folder of the project (default: here)")


def run(options: argparse.Namespace) -> None:
    """Validate and report; see the module."""
    overrides = given_keys(options)
    if not (options.top / "config" / "config.yaml").is_file():
        raise UserError(
            f"{options.top.absolute()} has no config/config.yaml; go to the top folder of the project, or "
            f"name it with --top."
        )
    study = load_study(overrides, options.top)
    _check_other_presets(study, overrides, options.top)
    print(_summary(study))


def _check_other_presets(study: Study, overrides: dict[str, Any], top: Path) -> None:
    for preset in preset_names(top):
        if preset != study.layout.preset:
            load_configuration(top, {**overrides, "preset": preset})


def _summary(study: Study) -> str:
    preset = study.configuration.preset
    counts = Counter(job.stage for job in study.jobs)
    lines = [
        f"The configuration is valid. Preset {study.layout.preset}: {preset.description}.",
        f"  experiments  {', '.join(study.configuration.chosen_experiments)}",
        f"  jobs         {', '.join(f'{n} {stage}' for stage, n in counts.items())}",
    ]
    for name, source in study.sources.items():
        verb = "downloaded to" if source.download else "read from"
        lines.append(f"  data         {name}, {verb} {source.folder}")
    for notebook, artifact in study.left_out.items():
        lines.append(f"  left out     {notebook}, which reads {artifact}: no job makes it")
    lines.append(f"  results      {study.layout.results}, {study.report.outputs['output']}")
    return "\n".join(lines)
