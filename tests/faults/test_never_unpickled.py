"""Nothing is unpickled, evaluated or handed to a shell, in any file of the project's code."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.small_project import ROOT

FORBIDDEN_MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
FORBIDDEN_NAMES = {"eval", "exec", "compile", "__import__"}
FORBIDDEN_CALLS = {
    *(
        "pickle.loads",
        "os.system",
        "os.popen",
        "pd.read_pickle",
        "pandas.read_pickle",
        "subprocess.getoutput",
    ),
    *(
        "yaml.load",
        "yaml.load_all",
        "yaml.unsafe_load",
        "yaml.full_load",
        "yaml.unsafe_load_all",
        "torch.hub.load",
    ),
    *(
        "torch.jit.load",
        "torch.package.PackageImporter",
        "tarfile.TarFile.extractall",
        "shutil.unpack_archive",
    ),
}
# Whatever object they belong to.
FORBIDDEN_METHODS = {"extractall", "read_pickle", "unpack_archive"}


def code() -> list[Path]:
    folders = ("src", "scripts", "benchmarks", "workflow", "notebooks")
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_name(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def _keyword(call: ast.Call, name: str) -> object:
    found = [word.value for word in call.keywords if word.arg == name]
    return found[0].value if found and isinstance(found[0], ast.Constant) else None


def _modules(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []


def problems(source: str) -> Iterator[str]:
    """Say what is dangerous in a piece of Python."""
    for node in ast.walk(ast.parse(source)):
        yield from (
            f"imports {module}" for module in _modules(node) if module.split(".")[0] in FORBIDDEN_MODULES
        )
        if not isinstance(node, ast.Call):
            continue
        name = _name(node.func)
        last = name.rsplit(".", 1)[-1]
        if name in FORBIDDEN_NAMES | FORBIDDEN_CALLS or ("." in name and last in FORBIDDEN_METHODS):
            yield f"calls {name}"
        if name in ("torch.load", "torch.serialization.load") and _keyword(node, "weights_only") is not True:
            yield "calls torch.load without weights_only=True"
        if last in ("load", "fromfile", "memmap") and _keyword(node, "allow_pickle"):
            yield f"calls {name} with allow_pickle=True"
        if _keyword(node, "shell"):
            yield f"calls {name} with shell=True"


@pytest.mark.parametrize("path", code(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_this_file_is_harmless(path: Path) -> None:
    assert list(problems(path.read_text(encoding="utf-8"))) == []


def test_there_is_code_to_look_at() -> None:
    assert len(code()) > 100


@pytest.mark.parametrize(
    "source",
    [
        *(
            "import pickle",
            "from pickle import loads",
            "import joblib",
            "import marshal.x",
            "eval('1')",
            "exec(text)",
        ),
        *("torch.load(path)", "torch.load(path, weights_only=False)", "np.load(path, allow_pickle=True)"),
        *("pd.read_pickle(path)", "yaml.load(text, Loader=yaml.Loader)", "yaml.full_load(text)"),
        *("subprocess.run(text, shell=True)", "os.system(text)", "archive.extractall(folder)"),
    ],
)
def test_the_search_finds_it(source: str) -> None:
    assert list(problems(source))


@pytest.mark.parametrize(
    "source",
    [
        "torch.load(path, weights_only=True)",
        "np.load(path)",
        "yaml.safe_load(text)",
        "model.eval()",
        "json.load(file)",
    ],
)
def test_the_search_leaves_alone(source: str) -> None:
    assert not list(problems(source))
