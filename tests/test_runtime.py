"""Where a job computes, and its random numbers."""

import platform
import resource

import pytest
import torch

from inference_gaps.errors import UserError
from inference_gaps.numerics.device import keep_freed_memory, random_generator, set_up


def test_a_gpu_that_is_not_there_is_a_sentence() -> None:
    if torch.cuda.is_available():
        assert set_up("cuda").type == "cuda"
    else:
        with pytest.raises(UserError, match="PyTorch sees no GPU here; write device: auto or device: cpu"):
            set_up("cuda")


def test_streams_and_seeds_share_no_random_numbers() -> None:
    draws = [
        torch.rand(1000, generator=random_generator(seed, stream=stream), dtype=torch.float64)
        for seed in (0, 1, 2**31 - 1)
        for stream in (0, 1, 2)
    ]
    everything = torch.cat(draws)
    assert len(everything.unique()) == len(everything)
    again = torch.rand(1000, generator=random_generator(1, stream=2), dtype=torch.float64)
    assert torch.equal(again, draws[5])


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="elsewhere nothing is done")
def test_pages_of_freed_tensors_are_not_fetched_again() -> None:
    keep_freed_memory()
    rows = torch.rand(2048, 784)
    # The first few fragments beside a freed block are kept apart, so that it takes some rounds to be found again.
    for _ in range(20):
        rows.exp()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        rows.exp()
    pages = 20 * rows.nbytes // resource.getpagesize()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before < pages / 10
