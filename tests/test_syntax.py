"""The canonical text of code has what code means, and every Python agrees on it."""

import json
import subprocess

import pytest

from inference_gaps.replication.artifacts.syntax import canonical_syntax
from tests.pythons import pythons
from tests.small_project import ROOT

# What the project does not have, and versions of Python may differ in: empty texts after a nested format,
# characters that newer tables of Unicode know, integers with more digits than Python prints, patterns.
_ODD = '''
def f(x, /, *y, w=1e999, **z: int) -> None:
    """Documentation."""
    a = f"{x!r:>{w}}" f"{x = }" "b" "", b"c"
    b = {"a": 1_000, **z}, 0x1F, 1.5e-300, 2j, -0.0, ..., None, True, "\\u0600\\U0001fae9\\ud800", 0xHUGE
    """Of b."""
    match a:
        case {"x": [1, *_], **rest} | Point(x=0) if (n := len(rest)) > 1:
            return lambda: (yield)
        case None | False:
            pass
    with b as c, d:
        try:
            del c
        except* (A, B) as error:
            raise error from None
'''.replace("HUGE", "f" * 4300)
_PROGRAM = """
import hashlib, json, sys
sys.path.insert(0, sys.argv[1])
from inference_gaps.replication.artifacts.syntax import canonical_syntax
for name, text in json.load(sys.stdin).items():
    print(name, hashlib.sha256(canonical_syntax(text).encode()).hexdigest())
"""


def test_every_python_agrees_with_nothing_installed() -> None:
    found = pythons()
    if len(found) < 2:
        pytest.skip(f"the only Python since 3.11 that is found is {', '.join(found)}")
    files = [path for name in ("src", "tests", "benchmarks") for path in (ROOT / name).rglob("*.py")]
    texts = json.dumps({"odd": _ODD} | {str(path): path.read_text(encoding="utf-8") for path in files})
    said = {}
    for version, python in found.items():
        words = [python, "-I", "-S", "-c", _PROGRAM, str(ROOT / "src")]
        done = subprocess.run(words, input=texts, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, (version, done.stderr)
        said[version] = done.stdout
    assert len(files) > 100
    assert set(said.values()) == {said["3.11"] if "3.11" in said else next(iter(said.values()))}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 1  # one", "x   =   1"),
        ('def f():\n    """A."""\n    return 1', 'def f():\n    """B."""\n    return 1'),
        ('X = 1\n"""Of X."""', "X = 1"),
        ("x = 'a' 'b'", 'x = "ab"'),
        ("x = 0x10", "x = 1_6"),
        ('x = f"a{y}" "b"', 'x = f"a{y}b"'),
        ("def f(): pass\ntype_ignored = 1  # type: ignore", "def f(): pass\ntype_ignored = 1"),
    ],
)
def test_what_does_not_count(one: str, other: str) -> None:
    assert canonical_syntax(one) == canonical_syntax(other)


def test_all_else_counts() -> None:
    lines = """1|1.0|True|'1'|b'1'|1j|0|0.0|-0.0|False|None|...|[]|()|{}|{*()}|x|'x'|-1|''|f''|f'{1}'|f'{1!r}'
        f'{1:1}'|f'{x}y'|f'{x}{y}'|x[0]|x[None]|x[:0]|x[0:]|x[::0]|x[:]|f(x)|f(*x)|f(**x)|f(x=x)|x.y|x==y|x<y|x<=y
        {1: 2}|{**{1: 2}}|{1}|(1, 2)|(2, 1)|lambda: 0|lambda x: 0|lambda x=0: 0|lambda *x: 0|lambda x, /: 0
        lambda *, x: 0|lambda *, x=0: 0|lambda *, x, y=0: 0|lambda *, x=0, y: 0|[x for x in y]|[x for x in y if x]
        (x for x in y)|x and y|x or y|x and (y and z)|x and y and z|x if y else z|(x := y)|x < y < z|(x < y) < z"""
    pieces = [part for line in lines.splitlines() for part in line.strip().split("|")]
    matches = [
        f"match x:\n case {pattern}: pass" for pattern in ("None", "False", "0", "_", "y", "[]", "[*_]")
    ]
    texts = [canonical_syntax(piece) for piece in [*pieces, *matches]]
    same = {text for text in texts if texts.count(text) > 1}
    # A text that stands alone is a docstring.
    assert [piece for piece, text in zip([*pieces, *matches], texts) if text in same] == ["'1'", "'x'", "''"]


def test_no_code_is_no_python() -> None:
    with pytest.raises(SyntaxError):
        canonical_syntax("def")
