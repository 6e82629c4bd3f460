"""Every file of a preset, compared with what the study makes."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from inference_gaps.errors import UserError
from inference_gaps.replication.artifacts.files import check_content
from inference_gaps.replication.artifacts.layout import Layout
from inference_gaps.replication.config.loading import preset_names
from inference_gaps.replication.study.freshness import Artifacts
from inference_gaps.replication.study.plan import Study, load_study

__all__ = ["Finding", "inspect"]

_ABOUT_RUNS = ("logs", "records")
_ARTIFACTS = (".csv", ".html", ".json", ".md", ".pdf", ".png", ".safetensors", ".tex")


@dataclass(frozen=True)
class Finding:
    """A file, what it is to the study, and why: the end of a sentence that begins with the file."""

    path: Path
    kind: Literal["fresh", "stale", "foreign", "unreadable", "missing"]
    reason: str = ""


def inspect(study: Study) -> list[Finding]:
    """Read every artifact of a study's preset, and compare it with the plan."""
    artifacts, elsewhere = Artifacts(study.jobs), _Elsewhere(study)
    on_disk = sorted(_files(study.layout))
    findings = [_finding(path, study, artifacts, elsewhere) for path in on_disk]
    planned = {path for job in study.jobs for path in job.outputs.values()}
    return findings + [Finding(path, "missing") for path in sorted(planned - set(on_disk))]


def _files(layout: Layout) -> Iterator[Path]:
    if layout.report.is_file():
        yield layout.report
    for folder in (layout.results, layout.figures):
        for path in folder.rglob("*"):
            inside = path.relative_to(folder)
            about_runs = inside.parts[0] in _ABOUT_RUNS or path == layout.manifest
            hidden = any(part.startswith(".") for part in inside.parts)
            if path.is_file() and path.suffix in _ARTIFACTS and not (about_runs or hidden):
                yield path


def _finding(path: Path, study: Study, artifacts: Artifacts, elsewhere: "_Elsewhere") -> Finding:
    try:
        made_by = check_content(path)
    except UserError as error:
        return Finding(path, "unreadable", f": {error}")
    if path not in study.jobs:
        return Finding(
            path, "foreign", f"was made by {made_by.get('command')}, and no job of this study makes it"
        )
    reason = artifacts.why_stale(path)
    if reason is None:
        return Finding(path, "fresh")
    own = made_by["fingerprint"] == study.jobs[path].fingerprint
    home = None if own else elsewhere.find(made_by["fingerprint"], path)
    return Finding(path, "foreign", f"is a copy of {home}") if home else Finding(path, "stale", reason)


class _Elsewhere:
    """The outputs of this study and of the other presets by fingerprint; those are planned when first asked for."""

    def __init__(self, study: Study) -> None:
        self._study = study
        self._places: dict[str, list[Path]] | None = None

    def find(self, fingerprint: str, path: Path) -> Path | None:
        """Return where an artifact belongs that is at ``path`` and should not be; ``None`` if nobody makes it."""
        if self._places is None:
            self._places = {}
            for job in [job for study in self._studies() for job in study.jobs]:
                self._places.setdefault(job.fingerprint, []).extend(job.outputs.values())
        places = [place for place in self._places.get(fingerprint, []) if place != path]
        return next((place for place in places if place.name == path.name), places[0] if places else None)

    def _studies(self) -> Iterator[Study]:
        yield self._study
        for preset in preset_names(Path()):
            if preset != self._study.layout.preset:
                try:
                    yield load_study({"preset": preset}, find_data=False)
                except UserError:
                    # A preset with a mistake in it makes nothing.
                    continue
