"""The PyTorch modules behind a model: in which mode they are, which numbers they hold, whether they stayed so."""

import functools
import hashlib
import types
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from inference_gaps.errors import UserError

__all__ = ["Modules", "modules_behind"]

_DEEPEST = 3


def modules_behind(*values: Any) -> list[nn.Module]:
    """Return the modules that functions use: what they are bound to, close over, or name among their globals."""
    found: dict[int, nn.Module] = {}
    for value in values:
        _collect(value, found, set(), _DEEPEST)
    return list(found.values())


def _collect(value: Any, found: dict[int, nn.Module], seen: set[int], depth: int) -> None:
    if value is None or id(value) in seen or depth < 0:
        return
    seen.add(id(value))
    if isinstance(value, nn.Module):
        found[id(value)] = value
    elif isinstance(value, functools.partial):
        for each in (value.func, *value.args, *value.keywords.values()):
            _collect(each, found, seen, depth - 1)
    elif isinstance(value, types.MethodType):
        _collect(value.__self__, found, seen, depth - 1)
        _collect(value.__func__, found, seen, depth - 1)
    elif isinstance(value, types.FunctionType):
        for cell in value.__closure__ or ():
            try:
                _collect(cell.cell_contents, found, seen, depth - 1)
            except ValueError:  # Not yet bound.
                continue
        for name in _names(value.__code__):
            _collect(value.__globals__.get(name), found, seen, depth - 1)
    elif isinstance(value, list | tuple):
        for each in value:
            _collect(each, found, seen, depth - 1)
    elif isinstance(value, Mapping):
        for each in list(value.values()):
            _collect(each, found, seen, depth - 1)
    elif not isinstance(value, type | types.ModuleType) and hasattr(value, "__dict__"):
        for each in list(vars(value).values()):
            _collect(each, found, seen, depth - 1)


def _names(code: types.CodeType) -> Iterable[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)


@dataclass(frozen=True)
class _State:
    digest: str
    buffers: list[tuple[Tensor, Tensor]]
    """Those that a pass may overwrite, such as running statistics, and what they held."""


class Modules:
    """The modules of a model.

    Args:
        modules: that its owner names, or that were found behind its functions.
    """

    def __init__(self, modules: Iterable[nn.Module]) -> None:
        self.list = list({id(module): module for module in modules}.values())

    def tensors(self) -> Iterable[tuple[str, Tensor]]:
        """Yield parameters and buffers of all modules with readable names."""
        seen: set[int] = set()
        for module in self.list:
            for name, tensor in (*module.named_parameters(), *module.named_buffers()):
                if id(tensor) not in seen:
                    seen.add(id(tensor))
                    yield f"{type(module).__name__}.{name}", tensor

    def require_evaluation_mode(self) -> None:
        """Refuse modules in training mode.

        Raises:
            UserError: a module, or one inside it, is in training mode.
        """
        for module in self.list:
            training = [(name, part) for name, part in module.named_modules() if part.training]
            if not training:
                continue
            kinds = (nn.modules.batchnorm._NormBase, nn.modules.dropout._DropoutNd)
            telling = next((each for each in training if isinstance(each[1], kinds)), training[0])
            name = ".".join(filter(None, (type(module).__name__, telling[0])))
            raise UserError(
                f"{name} ({type(telling[1]).__name__}) is in training mode, in which dropout and batch "
                f"normalisation change every number, and running statistics would be overwritten; call "
                f"{type(module).__name__.lower()}.eval() on the model first."
            )

    def require_finite(self) -> None:
        """Refuse weights that are not numbers.

        Raises:
            UserError: a parameter or buffer is not finite.
        """
        for name, tensor in self.tensors():
            if isinstance(tensor, nn.UninitializedParameter | nn.UninitializedBuffer):
                raise UserError(f"{name} has not been initialised yet; load the weights of the model first.")
            if tensor.is_floating_point():
                bad = int((~torch.isfinite(tensor)).sum())
                if bad:
                    raise UserError(
                        f"{name} holds {bad} of {tensor.numel()} numbers that are not finite; the training "
                        f"diverged or the file is damaged, so load an earlier checkpoint."
                    )

    def require_like(self, x: Tensor) -> None:
        """Refuse data on another device or of another floating type than the weights.

        Raises:
            UserError: they differ.
        """
        for name, tensor in self.tensors():
            if tensor.device != x.device:
                raise UserError(
                    f"x is on {x.device}, but {name} is on {tensor.device}; move one of them, as by "
                    f"x.to('{tensor.device}')."
                )
            if x.is_floating_point() and isinstance(tensor, nn.Parameter) and tensor.is_floating_point():
                if tensor.dtype != x.dtype:
                    raise UserError(
                        f"x is {_name(x.dtype)}, but {name} is {_name(tensor.dtype)}; write "
                        f"x.to(torch.{_name(tensor.dtype)}), or convert the model."
                    )
                break

    def state(self) -> _State:
        """Return a digest of all numbers, modes and flags, and copies of the buffers."""
        digest = hashlib.sha256()
        for name, tensor in self.tensors():
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)} {tensor.requires_grad}".encode())
            flat = tensor.detach().cpu().contiguous().reshape(-1)
            if flat.numel():
                digest.update(flat.view(torch.uint8).numpy().tobytes())
            digest.update(str(tensor.grad is None).encode())
        for module in self.list:
            digest.update("".join(str(int(part.training)) for part in module.modules()).encode())
        buffers = [tensor for module in self.list for tensor in module.buffers()]
        return _State(digest.hexdigest(), [(tensor, tensor.detach().clone()) for tensor in buffers])

    def unchanged_since(self, before: _State) -> bool:
        """Say whether all is as it was; where a pass overwrote buffers, put back what they held."""
        if self.state().digest == before.digest:
            return True
        with torch.no_grad():
            for tensor, held in before.buffers:
                tensor.copy_(held)
        return False


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
