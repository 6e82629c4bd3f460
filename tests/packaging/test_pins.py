"""One list of pinned packages: requirements.lock; pyproject.toml and environment.yml agree with it."""

import re
import subprocess
import tomllib
from importlib.metadata import PackageNotFoundError, metadata, requires, version

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tests.small_project import ROOT

LOCK = (ROOT / "requirements.lock").read_text().splitlines()
PINS = {canonicalize_name(name): pin for name, pin in (line.split("==") for line in LOCK)}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_every_line_of_the_lock_is_an_exact_public_version() -> None:
    assert [line for line in LOCK if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.!]*", line)] == []
    assert len(PINS) == len(LOCK)
    # The packages of PyTorch for one kind of GPU, and this project itself.
    assert [name for name in PINS if re.match("nvidia|cuda|triton|inference-gaps", name)] == []


EXTRAS = PROJECT["optional-dependencies"]


@pytest.mark.parametrize("line", [*EXTRAS["replication"], *EXTRAS["test"]])
def test_direct_dependencies_have_the_pins_of_the_lock(line: str) -> None:
    requirement = Requirement(line)
    assert str(requirement.specifier) == f"=={PINS[canonicalize_name(requirement.name)]}"


def test_the_library_takes_ranges_that_hold_the_pins_of_the_replication() -> None:
    """Installed beside the packages of a user, it changes none of them."""
    pinned = {canonicalize_name(Requirement(line).name) for line in EXTRAS["replication"]}
    for requirement in map(Requirement, PROJECT["dependencies"]):
        name = canonicalize_name(requirement.name)
        assert {each.operator for each in requirement.specifier} == {">="}
        assert name in pinned
        assert requirement.specifier.contains(PINS[name])


@pytest.mark.parametrize("name", sorted(PINS))
def test_what_a_pinned_package_needs_is_pinned(name: str) -> None:
    try:
        needed = [Requirement(line) for line in requires(name) or []]
    except PackageNotFoundError:
        pytest.fail(f"{name} is not installed; run make")
    for requirement in needed:
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            pin = PINS.get(canonicalize_name(requirement.name))
            unpinned_with_torch = re.match("nvidia|cuda|triton|setuptools", requirement.name)
            assert unpinned_with_torch or (pin and requirement.specifier.contains(pin)), requirement


@pytest.mark.parametrize("name", sorted(PINS))
def test_a_pin_is_for_every_python_that_the_project_is_for(name: str) -> None:
    """Debian 12, for one, has Python 3.11.2."""
    oldest = PROJECT["requires-python"].removeprefix(">=") + ".0"
    assert SpecifierSet(metadata(name).get("Requires-Python", "")).contains(oldest)


def test_the_environment_is_the_one_of_the_lock() -> None:
    assert {name: version(name).split("+")[0] for name in PINS} == PINS


def test_conda_users_get_the_same_packages() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python, pip, by_pip = environment["dependencies"]
    assert pip == "pip"
    assert by_pip == {"pip": ["-r requirements.lock", "-e ."]}
    assert Requirement(f"python{PROJECT['requires-python']}").specifier.contains(
        python.removeprefix("python=")
    )


def test_every_clone_has_the_same_bytes() -> None:
    """No text has other ends of lines than LF, and what is no text is marked as such."""
    asked = subprocess.run(["git", "ls-files", "--eol"], cwd=ROOT, capture_output=True, text=True)
    if asked.returncode:
        pytest.skip("this folder is not a clone")
    files = [line.split("\t") for line in asked.stdout.splitlines()]
    odd = [name for found, name in files if "crlf" in found or "mixed" in found]
    unmarked = [name for found, name in files if found.startswith("i/-text") and "attr/-text" not in found]
    assert len(files) > 400
    assert odd + unmarked == []
