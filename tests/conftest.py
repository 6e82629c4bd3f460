"""Settings of all tests: one thread, so that results and times do not depend on the machine's load."""

from pathlib import Path

import pytest

from inference_gaps.replication.own_code import code_of_another_folder


def pytest_configure() -> None:
    if another := code_of_another_folder(Path(__file__).parents[1]):
        pytest.exit(another, returncode=1)


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)
