"""Settings of all tests: one thread, so that results do not depend on the load; mathematics in double precision."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from inference_gaps.replication.own_code import code_of_another_folder

_MATHEMATICS = {"bounds", "exact", "models", "mutants", "posteriors", "training"}


def pytest_configure() -> None:
    if another := code_of_another_folder(Path(__file__).parents[1]):
        pytest.exit(another, returncode=1)
    # What a shell starts in the background ignores Ctrl-C, and so would the runs that tests interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _double_precision(request: pytest.FixtureRequest) -> Iterator[None]:
    import torch

    torch.set_default_dtype(torch.float64 if request.path.parent.name in _MATHEMATICS else torch.float32)
    yield
    torch.set_default_dtype(torch.float32)
