"""Where a job computes, by its flags."""

import argparse

import torch

from inference_gaps.errors import UserError
from inference_gaps.numerics.device import set_up

__all__ = ["device_of"]


def device_of(options: argparse.Namespace) -> torch.device:
    """Apply ``--device`` and ``--threads`` and return the device.

    Raises:
        UserError: there is no GPU to be had, or the number of threads is not positive.
    """
    if options.threads < 1:
        raise UserError(f"--threads is {options.threads}; write a number of at least 1.")
    return set_up(options.device, options.threads)
