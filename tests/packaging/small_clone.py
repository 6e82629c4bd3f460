"""A clone of the project whose environment is there, without anything being installed."""

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from tests.small_project import ROOT

__all__ = ["REAL_VERSION", "make", "make_clone", "make_environment", "make_python"]

REAL_VERSION = " ".join(map(str, sys.version_info[:3]))

_OF_THE_USER = ("PRESET", "DATA", "COPIES", "FRESH", "CORES", "PROFILE", "VIRTUAL_ENV")
_PIP = """
import sys
with open("pip.txt", "a") as said:
    print(*sys.argv[1:], file=said)
"""
_SNAKEMAKE = """
import os
import sys
def main(words):
    sys.stdout.buffer.write(b"".join(b"[" + os.fsencode(word) + b"]" for word in words))
    sys.stdout.flush()
"""
_PYTHON = """\
#!/bin/sh
case "$*" in
    "-I -m venv"*)
        cd {root} && exec {own} -c "
from pathlib import Path
from tests.packaging.small_clone import make_environment
make_environment(Path('$4').parent)"
        ;;
    *"print(*sys.version_info[:3])") echo {version} ;;
    *) exec {real} "$@" ;;
esac
"""
_COMMAND = "import sys; from inference_gaps.__main__ import main; sys.exit(main())"


def make_clone(top: Path) -> Path:
    """Copy what make needs, the sources included, below ``top``; return ``top``."""
    top.mkdir(exist_ok=True)
    for name in ("Makefile", "Snakefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, top)
    for name in ("config", "scripts", "workflow", "src"):
        ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
        shutil.copytree(ROOT / name, top / name, ignore=ignored)
    return top


def make_environment(top: Path) -> None:
    """Give a clone an environment that runs its own code on the packages of this one.

    Its Snakemake only prints what it was given.
    """
    programs = top / ".venv/bin"
    packages = top / f".venv/lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
    for folder in (programs, packages):
        folder.mkdir(parents=True)
    base = Path(os.path.realpath(sys.executable))
    (top / ".venv/pyvenv.cfg").write_text(f"home = {base.parent}\n")
    (programs / "python").symlink_to(base)
    (packages / "all.pth").write_text(f"{top / 'src'}\n{sysconfig.get_paths()['purelib']}\n")
    _program(programs / "inference-gaps", f'exec "{programs}/python" -c "{_COMMAND}" "$@"')
    # They stand before the real ones, and say or note what they were to do.
    for name, module, content in (("pip", "__main__", _PIP), ("snakemake", "cli", _SNAKEMAKE)):
        (packages / name).mkdir()
        (packages / name / "__init__.py").touch()
        (packages / name / f"{module}.py").write_text(content)


def make_python(path: Path, version: str = REAL_VERSION) -> Path:
    """Write a Python that makes environments without installing anything; return its path."""
    # The code of the tests needs the packages of this environment; a new one is made with the Python below it.
    places = {"root": str(ROOT), "own": sys.executable, "real": os.path.realpath(sys.executable)}
    quoted = {name: shlex.quote(place) for name, place in places.items()}
    path.write_text(_PYTHON.format(version=version, **quoted))
    path.chmod(0o755)
    return path


def _program(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)


def make(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run make in a folder, in an environment that says nothing of this run of the tests."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in _OF_THE_USER and not name.startswith(("MAKE", "PYTEST", "PYTHON"))
    }
    return subprocess.run(
        ["make", *arguments],
        cwd=folder,
        env=inherited | {"PIP_NO_INDEX": "1"} | variables,
        capture_output=True,
        text=True,
        timeout=60,
    )
