"""Compare every artifact on disk with what the present configuration and code make.

Lists each file below results/PRESET and figures/PRESET, and the report, as

  fresh       it is what the study makes
  stale       it is not: which field differs, or which of its inputs
  foreign     no job of this study makes it, or it is a copy of another file
  unreadable  it is truncated or altered, or no record says what made it

and counts what is missing. Every file is read, so a flipped bit is found. Snakemake's records are not needed. Fails
unless every file there is fresh.

  inference-gaps check --preset laptop
"""

import argparse
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from inference_gaps.errors import UserError
from inference_gaps.replication.artifacts.layout import PLACES, Layout
from inference_gaps.replication.artifacts.records import (
    RECORDS,
    check_content,
    file_sha256,
    places_by_content,
)
from inference_gaps.replication.config.loading import preset_names
from inference_gaps.replication.study.flags import add_study_flags, given_keys
from inference_gaps.replication.study.freshness import Artifacts
from inference_gaps.replication.study.plan import Study, load_study

__all__ = ["add_arguments", "run"]

_ARTIFACTS = (".csv", ".html", ".json", ".md", ".pdf", ".png", ".safetensors", ".tex")
_KINDS = ("fresh", "stale", "foreign", "unreadable", "missing")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of ``check``."""
    add_study_flags(parser)
    parser.add_argument("--all", action="store_true", help="list what is missing, too")


def run(options: argparse.Namespace) -> None:
    """Compare and list; see the module."""
    study = load_study(given_keys(options), find_data=False)
    found = _inspect(study)
    for finding in found:
        if finding.kind != "missing" or options.all:
            print(f"{finding.kind:<11} {finding.path}{finding.reason and f' {finding.reason}'}")
    counts = {kind: sum(finding.kind == kind for finding in found) for kind in _KINDS}
    summary = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    if counts["stale"] + counts["foreign"] + counts["unreadable"]:
        raise UserError(
            f"not all artifacts of preset {study.layout.preset} are what the study makes: {summary}. Run 'make' to "
            f"make them again; move away what is foreign."
        )
    print(f"All artifacts of preset {study.layout.preset} are what the study makes: {summary}.")


@dataclass(frozen=True)
class _Finding:
    """A file, what it is to the study, and why: the end of a sentence that begins with the file."""

    path: Path
    kind: Literal["fresh", "stale", "foreign", "unreadable", "missing"]
    reason: str = ""


def _inspect(study: Study) -> list[_Finding]:
    """Read every artifact of a study's preset, and compare it with the plan."""
    artifacts, elsewhere = Artifacts(study.jobs), _Elsewhere(study)
    on_disk = sorted(_files(study.layout))
    findings = [_finding(path, study, artifacts, elsewhere) for path in on_disk]
    planned = {path for job in study.jobs for path in job.outputs.values()}
    return findings + [_Finding(path, "missing") for path in sorted(planned - set(on_disk))]


def _files(layout: Layout) -> Iterator[Path]:
    if layout.report.is_file():
        yield layout.report
    for folder in (layout.results, layout.figures):
        for path in folder.rglob("*"):
            inside = path.relative_to(folder)
            about_runs = inside.parts[0] == "logs" or path.parent.name == RECORDS or path == layout.manifest
            hidden = any(part.startswith(".") for part in inside.parts)
            if path.is_file() and path.suffix in _ARTIFACTS and not (about_runs or hidden):
                yield path


def _finding(path: Path, study: Study, artifacts: Artifacts, elsewhere: "_Elsewhere") -> _Finding:
    try:
        made_by = check_content(path)
    except UserError as error:
        home = elsewhere.written(path)
        if home:
            return _Finding(path, "foreign", _copy_of(home))
        return _Finding(path, "unreadable" if path in study.jobs else "foreign", f": {error}")
    if path not in study.jobs:
        return _Finding(
            path, "foreign", f"was made by {made_by.get('command')}, and no job of this study makes it"
        )
    reason = artifacts.why_stale(path)
    if reason is None:
        return _Finding(path, "fresh")
    own = made_by["fingerprint"] == study.jobs[path].fingerprint
    home = None if own else elsewhere.find(made_by["fingerprint"], path)
    return _Finding(path, "foreign", _copy_of(home)) if home else _Finding(path, "stale", reason)


def _copy_of(home: Path) -> str:
    return f"is a copy of {home}" if home.exists() else f"is what belongs at {home}"


class _Elsewhere:
    """Where what lies in a wrong place belongs: by what records say, and by what this study and other presets make.

    Either is looked up when it is first asked for.
    """

    def __init__(self, study: Study) -> None:
        self._study = study
        self._places: dict[str, list[Path]] | None = None

    @functools.cached_property
    def _contents(self) -> dict[str, Path]:
        return places_by_content(PLACES)

    def written(self, path: Path) -> Path | None:
        """Return where the content of a file was written to; ``None`` if no record says so."""
        try:
            return self._contents.get(file_sha256(path))
        except OSError:
            return None

    def find(self, fingerprint: str, path: Path) -> Path | None:
        """Return where an artifact belongs that is at ``path`` and should not be; ``None`` if nobody makes it."""
        if self._places is None:
            self._places = {}
            for job in [job for study in self._studies() for job in study.jobs]:
                self._places.setdefault(job.fingerprint, []).extend(job.outputs.values())
        places = [place for place in self._places.get(fingerprint, []) if place != path]
        # One that is there, and one of the same name, come first.
        return min(places, key=lambda place: (not place.exists(), place.name != path.name), default=None)

    def _studies(self) -> Iterator[Study]:
        yield self._study
        for preset in preset_names(Path()):
            if preset != self._study.layout.preset:
                try:
                    yield load_study({"preset": preset}, find_data=False)
                except UserError:
                    # A preset with a mistake in it makes nothing.
                    continue
