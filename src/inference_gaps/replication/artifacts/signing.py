"""What made a document, a picture or a PDF, written into the file where programs that show it do not look.

- Markdown, LaTeX and HTML (``.md``, ``.tex``, ``.html``): a comment in the last line;
- pictures (``.png``): a text chunk called ``inference-gaps``;
- ``.pdf``: a comment line before the address of its table of contents, which keeps every address in the file right;
- documents (``.json``): the keys ``provenance`` and ``sha256``.

The provenance stands with the SHA-256 of itself and of all the rest of the file.
"""

import hashlib
import json
import re
import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["ALTERED", "DIGEST", "SIGNED_SUFFIXES", "canonical", "digest_of", "signature", "signed"]

DIGEST = "sha256"
ALTERED = "its content is not what was written: it was altered or damaged"
SIGNED_SUFFIXES = (".html", ".json", ".md", ".pdf", ".png", ".tex")

_PNG_START = b"\x89PNG\r\n\x1a\n"
_KEYWORD = b"inference-gaps\0"
_COMMENTS = {".html": ("<!-- ", " -->"), ".md": ("<!-- ", " -->"), ".tex": ("% ", "")}
_PDF_COMMENT = b"%inference-gaps "
_PDF_ADDRESS = b"startxref"


def canonical(content: Any) -> str:
    """Return one line of ASCII JSON with sorted keys."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"))


def digest_of(provenance: Mapping[str, Any], content: bytes) -> str:
    """Return the SHA-256 of a provenance and of the content that it belongs to."""
    made_by = {name: value for name, value in provenance.items() if name != DIGEST}
    return hashlib.sha256(canonical(made_by).encode() + b"\n" + content).hexdigest()


def signed(suffix: str, content: bytes, provenance: Mapping[str, Any]) -> bytes:
    """Return ``content``, a file that ends in ``suffix``, with its provenance in it."""
    if suffix == ".json":
        document = json.loads(content) | {"provenance": dict(provenance)}
        document |= {DIGEST: _document_digest(document)}
        return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"
    made_by = _one_line({**provenance, DIGEST: digest_of(provenance, content)})
    if suffix in _COMMENTS:
        start, end = _COMMENTS[suffix]
        return content + start.encode() + made_by + end.encode() + b"\n"
    place = content.rindex({".png": b"IEND", ".pdf": _PDF_ADDRESS}[suffix])
    if suffix == ".pdf":
        return content[:place] + _PDF_COMMENT + made_by + b"\n" + content[place:]
    # A chunk is its length, its type, its data and a checksum of the latter two.
    chunk = b"tEXt" + _KEYWORD + made_by
    framed = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return content[: place - 4] + framed + content[place - 4 :]


def signature(suffix: str, content: bytes) -> dict[str, Any]:
    """Return the provenance in a file that :func:`signed` made, its digest under ``sha256``.

    Raises:
        ValueError: there is none, or the file is not what was written.
    """
    expected: str | None
    if suffix == ".json":
        document = json.loads(content)
        found = {**document["provenance"], DIGEST: document[DIGEST]}
        expected = _document_digest(document)
    else:
        rest, made_by = _taken_apart(suffix, content)
        found = json.loads(made_by)
        expected = digest_of(found, rest) if _one_line(found) == made_by else None
    if found[DIGEST] != expected:
        raise ValueError(ALTERED)
    return found


def _one_line(provenance: Mapping[str, Any]) -> bytes:
    # Two hyphens would end a comment of Markdown.
    return canonical(provenance).replace("--", "\\u002d\\u002d").encode()


def _document_digest(document: Mapping[str, Any]) -> str:
    return hashlib.sha256(
        canonical({key: value for key, value in document.items() if key != DIGEST}).encode()
    ).hexdigest()


def _taken_apart(suffix: str, content: bytes) -> tuple[bytes, bytes]:
    if suffix in _COMMENTS:
        start, end = (re.escape(part.encode()) for part in _COMMENTS[suffix])
        found = re.search(rb"^" + start + rb"(\{.*\})" + end + rb"\n\Z", content, re.MULTILINE)
        span = found.span() if found else None
    elif suffix == ".pdf":
        found = re.search(
            rb"^" + _PDF_COMMENT + rb"(\{.*\})\n(?=" + _PDF_ADDRESS + rb")", content, re.MULTILINE
        )
        span = found.span() if found else None
    else:
        chunks = [(at, chunk) for at, chunk in _chunks(content) if chunk.startswith(b"tEXt" + _KEYWORD)]
        if not chunks:
            raise ValueError("it does not say what made it")
        at, chunk = chunks[-1]
        end_of_chunk = at + len(chunk) + 8
        return content[:at] + content[end_of_chunk:], chunk[4 + len(_KEYWORD) :]
    if found is None or span is None:
        raise ValueError("it does not say what made it")
    return content[: span[0]] + content[span[1] :], found[1]


def _chunks(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield where each chunk of a PNG starts, and its type with its data."""
    at = len(_PNG_START)
    while content.startswith(_PNG_START) and at + 12 <= len(content):
        (length,) = struct.unpack(">I", content[at : at + 4])
        yield at, content[at + 4 : at + 8 + length]
        at += 12 + length
