"""What README and docs name is there: tests, files, links, commands and their flags, targets of make.

What is there is named: each module in the docstring of its folder.
"""

import ast
import contextlib
import io
import re
import shlex
from collections.abc import Iterator

import pytest

from inference_gaps.replication.cli import main
from inference_gaps.replication.config.loading import load_configuration
from inference_gaps.replication.stages import COMMANDS, STAGES
from tests.small_project import ROOT

PAGES = {
    str(path.relative_to(ROOT)): path for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
}
_APART = ("slow", "faults", "slurm")


def _text(page: str) -> str:
    return PAGES[page].read_text(encoding="utf-8")


def _code(page: str) -> list[str]:
    """Return what stands in code: the lines of blocks, and what stands between two backticks of a line."""
    blocks = re.findall(r"^```\w*\n(.*?)^```$", _text(page), re.MULTILINE | re.DOTALL)
    rest = re.sub(r"^```\w*\n.*?^```$", "", _text(page), flags=re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()] + re.findall(r"`([^`\n]+)`", rest)


def _tests(page: str) -> set[tuple[str, str, bool]]:
    """Return each test that a page names: its file, its name (empty: all of the file), whether it is set apart."""
    found = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`(†?)", _text(page))
    return {(file, name, bool(mark)) for file, name, mark in found}


def _set_apart(file: str, name: str) -> bool:
    """Whether ``make test`` leaves a test out.

    Raises:
        StopIteration: there is no such test.
    """
    body = ast.parse((ROOT / file).read_text(encoding="utf-8")).body
    test = next(node for node in body if isinstance(node, ast.FunctionDef) and node.name == name)
    marks = [ast.unparse(mark) for mark in test.decorator_list]
    return any(mark == f"pytest.mark.{apart}" for mark in marks for apart in _APART)


@pytest.mark.parametrize("page", PAGES)
def test_the_tests_that_are_named_exist_and_run_when_it_says(page: str) -> None:
    named = _tests(page)
    assert [file for file, _, _ in named if not (ROOT / file).is_file()] == []
    wrong = [(file, name) for file, name, apart in named if name and _set_apart(file, name) != apart]
    assert wrong == []


def test_every_promise_has_a_test() -> None:
    rows = [
        line for line in _text("docs/trust.md").splitlines() if line.startswith("| ") and "|---" not in line
    ]
    promises = [row for row in rows if row.rsplit("|", 2)[1].strip() != "test"]
    assert len(promises) > 40
    assert [row for row in promises if "`tests/" not in row.rsplit("|", 2)[1] and "the same" not in row] == []


@pytest.mark.parametrize("page", PAGES)
def test_what_is_linked_is_there(page: str) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", _text(page))
    local = [target for target in targets if "://" not in target]
    assert [target for target in local if not (PAGES[page].parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_the_files_that_are_named_are_there(page: str) -> None:
    """Those of the project; of its outputs those of the published preset, which ``P`` stands for.

    What of the experiments that this preset leaves out is named is that of other presets.
    """
    configuration = load_configuration(ROOT, {"preset": "laptop"})
    left_out = set(configuration.experiments.experiments) - set(configuration.chosen_experiments)
    places = "src|tests|config|workflow|scripts|docs|paper|notebooks|results/P|figures/P"
    paths = rf"(?<![\w./<-])(?:{places})/[\w./*-]+"
    named = {path for code in _code(page) for path in re.findall(paths, code)}
    for path in sorted(named):
        if not re.search("|".join(["PRESET|NAME|MODEL|EXPERIMENT|-quick", *left_out]), path):
            # A name of outputs stands for those with any suffix.
            pattern = re.sub(r"/P/([^*]*)\*?$", r"/laptop/\1*", path)
            assert next(ROOT.glob(pattern.rstrip("/")), None), path


def _commands(page: str) -> Iterator[list[str]]:
    for code in _code(page):
        found = re.match(r"(?:\.venv/bin/)?inference-gaps (\S.*)", code.partition("  #")[0])
        if found:
            yield shlex.split(found[1])


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_and_their_flags_exist(page: str) -> None:
    for command, *words in _commands(page):
        assert command == "--help" or command in STAGES or command in COMMANDS, command
        with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.suppress(SystemExit):
            main([command, "--help"])
        flags = [word.partition("=")[0] for word in words if word.startswith("--")]
        assert [flag for flag in flags if not re.search(rf"{flag}\b", said.getvalue())] == [], command


@pytest.mark.parametrize("page", PAGES)
def test_the_targets_of_make_exist(page: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split()
    given = re.search(r"^GIVEN := (.*)$", makefile, re.MULTILINE)[1].split()
    for code in _code(page):
        if found := re.match(r"make(?: (.*))?$", code.partition("  #")[0].strip()):
            for word in shlex.split(found[1] or ""):
                name, equals, _ = word.partition("=")
                assert name in (given if equals else targets), code


@pytest.mark.parametrize(
    "package",
    # Commands are one for each subcommand, of the same name.
    sorted(
        str(p.parent.relative_to(ROOT))
        for p in (ROOT / "src").rglob("__init__.py")
        if "commands" not in p.parts
    ),
)
def test_a_folder_of_the_source_names_its_modules(package: str) -> None:
    folder = ROOT / package
    docstring = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))) or ""
    modules = {
        path.stem for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()
    }
    assert modules - {"__init__", "__main__"} <= set(re.findall(r"``(\w+)``", docstring))
