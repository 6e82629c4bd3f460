"""Random mutations of nested mappings and lists, and of text: what a hurried editor or a broken program leaves."""

import copy
import re
from typing import Any

from hypothesis import strategies as st

__all__ = ["mutated", "mutated_text"]

_Place = tuple[Any, ...]

_HARD_SCALARS = st.sampled_from(
    [
        *(None, True, False, 0, -1, 1, 2**31, 2**63, 2**200, 1e-300, 1e300, float("nan"), float("inf")),
        *(
            "",
            " ",
            "1e-3",
            "010",
            "null",
            "all",
            "../..",
            "/etc/passwd",
            "a\0b",
            "\ud800",
            "\x1b[31m",
            "é" * 300,
        ),
        *(
            "x" * 20_000,
            "{}",
            "[",
            "cuda",
            "ffg",
            "local-ffg",
            "quick",
            "2024-02-30",
            [],
            {},
            [[]],
            [None],
            {"": {}},
        ),
    ]
)
# Stages switch subnormal numbers off for the whole process.
_SCALARS = st.one_of(
    _HARD_SCALARS,
    st.integers(),
    st.floats(allow_subnormal=False),
    st.text(max_size=20),
    st.booleans(),
    st.dates(),
    st.binary(max_size=9),
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_KEYS = st.one_of(
    st.text(max_size=12), st.sampled_from(["kind", "copy", "training", "points", "start", "__class__"])
)


def _places(content: Any, here: _Place = ()) -> list[_Place]:
    """Return the way to every value below ``content``."""
    found = [here] if here else []
    if isinstance(content, dict):
        items = list(content.items())
    else:
        items = list(enumerate(content)) if isinstance(content, list) else []
    for key, value in items:
        found += _places(value, (*here, key))
    return found


def _at(content: Any, place: _Place) -> Any:
    for key in place:
        content = content[key]
    return content


@st.composite
def mutated(draw: st.DrawFn, original: Any, most: int = 3) -> Any:
    """Draw ``original`` with one to ``most`` values deleted, replaced, renamed, moved, repeated or buried."""
    content = copy.deepcopy(original)
    for _ in range(draw(st.integers(1, most))):
        places = _places(content)
        if not places:
            return content
        place = draw(st.sampled_from(places))
        section, key = _at(content, place[:-1]), place[-1]
        kind = draw(
            st.sampled_from(["delete", "replace", "rename", "insert", "move", "repeat", "bury", "type"])
        )
        if kind == "delete":
            del section[key]
        elif kind == "replace":
            section[key] = draw(_VALUES)
        elif kind == "rename" and isinstance(section, dict):
            section[draw(_KEYS)] = section.pop(key)
        elif kind == "insert":
            inside = section[key] if isinstance(section[key], dict) else section
            if isinstance(inside, dict):
                inside[draw(_KEYS)] = draw(_VALUES)
        elif kind == "move":
            section[key] = copy.deepcopy(_at(content, draw(st.sampled_from(places))))
        elif kind == "repeat":
            section[key] = [copy.deepcopy(section[key])] * draw(st.integers(0, 3))
        elif kind == "bury":
            for _ in range(draw(st.sampled_from([1, 2, 60]))):
                section[key] = [section[key]] if draw(st.booleans()) else {"a": section[key]}
        elif kind == "type":
            section[key] = str(section[key])
    return content


_PIECES = st.sampled_from(
    [
        *(b"", b"\t", b"\n", b"&a ", b"*a", b"<<: *a", b"!!python/object:os.system ", b"---\n", b"? "),
        *(
            b"!!int x",
            b"!!float x",
            b"!!bool x",
            b"!!timestamp x",
            b"!!binary x",
            b"!!set {a}",
            b"!!omap [a]",
        ),
        *(b"{", b"}", b"[", b"]", b'"', b": ", b"\xef\xbb\xbf", b"\xff\xfe", b"\0", b"# ", b"| ", b"> "),
        *(b"%YAML 9.9\n", b"2024-13-45", b"2024-02-29", b"9" * 5000, b"0x" + b"f" * 9000, b"[" * 2000),
        *(
            b"{a: " * 300,
            b"1e999",
            b".nan",
            b"-.inf",
            b"010",
            b"1:30",
            b'"\\ud800"',
            b"&a [*a]",
            b"~",
            b"{? [a]}",
        ),
    ]
)


@st.composite
def mutated_text(draw: st.DrawFn, original: str) -> bytes:
    """Draw ``original`` with values or arbitrary pieces cut, repeated or replaced by what means much or nothing."""
    content = original.encode()
    for _ in range(draw(st.integers(1, 3))):
        values = [found.span(1) for found in re.finditer(rb":[ \t]*([^\s,{}\[\]:]+)", content)]
        if values and draw(st.booleans()):
            start, stop = draw(st.sampled_from(values))
            piece = draw(_PIECES)
        else:
            start = draw(st.integers(0, len(content)))
            stop = min(len(content), start + draw(st.sampled_from([0, 1, 3, 40, 400])))
            piece = draw(st.one_of(st.binary(max_size=6), _PIECES, st.just(content[start:stop] * 2)))
        content = content[:start] + piece + content[stop:]
    return content
