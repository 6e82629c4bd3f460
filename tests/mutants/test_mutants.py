"""Each planted bug is caught by its check, which passes without it."""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch

from inference_gaps.models.mlp import MlpGenerator
from inference_gaps.posteriors import gaussian
from inference_gaps.posteriors.gaussian import standard_normal_log_prob
from tests.mutants.catalogue import CHECKS, MUTANTS
from tests.mutants.mutant import Check, Mutant
from tests.mutants.planting import innermost, planted

# One of the checks asks for the standard deviation of one number.
pytestmark = pytest.mark.filterwarnings("ignore:std\\(\\):UserWarning")

_CONSTANT = "z.square().sum(-1) + z.shape[-1] * _LOG_2PI", "z.square().sum(-1)"


@contextmanager
def _planted(mutant: Mutant) -> Iterator[None]:
    with planted(mutant.function, mutant.old, mutant.new):
        yield


def _is_run_as_it_is(check: Check) -> bool:
    """Whether the very call of a check is a test of the suite: without fixtures, with arguments of its own."""
    if set(inspect.signature(check.function).parameters) != set(check.arguments):
        return False
    found = set()
    for mark in getattr(check.function, "pytestmark", []):
        if mark.name == "parametrize":
            names = [mark.args[0]] if isinstance(mark.args[0], str) else list(mark.args[0])
            given = tuple(check.arguments[name] for name in names)
            cases = [getattr(case, "values", case) for case in mark.args[1]]
            found |= set(names) if given in [case if len(names) > 1 else (case,) for case in cases] else set()
    return found == set(check.arguments)


@pytest.mark.parametrize("name", [name for name, check in CHECKS.items() if not _is_run_as_it_is(check)])
def test_checks_pass_without_a_bug(name: str) -> None:
    """Those that the suite does not run as they are."""
    CHECKS[name].run()


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_bug_is_caught_and_gone_afterwards(mutant: Mutant) -> None:
    before = innermost(mutant.function).__code__
    with _planted(mutant), pytest.raises(AssertionError):
        mutant.check.run()
    assert innermost(mutant.function).__code__ is before


def test_every_bug_has_a_name_of_its_own() -> None:
    names = [mutant.name for mutant in MUTANTS]
    assert len(set(names)) == len(names)


def test_a_planted_function_is_the_same_object_for_every_importer() -> None:
    z = torch.zeros(1, 2)
    with planted(standard_normal_log_prob, *_CONSTANT):
        assert gaussian.standard_normal_log_prob(z).item() == 0
        assert standard_normal_log_prob(z).item() == 0
        assert gaussian.reparameterise(z, z, z)[1].item() == 0
    assert standard_normal_log_prob(z).item() == pytest.approx(-torch.tensor(2 * torch.pi).log().item())


def test_a_bug_is_taken_out_when_the_block_fails() -> None:
    code = innermost(standard_normal_log_prob).__code__

    def fail() -> None:
        with planted(standard_normal_log_prob, *_CONSTANT):
            raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"):
        fail()
    assert innermost(standard_normal_log_prob).__code__ is code


def test_decorators_stay_around_a_planted_function() -> None:
    generator = MlpGenerator(2, [3], 4, "elu")
    x, z = torch.ones(1, 4), torch.zeros(1, 1, 2)
    with planted(
        MlpGenerator.log_joint_gradient,
        "return value, self._unfolded(gradient, z) - z",
        "return value, self._unfolded(gradient, z) - 1",
    ):
        value, _ = generator.log_joint_gradient(x, z)
    assert value is not None
    assert not value.requires_grad


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("nowhere", "else", "occurs 0 times in standard_normal_log_prob, not once"),
        ("z", "y", r"occurs \d+ times"),
        ("-0.5 * (", "-0.5  * (", "is the same program"),
    ],
)
def test_a_bug_that_cannot_be_planted_is_an_error(old: str, new: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence), planted(standard_normal_log_prob, old, new):
        pass
