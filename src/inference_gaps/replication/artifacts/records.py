"""Records: what made the files of a job, kept beside them, so that the files themselves are plain.

The folder ``records`` beside some artifacts holds a JSON file for each job that made some of them, named after the
one that the job writes last:

- its provenance: command, specification, fingerprint, and what else the job says of itself;
- ``outputs``: the SHA-256 and the size of each file that it made in this folder, by name;
- ``run``: when and on what it ran, if a command line made them;
- ``checksum``: the SHA-256 of all this.

Files are named without their folder, so that a folder may be moved or copied with its records. What is read holds
the digest of the file under the key ``sha256``.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference_gaps.errors import UserError

__all__ = [
    "DIGEST",
    "RECORDS",
    "Provenance",
    "Record",
    "canonical",
    "check_content",
    "checked",
    "file_sha256",
    "find_record",
    "places_by_content",
    "read_provenance",
    "record_file",
    "record_text",
    "records_below",
    "records_naming",
    "require_digest",
    "run_of",
]

Provenance = dict[str, Any]

DIGEST = "sha256"
RECORDS = "records"
_OUTPUTS, _RUN, _CHECKSUM = "outputs", "run", "checksum"


@dataclass(frozen=True)
class Record:
    """What is known of the files that one job made in one folder.

    Attributes:
        provenance: what made them.
        outputs: SHA-256 and size of each, by its name.
        run: when and on what; ``None`` if that is not known.
    """

    provenance: Provenance
    outputs: Mapping[str, tuple[str, int]]
    run: Mapping[str, Any] | None


def canonical(content: Any) -> str:
    """Return one line of ASCII JSON with sorted keys."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"))


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of the content of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def record_file(path: Path) -> Path:
    """Return where the record of a job lies that writes the file ``path`` last."""
    return path.parent / RECORDS / f"{path.name}.json"


def record_text(record: Record) -> bytes:
    """Return what a file holds that :func:`find_record` reads as ``record``."""
    content: dict[str, Any] = {
        **record.provenance,
        _OUTPUTS: {name: {DIGEST: digest, "size": size} for name, (digest, size) in record.outputs.items()},
        **({_RUN: record.run} if record.run else {}),
    }
    content[_CHECKSUM] = _checksum(content)
    return (json.dumps(content, indent=1, sort_keys=True) + "\n").encode()


def _checksum(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical(content).encode()).hexdigest()


def checked(provenance: Any) -> Provenance:
    """Make sure that ``provenance`` says the least that every reader asks for.

    Raises:
        ValueError: it does not.
    """
    kinds = {"command": str, "fingerprint": str, "spec": dict}
    if not isinstance(provenance, dict) or not all(
        isinstance(provenance.get(key), kind) for key, kind in kinds.items()
    ):
        raise ValueError("what it says of its making lacks a command, a fingerprint or a specification")
    return provenance


def _read(file: Path) -> Record | None:
    """Read a record; return ``None`` if there is none, as while another process replaces it.

    Raises:
        UserError: it is damaged.
    """
    try:
        content = json.loads(file.read_bytes())
        if content.pop(_CHECKSUM) != _checksum(content):
            raise ValueError("it is not what was written")
        outputs = {
            name: (str(each[DIGEST]), int(each["size"])) for name, each in content.pop(_OUTPUTS).items()
        }
        run = content.pop(_RUN, None)
        return Record(checked(content), outputs, run)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(
            f"{file} cannot be read as the record of a job ({type(error).__name__}: {error}); move it away, and "
            f"run the stage again whose files it lists."
        ) from error


def records_naming(path: Path) -> list[Path]:
    """Return the files of records that may list the file ``path``: its own, or else those that name it.

    A record that another process replaces meanwhile is passed over.
    """
    own, quoted, found = record_file(path), json.dumps(path.name).encode(), []
    if own.is_file():
        return [own]
    for file in _files(own.parent):
        with contextlib.suppress(FileNotFoundError):
            if quoted in file.read_bytes():
                found.append(file)
    return found


def records_below(folder: Path) -> Iterator[Record]:
    """Yield the record of each job that made files in ``folder`` or below it.

    Raises:
        UserError: a record is damaged.
    """
    for place in sorted(folder.rglob(RECORDS)):
        yield from (record for record in map(_read, _files(place)) if record)


def _files(folder: Path) -> list[Path]:
    try:
        names = sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [folder / name for name in names if name.endswith(".json") and not name.startswith(".")]


def find_record(path: Path | str) -> Record | None:
    """Return the record that lists the file ``path``, whether that is there or not; ``None`` if there is none.

    Raises:
        UserError: a record is damaged.
    """
    path = Path(path)
    read = map(_read, records_naming(path))
    found = [record for record in read if record and path.name in record.outputs]
    # Two jobs may have been told to write the same file: the record is that of the one which fits.
    fitting = [record for record in found if record.outputs[path.name][1] == _size(path)]
    return next(iter([*fitting, *found]), None)


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


def read_provenance(path: Path | str, *commands: str) -> Provenance:
    """Return what made an artifact of any kind, by its record; of the file, only the size is looked at.

    Args:
        path: the file.
        commands: the subcommands that make such files; without them, any does.

    Raises:
        UserError: the file is missing, no record lists it, it has another size, or another command made it.
    """
    path = Path(path)
    try:
        if not path.exists():
            raise UserError(f"{path} does not exist; run the stage that makes it first.")
        record, found = find_record(path), _size(path)
    except (OSError, ValueError) as error:
        raise UserError(_unreadable(path, error)) from error
    if record is None:
        raise UserError(
            f"It is not known what made {path}: no record in {path.parent / RECORDS} lists it. Name a file that "
            f"{_quoted(commands) or 'a stage of inference-gaps'} made, with its record."
        )
    made_by, (sha256, size) = record.provenance, record.outputs[path.name]
    require_made_by(path, made_by, *commands)
    if size != found:
        raise UserError(_altered(path, made_by))
    return {**made_by, DIGEST: sha256}


def _unreadable(path: Path, error: Exception) -> str:
    return f"{path} cannot be read ({error}); make it readable, or name another file."


def _quoted(commands: Iterable[str]) -> str:
    return " or ".join(f"'inference-gaps {command}'" for command in commands)


def require_made_by(path: Path, provenance: Mapping[str, Any], *commands: str) -> None:
    """Make sure that an artifact comes from one of ``commands``, if any are given.

    Raises:
        UserError: another stage made it.
    """
    if commands and provenance["command"] not in commands:
        raise UserError(
            f"{path} was made by 'inference-gaps {provenance['command']}', not by {_quoted(commands)}; name a file "
            f"of that stage."
        )


def _altered(path: Path, made_by: Mapping[str, Any]) -> str:
    return (
        f"{path} is not what 'inference-gaps {made_by['command']}' wrote: it was altered or damaged. Move it away "
        f"and run that stage again."
    )


def require_digest(path: Path, provenance: Provenance, sha256: str) -> None:
    """Make sure that the content of an artifact, whose digest is ``sha256``, is what was written.

    Raises:
        UserError: it is not.
    """
    if provenance[DIGEST] != sha256:
        raise UserError(_altered(path, provenance))


def check_content(path: Path | str, *commands: str) -> Provenance:
    """Return what made an artifact of any kind, and make sure that its content is what was written.

    Raises:
        UserError: as :func:`read_provenance`, or the file was altered.
    """
    path = Path(path)
    made_by = read_provenance(path, *commands)
    try:
        require_digest(path, made_by, file_sha256(path))
    except OSError as error:
        raise UserError(_unreadable(path, error)) from error
    return made_by


def run_of(outputs: Iterable[Path], fingerprint: str) -> Mapping[str, Any] | None:
    """Return when and on what the job ran that has a fingerprint and makes ``outputs``; ``None`` if not known."""
    for path in outputs:
        with contextlib.suppress(UserError):
            record = find_record(path)
            if record and record.provenance["fingerprint"] == fingerprint:
                return record.run
    return None


def places_by_content(folders: Iterable[Path]) -> dict[str, Path]:
    """Return where each content was written to below some folders, by its SHA-256.

    Of several places, one where a file still lies, and of these the first.
    """
    found: dict[str, Path] = {}
    below = [Path(place, RECORDS) for folder in folders for place, _, _ in os.walk(folder)]
    for records in sorted(below):
        for file in _files(records):
            with contextlib.suppress(UserError):
                record = _read(file)
                for name, (sha256, _) in record.outputs.items() if record else ():
                    place = records.parent / name
                    if sha256 not in found or (place.exists() and not found[sha256].exists()):
                        found[sha256] = place
    return found
