"""Mathematics is tested in double precision."""

from collections.abc import Iterator

import pytest
import torch

from tests.linear_gaussian import LinearGaussian


@pytest.fixture(autouse=True)
def _double_precision() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture
def rng() -> torch.Generator:
    return torch.Generator().manual_seed(3)


@pytest.fixture
def linear() -> LinearGaussian:
    return LinearGaussian(3, 6)
