"""Settings of all tests: one thread, so that results and times do not depend on the machine's load."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)
