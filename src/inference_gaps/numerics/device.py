"""Where a job computes: device, threads, and the random numbers of the job."""

import ctypes
import platform

import numpy as np
import torch

from inference_gaps.errors import UserError

__all__ = ["keep_freed_memory", "random_generator", "set_up"]

# Of mallopt, in <malloc.h>.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3


def set_up(device: str = "auto", threads: int = 1) -> torch.device:
    """Make this process ready to compute.

    Args:
        device: ``auto``, ``cpu`` or ``cuda``.
        threads: on a CPU.

    Returns:
        The device; for ``auto`` a GPU where there is one.

    Raises:
        UserError: ``cuda`` was asked for and there is none.
    """
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    keep_freed_memory()
    # Products of convolutions would otherwise lose digits on a GPU; bounds are differences of large numbers.
    torch.backends.cudnn.allow_tf32 = False
    available = torch.cuda.is_available()
    if device == "cuda" and not available:
        raise UserError(
            "device is cuda, but PyTorch sees no GPU here; write device: auto or device: cpu, or install a "
            "PyTorch build and driver that fit the GPU."
        )
    return torch.device("cuda" if available and device != "cpu" else "cpu")


def keep_freed_memory() -> None:
    """Let this process keep the memory that it frees, where the C library is glibc; nothing elsewhere.

    Activations are allocated and freed with every operation. Given back to the system each time, their pages are
    faulted in and zeroed anew each time, which takes up to half of the time of a pass through a perceptron.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    library = ctypes.CDLL(None)
    # Older versions refuse a threshold above 32 MB.
    for threshold in (2**25, 2**30):
        library.mallopt(_MMAP_THRESHOLD, threshold)
    library.mallopt(_TRIM_THRESHOLD, 2**31 - 1)


def random_generator(seed: int, device: torch.device | str = "cpu", stream: int = 0) -> torch.Generator:
    """Return a generator on ``device`` for one of the random ``stream``s of a job seeded with ``seed``.

    PyTorch's generator on a CPU looks at 32 bits of its seed, so both numbers are hashed into as many.
    """
    mixed = np.random.SeedSequence([seed, stream]).generate_state(1)
    return torch.Generator(device=device).manual_seed(int(mixed[0]))
