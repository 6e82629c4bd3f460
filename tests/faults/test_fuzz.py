"""Whatever stands in the configuration or in ``--spec``: a plan or a specification comes out, or sentences."""

import contextlib
import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from inference_gaps.errors import UserError
from inference_gaps.replication.config.sentences import spec_sentences
from inference_gaps.replication.study.plan import Study, load_study
from inference_gaps.specs.base import InvalidSpec, Spec
from inference_gaps.specs.bounds import LocalSpec
from tests.faults.mutations import mutated, mutated_text
from tests.faults.specs import VALID_SPECS
from tests.small_project import ROOT, link_project

FILES = ("config.yaml", "presets/quick.yaml", "experiments.yaml", "datasets.yaml")
TEXTS = {name: (ROOT / "config" / name).read_text() for name in FILES}
# What a sentence may name: a file of the configuration, a folder of data, or a key that several files decide.
PLACES = ("config/", "the folder ", "convergence.points", "data/embedded/")
MOST_SECONDS = 60


class _Hangs(Exception):
    """An example takes so long that it would never end."""


@contextlib.contextmanager
def in_bounded_time() -> Iterator[None]:
    def stop(signum: int, frame: FrameType | None) -> None:
        raise _Hangs

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(MOST_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def examples(number: int) -> Callable[[Any], Any]:
    """Run as many examples, the same ones in each run, and keep no files of them."""
    return settings(
        max_examples=number,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with files of configuration that may be overwritten."""
    return link_project(tmp_path_factory.mktemp("fuzz"))


def plan_or_sentences(project: Path, name: str, content: bytes) -> None:
    file = project / "config" / name
    refusal = ""
    try:
        file.write_bytes(content)
        with in_bounded_time():
            assert isinstance(load_study({}, project), Study)
    except UserError as error:
        refusal = str(error)
    finally:
        file.write_text(TEXTS[name])
    if refusal:
        first, *problems = refusal.splitlines()
        assert first.endswith("nothing was started.")
        assert problems
        assert all(any(place in problem for place in PLACES) for problem in problems), refusal


_FILE_AND_CONTENT = st.sampled_from(FILES).flatmap(
    lambda name: st.tuples(st.just(name), mutated(yaml.safe_load(TEXTS[name])))
)
_FILE_AND_TEXT = st.sampled_from(FILES).flatmap(
    lambda name: st.tuples(st.just(name), mutated_text(TEXTS[name]))
)


def _configuration(project: Path, drawn: tuple[str, Any]) -> None:
    name, content = drawn
    plan_or_sentences(project, name, yaml.safe_dump(content, allow_unicode=False).encode())


def _text(project: Path, drawn: tuple[str, bytes]) -> None:
    plan_or_sentences(project, *drawn)


@pytest.mark.parametrize("family", [[], {}])
def test_a_family_that_is_no_text(family: Any) -> None:
    spec_or_sentences(LocalSpec, json.dumps({"family": family}))


def spec_or_sentences(spec: type[Spec], text: str) -> None:
    refusal = "--spec"
    with in_bounded_time():
        try:
            assert isinstance(spec.from_argument(text), spec)
        except InvalidSpec as error:
            refusal = spec_sentences(error)
        except UserError as error:
            refusal = str(error)
    assert refusal.startswith("--spec")


_SPECS = st.sampled_from(sorted(VALID_SPECS, key=lambda spec: spec.__name__))
_SPEC_AND_CONTENT = _SPECS.flatmap(
    lambda spec: st.tuples(st.just(spec), mutated(VALID_SPECS[spec].as_dict()))
)
_SPEC_AND_TEXT = _SPECS.flatmap(
    lambda spec: st.tuples(st.just(spec), mutated_text(VALID_SPECS[spec].as_json()))
)


@given(drawn=_FILE_AND_CONTENT)
@examples(30)
def test_mutations_of_the_configuration(project: Path, drawn: tuple[str, Any]) -> None:
    _configuration(project, drawn)


@given(drawn=_FILE_AND_TEXT)
@examples(30)
def test_mutations_of_the_text_of_the_configuration(project: Path, drawn: tuple[str, bytes]) -> None:
    _text(project, drawn)


@given(drawn=_SPEC_AND_CONTENT)
@examples(150)
def test_mutations_of_specifications(drawn: tuple[type[Spec], Any]) -> None:
    spec_or_sentences(drawn[0], json.dumps(drawn[1], default=str))


@given(drawn=_SPEC_AND_TEXT)
@examples(150)
def test_mutations_of_the_text_of_specifications(drawn: tuple[type[Spec], bytes]) -> None:
    spec_or_sentences(drawn[0], drawn[1].decode(errors="surrogateescape"))


@pytest.mark.faults
@given(drawn=_FILE_AND_CONTENT)
@examples(600)
def test_many_mutations_of_the_configuration(project: Path, drawn: tuple[str, Any]) -> None:
    _configuration(project, drawn)


@pytest.mark.faults
@given(drawn=_FILE_AND_TEXT)
@examples(600)
def test_many_mutations_of_the_text_of_the_configuration(project: Path, drawn: tuple[str, bytes]) -> None:
    _text(project, drawn)


@pytest.mark.faults
@given(drawn=_SPEC_AND_CONTENT)
@examples(3000)
def test_many_mutations_of_specifications(drawn: tuple[type[Spec], Any]) -> None:
    spec_or_sentences(drawn[0], json.dumps(drawn[1], default=str))
