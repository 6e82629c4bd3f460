"""What the tests of bounds share."""

import pytest
import torch

from tests.linear_gaussian import LinearGaussian


@pytest.fixture
def rng() -> torch.Generator:
    return torch.Generator().manual_seed(3)


@pytest.fixture
def linear() -> LinearGaussian:
    return LinearGaussian(3, 6)
