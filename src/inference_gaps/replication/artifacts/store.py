"""What the study does not ask for at present, kept by fingerprint: ``results/.store/PRESET/FINGERPRINT-INPUTS/``.

Below such a folder, files have the paths that they had in the project, with their records. The last part of its
name is a digest of the very inputs that they were made from. What no record speaks for lies in ``unknown-TIME``.
"""

import contextlib
import datetime
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from inference_gaps.errors import UserError
from inference_gaps.replication.artifacts.layout import Layout, preset_of
from inference_gaps.replication.artifacts.records import (
    RECORDS,
    Provenance,
    check_content,
    read_provenance,
    records_naming,
)

__all__ = ["Entry", "Store", "in_words", "keep_copies"]

_UNKNOWN = "unknown-"


@dataclass(frozen=True)
class Entry:
    """What is kept of one job, or what nothing is known of.

    Attributes:
        folder: where it lies.
        files: the files, as paths of the project.
        size: bytes.
        since: when it was put there.
        provenance: what made it, if that is known.
    """

    folder: Path
    files: list[Path]
    size: int
    since: datetime.datetime
    provenance: Provenance | None

    @property
    def known(self) -> bool:
        """Whether a job of some study made it, and can make it again."""
        return not self.folder.name.startswith(_UNKNOWN)


class Store:
    """The store of one preset.

    Files are moved, not copied, where the file system allows it; each at once, so that a run that is killed between
    two of them loses nothing.
    """

    def __init__(self, layout: Layout) -> None:
        self.folder = layout.store
        self._unknown = self.folder / f"{_UNKNOWN}{datetime.datetime.now():%Y%m%dT%H%M%S.%f}"

    @property
    def fresh_mark(self) -> Path:
        """Says that a run is to make everything anew, and is not yet complete."""
        return self.folder / ".fresh"

    def begin_fresh(self) -> None:
        """Note that everything is to be made anew.

        Raises:
            UserError: the folder of the store cannot be written.
        """
        with _explained(self.fresh_mark):
            self.folder.mkdir(parents=True, exist_ok=True)
            self.fresh_mark.touch()

    def end_fresh(self) -> None:
        """Note that everything was made."""
        with _explained(self.fresh_mark):
            self.fresh_mark.unlink(missing_ok=True)
        self._tidy(self.folder)

    def put(self, path: Path, made_by: Provenance | None) -> Path:
        """Move the artifact at ``path``, with its record, into the store, and return where it lies there.

        Raises:
            UserError: the folder of the store cannot be written.
        """
        kept = (self.folder / _key(made_by) if made_by else self._unknown) / path
        if made_by and kept.is_file() and not _is_whole(path):
            # It is not what its record says, and must not replace what is.
            made_by, kept = None, self._unknown / path
        with _explained(kept):
            kept.parent.mkdir(parents=True, exist_ok=True)
            record = _record_of(path) if made_by else None
            if record:
                _copy(record, kept.parent / record.relative_to(path.parent))
            if kept.is_dir() and not kept.is_symlink():
                shutil.rmtree(kept)
            shutil.move(path, kept)
        if record:
            _drop_idle_record(record)
        return kept

    def link(self, path: Path, made_by: Provenance) -> None:
        """Keep the artifact at ``path``, which stays where it is, too.

        Raises:
            UserError: the folder of the store cannot be written.
        """
        kept = self.folder / _key(made_by) / path
        with _explained(kept):
            kept.parent.mkdir(parents=True, exist_ok=True)
            record = _record_of(path)
            if record:
                _copy(record, kept.parent / record.relative_to(path.parent))
            if not (kept.exists() and kept.samefile(path)):
                _link(path, kept)

    def find(self, path: Path, fingerprint: str) -> Iterator[tuple[Path, Provenance]]:
        """Yield each file that is kept of ``path`` and has ``fingerprint``, and what made it; the newest first."""
        folders = self.folder.glob(f"{fingerprint}-*") if self.folder.is_dir() else ()
        for folder in sorted(folders, key=lambda each: each.stat().st_mtime, reverse=True):
            kept = folder / path
            with contextlib.suppress(UserError):
                if kept.is_file():
                    yield kept, read_provenance(kept)

    def take(self, kept: Path, path: Path) -> bool:
        """Move ``kept`` back to ``path``; return whether it is whole.

        Raises:
            UserError: ``path`` cannot be written.
        """
        if not _is_whole(kept):
            return False
        with _explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            record = _record_of(kept)
            if record:
                _copy(record, path.parent / record.relative_to(kept.parent))
            shutil.move(kept, path)
        if record:
            _drop_idle_record(record)
        self._tidy(kept.parent)
        return True

    def entries(self) -> list[Entry]:
        """Return what the store holds, the oldest first."""
        folders = [each for each in self.folder.iterdir() if each.is_dir()] if self.folder.is_dir() else []
        return sorted(map(_entry, folders), key=lambda entry: entry.since)

    def bound(self, most: float, keep: Iterable[Path]) -> str:
        """Remove the oldest entries until the store holds at most ``most`` bytes; what is unknown stays.

        Args:
            most: bytes.
            keep: files of the store that were put there just now, which stay.

        Returns:
            A sentence on what was removed; empty if that is nothing.

        Raises:
            UserError: it cannot be removed.
        """
        entries, keep = self.entries(), set(keep)
        surplus = sum(entry.size for entry in entries) - most
        dropped: list[Entry] = []
        for entry in entries:
            if surplus > 0 and entry.known and keep.isdisjoint(entry.folder / file for file in entry.files):
                dropped.append(entry)
                surplus -= entry.size
        self.remove(dropped)
        if not dropped:
            return ""
        size, files = (
            sum(entry.size for entry in dropped),
            [file for entry in dropped for file in entry.files],
        )
        return (
            f"{self.folder} is larger than store_gigabytes allows: removed {in_words(size)} that were set aside "
            f"until {dropped[-1].since:%Y-%m-%d %H:%M}, such as {max(files, key=_importance)}."
        )

    def remove(self, entries: Iterable[Entry]) -> None:
        """Remove what some entries hold, for good.

        Raises:
            UserError: it cannot be removed.
        """
        for entry in entries:
            with _explained(entry.folder):
                shutil.rmtree(entry.folder)
        self._tidy(self.folder)

    def _tidy(self, folder: Path) -> None:
        """Remove ``folder`` and those above it that are empty, up to the store."""
        for each in (folder, *folder.parents):
            if not each.is_relative_to(self.folder.parent):
                return
            with contextlib.suppress(OSError):
                each.rmdir()


def keep_copies(paths: Iterable[Path]) -> None:
    """Keep artifacts of a preset that somebody may remove or replace; others are left alone.

    Raises:
        UserError: the folder of the store cannot be written.
    """
    for path in paths:
        preset = preset_of(path)
        with contextlib.suppress(UserError):
            if preset:
                Store(Layout(preset)).link(Path(os.path.relpath(path)), read_provenance(path))


def in_words(size: float) -> str:
    """Return a number of bytes in words, such as ``12.3 MB``."""
    for unit, bytes_ in (("GB", 1e9), ("MB", 1e6)):
        if size >= bytes_:
            return f"{size / bytes_:.1f} {unit}"
    return f"{size / 1e3:.1f} kB"


def _is_whole(path: Path) -> bool:
    try:
        check_content(path)
    except UserError:
        return False
    return True


def _importance(path: Path) -> bool:
    return path.suffix == ".safetensors"


def _key(made_by: Provenance) -> str:
    """Return the fingerprint of a job, and a digest of its very inputs."""
    inputs = json.dumps(made_by["inputs"], sort_keys=True).encode()
    return f"{made_by['fingerprint']}-{hashlib.sha256(inputs).hexdigest()[:8]}"


def _entry(folder: Path) -> Entry:
    found = (path for path in folder.rglob("*") if path.is_file() and path.parent.name != RECORDS)
    files = sorted(path.relative_to(folder) for path in found)
    status = folder.stat()
    made_by = None
    for file in files:
        with contextlib.suppress(UserError):
            made_by = made_by or read_provenance(folder / file)
    size = sum((folder / file).stat().st_size for file in files)
    return Entry(folder, files, size, datetime.datetime.fromtimestamp(status.st_mtime), made_by)


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(
            f"{path} cannot be written or removed ({error.strerror or error}); free some space or make its folder "
            f"writable, then run the same command again. Nothing was lost."
        ) from error


def _link(path: Path, place: Path) -> None:
    """Give a file a second name at once; where the file system has none, make a copy."""
    temporary = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        os.link(path, temporary)
    except OSError:
        shutil.copy2(path, temporary)
    temporary.replace(place)


def _copy(path: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    temporary = place.with_name(f".{place.name}.{os.getpid()}")
    shutil.copy2(path, temporary)
    temporary.replace(place)


def _record_of(path: Path) -> Path | None:
    """Return the file that holds the record of the artifact at ``path``, if there is one."""
    return next(iter(records_naming(path)), None)


def _drop_idle_record(record: Path) -> None:
    """Remove a record none of whose files is there any more."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        names = json.loads(record.read_bytes())["outputs"]
        if not any((record.parent.parent / name).exists() for name in names):
            record.unlink()
            record.parent.rmdir()
