"""What a planted bug and its check are."""

import inspect
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from inference_gaps.models.mlp import MlpGenerator
from tests.linear_gaussian import LinearGaussian
from tests.small_project import make_project

__all__ = ["Check", "Mutant"]


def _generator(folded: bool = False) -> MlpGenerator:
    torch.manual_seed(1)
    return MlpGenerator(4, [6, 5], 9, "elu", folded=folded).requires_grad_(False)


# What the fixtures of the same names give, so that a test can be called without its runner.
_FIXTURES: Mapping[str, Callable[[], Any]] = {
    "tmp_path": lambda: Path(tempfile.mkdtemp()),
    "project": lambda: make_project(Path(tempfile.mkdtemp())),
    "rng": lambda: torch.Generator().manual_seed(3),
    "linear": lambda: LinearGaussian(3, 6),
    "generator": _generator,
    "folded": lambda: _generator(folded=True),
}


@dataclass(frozen=True)
class Check:
    """A test function, and the values of its parameters that are no fixtures.

    ``fixtures`` names a fixture for a parameter of another name.
    """

    function: Callable[..., None]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    fixtures: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The test as its runner would name it."""
        values = [*self.arguments.values(), *self.fixtures.values()]
        return self.function.__name__ + (f"[{'-'.join(map(str, values))}]" if values else "")

    def run(self) -> None:
        """Call the test; it raises AssertionError where it fails."""
        needed = set(inspect.signature(self.function).parameters) - set(self.arguments)
        made = {name: _FIXTURES[self.fixtures.get(name, name)]() for name in needed}
        self.function(**self.arguments, **made)


@dataclass(frozen=True)
class Mutant:
    """A bug: ``old`` becomes ``new`` in the source of ``function``, which ``check`` must notice."""

    name: str
    description: str
    function: Callable[..., Any]
    old: str
    new: str
    check: Check
