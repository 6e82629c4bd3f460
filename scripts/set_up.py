"""Make .venv what this folder needs, or leave it as it is; ``make`` calls this before anything else.

    [PYTHON=python3.12] python -I scripts/set_up.py

An environment belongs to the folder that it was made in, to one Python and to the packages of requirements.lock;
.venv/.ready says to which. In a folder that was copied or moved, or where that Python is gone or another one is
named, it is made anew; where only the packages differ, they are installed.
"""

import signal

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    # Ctrl-C ends it without a traceback; the next call makes what is missing.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
# Only what needs no package is imported from there.
sys.path.insert(0, str(TOP / "src"))

from inference_gaps.replication.jobs.run_lock import hold_run, running  # noqa: E402

__all__ = ["main"]

_VENV = TOP / ".venv"
_READY = _VENV / ".ready"
_OWN_PYTHON = str(_VENV / "bin" / "python")
_NEEDED = (3, 11)
_VERSION = "import sys; print(*sys.version_info[:3])"
_ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}


class _Refused(Exception):
    """Its text is a sentence for the user."""


def _version(python: str) -> tuple[int, ...]:
    """Return the version of an interpreter; nothing if it does not run."""
    try:
        said = subprocess.run([python, "-I", "-c", _VERSION], capture_output=True, text=True, check=True)
        return tuple(map(int, said.stdout.split()))
    except (OSError, ValueError, subprocess.CalledProcessError):
        return ()


def _packages() -> str:
    """Return the digest of what is to be installed."""
    content = [(TOP / name).read_bytes() for name in ("requirements.lock", "pyproject.toml")]
    return hashlib.sha256(b"\0".join(content)).hexdigest()


def _stamp() -> dict[str, str]:
    try:
        content = json.loads(_READY.read_text(encoding="utf-8"))
        return content if isinstance(content, dict) else {}
    except (OSError, ValueError):
        return {}


def _write_stamp(python: str, packages: str) -> None:
    content = {"folder": str(TOP), "python": python, "packages": packages}
    _READY.write_text(json.dumps(content) + "\n", encoding="utf-8")


def _why_anew(stamp: dict[str, str], given: str) -> str:
    """Return why the environment that is there is not the one for this folder; nothing if it is."""
    version = sys.version_info[:3] if sys.executable == _OWN_PYTHON else _version(_OWN_PYTHON)
    if not stamp:
        return "it does not say which folder it was made for"
    if stamp.get("folder") != str(TOP):
        return f"it was made for {stamp.get('folder')}"
    if not version or not (_VENV / "lib" / f"python{version[0]}.{version[1]}").is_dir():
        return "the Python that it was made with is gone"
    if given and _version(given) != version:
        return f"it was made with Python {'.'.join(map(str, version))}"
    return ""


def _python_for(stamp: dict[str, str], given: str) -> str:
    """Return the interpreter for a new environment: the one that is named, else the one that there was."""
    if given:
        return given
    before = stamp.get("python", "")
    here = getattr(sys, "_base_executable", sys.executable)
    return before if _version(before)[:2] >= _NEEDED else here


def _remove() -> None:
    if _VENV.is_symlink():
        _VENV.unlink()
    else:
        shutil.rmtree(_VENV)


def _make(python: str) -> None:
    """Make an empty environment; what it is for is written first, so that one that was interrupted is known."""
    _VENV.mkdir(exist_ok=True)
    _write_stamp(python, "")
    if subprocess.run([python, "-I", "-m", "venv", str(_VENV)], env=_ENVIRONMENT).returncode:
        _remove()
        raise _Refused(
            f"{python} cannot make an environment; install its venv module (on Debian: apt install python3-venv)."
        )


def _install() -> None:
    print(
        "Installing the packages of requirements.lock into .venv; the first time this takes some minutes.",
        flush=True,
    )
    pins = (TOP / "requirements.lock").read_text(encoding="utf-8").splitlines()
    # PyTorch first: alone, pip takes the build that fits the machine (for a GPU or not).
    torch = [pin for pin in pins if pin.startswith("torch==")]
    for what in (torch, ["--requirement", "requirements.lock"], ["--no-deps", "--editable", "."]):
        command = [_OWN_PYTHON, "-I", "-m", "pip", "-qq", "--disable-pip-version-check", "install", *what]
        if subprocess.run(command, cwd=TOP, env=_ENVIRONMENT).returncode:
            raise _Refused(
                "the packages could not be installed, see above; put that right, then run the same command again."
            )


def _hold() -> None:
    try:
        free = hold_run(TOP / ".snakemake")
    except OSError as error:
        raise _Refused(f"{TOP} cannot be locked ({error.strerror}); make it writable.") from error
    if not free:
        raise _Refused(
            f".venv has to be set up, but a run is going on in this folder ({running(TOP / '.snakemake')}); wait "
            f"until it has ended, or stop it."
        )


def _set_up(given: str) -> None:
    stamp, packages = _stamp(), _packages()
    there = os.path.lexists(_VENV)
    if there and not _READY.exists() and (_VENV.is_symlink() or any(_VENV.iterdir())):
        raise _Refused(".venv was made by something else; move it away, then run the same command again.")
    reason = _why_anew(stamp, given) if there else ""
    if there and not reason and stamp["packages"] == packages:
        return
    _hold()
    python = stamp.get("python", "")
    if reason or not there:
        python = _python_for(stamp, given)
        if there:
            print(f".venv is made anew: {reason}.", flush=True)
            _remove()
        _make(python)
    _install()
    _write_stamp(python, packages)


def main() -> int:
    """Set up what has to be; return the exit status."""
    given = os.environ.get("PYTHON", "")
    try:
        _set_up(shutil.which(given) or given)
    except _Refused as refused:
        print(f"make: {refused}", file=sys.stderr)
        return 1
    except OSError as error:
        print(
            f"make: {error.filename or '.venv'}: {error.strerror}; .venv could not be set up.",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
