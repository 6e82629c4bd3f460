"""The whole run as a Workflow Run RO-Crate: every file with its digest, every job with what it read and made.

Profiles: RO-Crate 1.1, Workflow RO-Crate 1.0, and Process, Workflow and Provenance Run Crate 0.5
(https://www.researchobject.org/workflow-run-crate/). It tells of one run, with its times, on one machine. Files
outside the folder of the manifest are named by relative paths.
"""

import hashlib
import importlib.metadata
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from inference_gaps.errors import UserError
from inference_gaps.replication.artifacts.records import file_sha256, run_of
from inference_gaps.replication.stages import STAGES
from inference_gaps.replication.study.jobs import Job, Jobs
from inference_gaps.replication.study.plan import Study

__all__ = ["described_study", "manifest", "study_identifier"]

Entity = dict[str, Any]

_RO = "https://w3id.org/ro"
_RUN = f"{_RO}/wfrun"
_PROFILES = (f"{_RUN}/process/0.5", f"{_RUN}/workflow/0.5", f"{_RUN}/provenance/0.5")
_WORKFLOW_PROFILE = f"{_RO}/workflow-ro-crate/1.0"
_CONTEXT = [f"{_RO}/crate/1.1/context", f"{_RO}/terms/workflow-run/context"]
_FORMATS = {
    "": "text/plain",
    ".csv": "text/csv",
    ".html": "text/html",
    ".json": "application/json",
    ".md": "text/markdown",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".tex": "application/x-tex",
}
_ENGINE, _RUN_ID = "#snakemake", "#run"


def study_identifier(jobs: Jobs) -> str:
    """Return one digest of all that the jobs of a study make."""
    lines = sorted(f"{job.fingerprint} {path}" for job in jobs for path in job.outputs.values())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def described_study(path: Path) -> str | None:
    """Return the identifier of the study that a manifest describes; ``None`` if there is none to read."""
    try:
        graph = json.loads(path.read_text(encoding="utf-8"))["@graph"]
        return next(entity["identifier"] for entity in graph if entity["@id"] == "./")
    except (OSError, ValueError, KeyError, TypeError, StopIteration):
        return None


def manifest(study: Study) -> bytes:
    """Return the manifest of what lies on disk of a study.

    Raises:
        UserError: nothing does, or a file cannot be read.
    """
    crate = _Crate(study.layout.results)
    jobs = [job for job in study.jobs if any(path.is_file() for path in job.outputs.values())]
    if not jobs:
        raise UserError(f"there are no artifacts of preset {study.layout.preset}; run 'make' first.")
    actions = [_action(crate, job) for job in jobs]
    workflow = _workflow(crate, study.layout.top / "Snakefile", jobs)
    entities = [*actions, *_control(jobs), *_software(jobs), *_run(actions, workflow)]
    return _document(study, crate, entities, workflow)


class _Crate:
    """The files of the manifest, by their path below or beside its folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.files: dict[str, Entity] = {}

    def file(self, path: Path) -> Entity:
        """Describe a file once, and return a reference to it."""
        name = Path(os.path.relpath(path, self._folder)).as_posix()
        if name not in self.files:
            try:
                digest, size = file_sha256(path), path.stat().st_size
            except OSError as error:
                raise UserError(f"{path} cannot be read ({error.strerror}); make it readable.") from error
            self.files[name] = {
                "@id": name,
                "@type": "File",
                "name": path.name,
                "contentSize": size,
                "sha256": digest,
                "encodingFormat": _FORMATS.get(path.suffix, "application/octet-stream"),
            }
        return {"@id": name}


def _present(crate: _Crate, paths: Iterable[Path]) -> list[Entity]:
    return [crate.file(path) for path in paths if path.is_file()]


def _action(crate: _Crate, job: Job) -> Entity:
    run = run_of(job.outputs.values(), job.fingerprint)
    times = {"startTime": run["started"], "endTime": run["ended"]} if run else {}
    return {
        "@id": f"#job-{job.fingerprint}",
        "@type": "CreateAction",
        "name": f"{job.stage}: {next(iter(job.outputs.values())).as_posix()}",
        "identifier": job.fingerprint,
        "description": job.spec.as_json(),
        "instrument": {"@id": f"#{job.stage}"},
        "object": _present(crate, job.inputs.values()),
        "result": _present(crate, job.outputs.values()),
        "actionStatus": "http://schema.org/CompletedActionStatus",
        **times,
    }


def _stages(jobs: Iterable[Job]) -> list[str]:
    used = {job.stage for job in jobs}
    return [stage for stage in STAGES if stage in used]


def _control(jobs: list[Job]) -> list[Entity]:
    """Say of which step of the workflow each job is, as the provenance profile asks."""
    steps = [
        {
            "@id": f"#step-{stage}",
            "@type": "HowToStep",
            "position": str(position),
            "workExample": {"@id": f"#{stage}"},
        }
        for position, stage in enumerate(_stages(jobs))
    ]
    controls = [
        {
            "@id": f"#control-{job.fingerprint}",
            "@type": "ControlAction",
            "instrument": {"@id": f"#step-{job.stage}"},
            "object": {"@id": f"#job-{job.fingerprint}"},
        }
        for job in jobs
    ]
    organised = {
        "@id": "#organised",
        "@type": "OrganizeAction",
        "name": "Run of Snakemake",
        "instrument": {"@id": _ENGINE},
        "object": [{"@id": control["@id"]} for control in controls],
        "result": {"@id": _RUN_ID},
    }
    return [*steps, *controls, organised]


def _workflow(crate: _Crate, snakefile: Path, jobs: list[Job]) -> Entity:
    """Say of the file of the workflow what it is, and return a reference to it."""
    reference = crate.file(snakefile)
    stages = _stages(jobs)
    crate.files[reference["@id"]] |= {
        "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"],
        "name": "inference-gaps",
        "description": "From raw images to the replication report.",
        "softwareVersion": importlib.metadata.version("inference-gaps"),
        "programmingLanguage": {"@id": "#language"},
        "hasPart": [{"@id": f"#{stage}"} for stage in stages],
        "step": [{"@id": f"#step-{stage}"} for stage in stages],
    }
    return reference


def _software(jobs: list[Job]) -> list[Entity]:
    language = {
        "@id": "#language",
        "@type": "ComputerLanguage",
        "name": "Snakemake",
        "url": "https://snakemake.github.io",
    }
    engine = {
        "@id": _ENGINE,
        "@type": "SoftwareApplication",
        "name": "Snakemake",
        "softwareVersion": importlib.metadata.version("snakemake"),
    }
    tools = [
        {
            "@id": f"#{stage}",
            "@type": "SoftwareApplication",
            "name": f"inference-gaps {stage}",
            "description": STAGES[stage].summary,
            "softwareVersion": importlib.metadata.version("inference-gaps"),
        }
        for stage in _stages(jobs)
    ]
    return [language, engine, *tools]


def _run(actions: list[Entity], workflow: Entity) -> list[Entity]:
    """Describe the run as one action: what no job of it made goes in, all that was made comes out."""
    made = {file["@id"]: file for action in actions for file in action["result"]}
    read = {file["@id"]: file for action in actions for file in action["object"]}
    started = sorted(action["startTime"] for action in actions if "startTime" in action)
    ended = sorted(action["endTime"] for action in actions if "endTime" in action)
    times = {"startTime": started[0], "endTime": ended[-1]} if started else {}
    run = {
        "@id": _RUN_ID,
        "@type": "CreateAction",
        "name": "Run of the workflow",
        "instrument": workflow,
        "object": [file for name, file in read.items() if name not in made],
        "result": list(made.values()),
        **times,
    }
    return [run]


def _document(study: Study, crate: _Crate, entities: list[Entity], workflow: Entity) -> bytes:
    profiles = [
        {"@id": profile, "@type": "CreativeWork", "name": profile.split("/")[-2]}
        for profile in (*_PROFILES, _WORKFLOW_PROFILE)
    ]
    ended = [entity["endTime"] for entity in entities if entity["@id"] == _RUN_ID and "endTime" in entity]
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": f"inference-gaps, a replication, preset {study.layout.preset}",
        "description": study.configuration.preset.description,
        "identifier": study_identifier(study.jobs),
        "license": "MIT; embedded images have licences of their own",
        "conformsTo": [{"@id": profile["@id"]} for profile in profiles],
        "hasPart": [{"@id": name} for name in crate.files],
        "mainEntity": workflow,
        "mentions": [
            {"@id": _RUN_ID},
            *({"@id": e["@id"]} for e in entities if e["@id"].startswith("#job-")),
        ],
        **({"datePublished": ended[0]} if ended else {}),
    }
    descriptor = {
        "@id": "ro-crate-metadata.json",
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": [{"@id": f"{_RO}/crate/1.1"}, {"@id": _WORKFLOW_PROFILE}],
    }
    graph = [descriptor, root, *profiles, *crate.files.values(), *entities]
    return json.dumps({"@context": _CONTEXT, "@graph": graph}, indent=1, ensure_ascii=False).encode() + b"\n"
