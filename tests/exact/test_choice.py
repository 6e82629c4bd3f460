"""Which images are shown: by their gaps alone."""

import numpy as np
import pytest

from inference_gaps.errors import UserError
from inference_gaps.exact.choice import LARGEST_APPROXIMATION, choose_images

AMORTIZATION = np.array([5.0, 1.0, 3.0, 2.0, 4.0, 0.0, 6.0, 7.0, 8.0, 9.0, 10.0])


def test_images_lie_at_percentiles_and_the_last_has_the_largest_approximation_gap() -> None:
    approximation = np.zeros(11)
    approximation[2] = 1.0
    chosen = choose_images(approximation, AMORTIZATION, 4)
    assert [AMORTIZATION[point] for point in chosen] == [1.0, 5.0, 9.0, 3.0]
    assert list(chosen.values()) == [
        "10th percentile of the amortization gap",
        "50th percentile of the amortization gap",
        "90th percentile of the amortization gap",
        LARGEST_APPROXIMATION,
    ]


def test_no_image_is_shown_twice() -> None:
    approximation = np.zeros(11)
    approximation[0] = 9.0
    approximation[3] = 8.0
    chosen = choose_images(approximation, AMORTIZATION, 4)
    assert len(chosen) == 4
    assert list(chosen)[-1] == 3


def test_two_images_are_the_median_and_the_other() -> None:
    chosen = choose_images(np.arange(11.0), AMORTIZATION, 2)
    assert [AMORTIZATION[point] for point in chosen] == [5.0, 10.0]


def test_more_than_there_are_is_a_sentence() -> None:
    with pytest.raises(UserError, match="5 images are to be chosen among 3"):
        choose_images(np.zeros(3), np.zeros(3), 5)
