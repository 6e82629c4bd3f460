"""Test the door for other people's models beside the packages that such models come from.

    python scripts/test_packages.py [FOLDER]

In an environment of its own, FOLDER (default: .venv-packages), which is made where it is missing: Pythae, diffusers
and scikit-learn are installed first, then this project. That must change the version of no package, and bring none
of those that only the replication needs. Then the import is timed, and tests/foreign/test_other_packages.py runs.
Needs a network, a few minutes and 2 GB.
"""

import re
import subprocess
import sys
import venv
from pathlib import Path

__all__ = ["main"]

TOP = Path(__file__).resolve().parents[1]
# Pythae is the version whose numbers are to be met.
_BESIDE = ("pythae==0.1.2", "diffusers", "scikit-learn", "pytest")
_REPLICATION = {"snakemake", "typst", "jupyterlab", "jupyter-client", "nbclient", "nbconvert"}
_MOST_SECONDS = 1.0
_TIMED = """
import time, torch
start = time.process_time()
import inference_gaps as gaps
gaps.measure, gaps.Vae, gaps.Gaussian
print(time.process_time() - start)
"""


def _run(*command: str | Path) -> str:
    return subprocess.run(
        [str(word) for word in command], cwd=TOP, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def main() -> None:
    """Install, compare, test."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else TOP / ".venv-packages")
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    pinned = re.findall(r"^torch==.*$", (TOP / "requirements.lock").read_text(encoding="utf-8"), re.MULTILINE)
    pip = (python, "-m", "pip", "--disable-pip-version-check")
    _run(*pip, "install", "--quiet", *pinned)
    _run(*pip, "install", "--quiet", *pinned, *_BESIDE)
    _run(*pip, "uninstall", "--quiet", "--yes", "inference-gaps")
    before = _run(*pip, "freeze", "--exclude", "inference-gaps").splitlines()
    _run(*pip, "install", "--quiet", "--editable", TOP)
    after = _run(*pip, "freeze", "--exclude", "inference-gaps").splitlines()
    if changed := sorted({*before} - {*after}):
        sys.exit(
            f"Installing this project changed {', '.join(changed)}; loosen its ranges in pyproject.toml."
        )
    if needless := _REPLICATION & {line.partition("==")[0].lower() for line in {*after} - {*before}}:
        sys.exit(
            f"Installing the library brought {', '.join(sorted(needless))}; only the replication needs it."
        )
    print(f"{len(before)} packages kept their versions, {len(after) - len(before)} were added.")
    seconds = min(float(_run(python, "-c", _TIMED)) for _ in range(3))
    print(f"The import takes {seconds:.2f} s of processor time beyond that of PyTorch.")
    if seconds > _MOST_SECONDS:
        sys.exit(f"It may take {_MOST_SECONDS:g}; see what inference_gaps.foreign.measure imports.")
    tests = subprocess.run([str(python), "-m", "pytest", "tests/foreign/test_other_packages.py"], cwd=TOP)
    sys.exit(tests.returncode)


if __name__ == "__main__":
    main()
