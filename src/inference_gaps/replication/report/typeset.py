"""From the numbers and the figures to a PDF, by the Typst compiler that ships as a Python package."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

import typst

from inference_gaps.errors import UserError

__all__ = ["typeset"]


def _content(source: Path) -> bytes:
    try:
        return source.read_bytes()
    except OSError as error:
        raise UserError(
            f"{source} cannot be read ({error.strerror}); run the stage that makes it, or restore it from the "
            f"repository."
        ) from error


def typeset(numbers: bytes, files: Mapping[str, Path]) -> bytes:
    """Return the PDF of ``report.typ``, which finds ``report.json`` and the other ``files`` beside it.

    Only the compiler's own fonts are used, and no date is set: the same input gives the same bytes.

    Args:
        numbers: content of ``report.json``.
        files: the files that the text reads, by the name that it calls them, ``report.typ`` among them.

    Raises:
        UserError: a file cannot be read, or the text has an error.
    """
    contents = {name: _content(source) for name, source in files.items()} | {"report.json": numbers}
    try:
        with tempfile.TemporaryDirectory() as folder:
            for name, content in contents.items():
                (Path(folder) / name).write_bytes(content)
            main = Path(folder) / "report.typ"
            return typst.compile(str(main), root=folder, format="pdf", ignore_system_fonts=True)
    except typst.TypstError as error:
        raise UserError(
            f"The text of the report, {files['report.typ']}, has an error: {error.message}."
        ) from error
    except OSError as error:
        raise UserError(
            f"The report needs a folder for temporary files, which cannot be written ({error.strerror}); free some "
            f"space in it, or name another by the environment variable TMPDIR."
        ) from error
