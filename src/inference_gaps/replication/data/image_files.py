"""Which files of a folder or an archive are its images: ``<split>/<class>/<file>``, PNG or JPEG."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import get_args

from inference_gaps.errors import UserError
from inference_gaps.replication.specs.data import Part

__all__ = ["image_names", "names_below", "several"]

_SUFFIXES = frozenset({".png", ".jpg", ".jpeg"})
# Pictures that are not read; one that lies about unread would be missing from the data without a word.
_OTHER_PICTURES = frozenset(
    {".avif", ".bmp", ".gif", ".heic", ".heif", ".jp2", ".jxl", ".npy", ".pbm", ".pgm"}
)
_OTHER_PICTURES |= {".pnm", ".ppm", ".tga", ".tif", ".tiff", ".webp"}
# What people and programs leave beside images.
_NOTES = frozenset({".csv", ".html", ".json", ".log", ".md", ".pdf", ".tsv", ".txt", ".xml", ".yaml", ".yml"})
_OF_PROGRAMS = frozenset({"__macosx", "@eadir", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"})


def _is_ignored(name: str) -> bool:
    return name.startswith(".") or name.lower() in _OF_PROGRAMS


def names_below(folder: Path) -> Iterator[str]:
    """Yield the path below ``folder`` of each file there that no program put there for itself; links are followed.

    Raises:
        OSError: a folder cannot be read.
    """

    def below(place: str, above: frozenset[tuple[int, int]]) -> Iterator[str]:
        with os.scandir(folder / place) as entries:
            for entry in entries:
                if _is_ignored(entry.name):
                    continue
                name = f"{place}{entry.name}"
                if not entry.is_dir():
                    # A link that leads nowhere is named, so that reading it fails.
                    if entry.is_file() or entry.is_symlink():
                        yield name
                    continue
                status = entry.stat()
                if (status.st_dev, status.st_ino) not in above:  # Else a link leads round in a circle.
                    yield from below(f"{name}/", above | {(status.st_dev, status.st_ino)})

    yield from below("", frozenset())


def image_names(names: Iterable[str], label: str) -> dict[str, list[str]]:
    """Return the images among ``names``, sorted, by part.

    Raises:
        UserError: none, or an image lies elsewhere or is of a kind that is not read.
    """
    found: dict[str, list[str]] = {}
    misplaced, of_other_kinds = [], []
    for name in sorted(names, key=os.fsencode):
        path = PurePosixPath(name)
        if any(map(_is_ignored, path.parts)):
            continue
        in_place = len(path.parts) == 3 and path.parts[0] in get_args(Part)
        suffix = path.suffix.lower()
        if suffix in _SUFFIXES:
            found.setdefault(path.parts[0], []).append(name)
            if not in_place:
                misplaced.append(name)
        elif suffix in _OTHER_PICTURES or (in_place and suffix not in _NOTES):
            of_other_kinds.append(name)
    if of_other_kinds:
        raise UserError(
            f"{label}: {several(of_other_kinds, 'no PNG or JPEG image', 'no PNG or JPEG images')}; only these are "
            f"read. Convert what are images to PNG, and keep the rest elsewhere."
        )
    if misplaced:
        raise UserError(
            f"{label}: {several(misplaced, 'not where an image belongs', 'not where images belong')}; put images "
            f"at <split>/<class>/<file>, with {', '.join(get_args(Part)[:-1])} or {get_args(Part)[-1]} as the "
            f"split."
        )
    if not found:
        raise UserError(f"{label} holds no images; put PNG or JPEG files at <split>/<class>/<file>.")
    return found


def several(names: list[str], one: str, many: str) -> str:
    """Return a clause on some files: the first by its name, the others by their number."""
    if len(names) == 1:
        return f"{names[0]} is {one}"
    rest = "1 other file" if len(names) == 2 else f"{len(names) - 1} other files"
    return f"{names[0]} and {rest} are {many}"
