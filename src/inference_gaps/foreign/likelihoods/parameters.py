"""Parameters of a likelihood, from what a decoder returned or from a user, and in which shape."""

import math
from typing import Any

import torch
from torch import Tensor

from inference_gaps.errors import UserError

__all__ = ["alike", "broadcast", "kind_of", "pair_of", "positive", "summed", "tensor_of"]


def tensor_of(value: Any, what: str, example: str) -> Tensor:
    if not isinstance(value, Tensor):
        raise UserError(
            f"The likelihood needs {what} from decode, which returned {kind_of(value)}; let decode return "
            f"{example}."
        )
    return value


def kind_of(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    if isinstance(value, tuple | list):
        return f"a {type(value).__name__} of {len(value)}"
    return f"an object of type {type(value).__name__}"


def pair_of(decoded: Any, first: str, second: str) -> tuple[Tensor, Tensor]:
    if not isinstance(decoded, tuple | list) or len(decoded) != 2:
        raise UserError(
            f"The likelihood needs the pair ({first}, {second}) from decode, which returned {kind_of(decoded)}; "
            f"let decode return such a pair, or give the likelihood a fixed value."
        )
    return tensor_of(decoded[0], first, first), tensor_of(decoded[1], second, second)


def alike(x: Tensor, value: Tensor, what: str) -> Tensor:
    """Return ``value`` in the shape of x; one of both may be flat, anything else would be a guess."""
    if value.shape == x.shape:
        return value
    flat = x.dim() == 2 or value.dim() == 2
    if len(value) == len(x) and value.numel() == x.numel() and flat:
        return value.reshape(x.shape)
    raise UserError(
        f"decode gives {what} of shape {tuple(value.shape[1:])} per data point, but a data point of x has shape "
        f"{tuple(x.shape[1:])}; bring both to the same shape, in decode or in x."
    )


def summed(terms: Tensor) -> Tensor:
    """Sum over all but the first dimension; long sums lose digits in single precision."""
    flat = terms.reshape(len(terms), -1)
    return flat.sum(1, dtype=torch.float64).to(terms.dtype)


def positive(value: float | Tensor, name: str) -> Tensor:
    try:
        tensor = torch.as_tensor(value).detach()
    except (TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"{name} is {value!r}; write a positive number, or a tensor of them.") from error
    if tensor.numel() == 0 or not bool((torch.isfinite(tensor) & (tensor > 0)).all()):
        raise UserError(
            f"{name} is not a positive number everywhere; a learned log sigma has to be given as log_sigma.exp()."
        )
    return tensor


def broadcast(value: Tensor, x: Tensor, name: str) -> Tensor:
    """Return a fixed parameter, a number or one for each element of a data point, ready for x [N, ...]."""
    value = value.to(x)
    if value.numel() == 1:
        return value.reshape(())
    shape = x.shape[1:]
    if value.numel() == math.prod(shape) and (value.dim() == 1 or len(shape) == 1 or value.shape == shape):
        return value.reshape(shape)
    try:
        if torch.broadcast_shapes(value.shape, shape) == shape and value.dim() == len(shape):
            return value.expand(shape)
    except RuntimeError:
        pass
    raise UserError(
        f"{name} has the shape {tuple(value.shape)}, but a data point of x has the shape {tuple(shape)}; give one "
        f"number, or one for each element of a data point."
    )
