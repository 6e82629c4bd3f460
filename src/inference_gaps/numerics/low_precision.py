"""Products in bfloat16: where they are faster, and linear layers that use them for their gradients.

A number in bfloat16 has eight significant bits, and on processors with instructions for it products take a fraction
of the time. Used only for gradients that chains and optimisers follow. A forward pass keeps the precision of its
inputs.
"""

import functools
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["Linear", "bfloat16_is_faster", "take_low_precision_gradients"]


@functools.cache
def bfloat16_is_faster(device: torch.device) -> bool:
    """Return whether ``device`` has instructions for products in bfloat16.

    Without them PyTorch still multiplies, up to twenty times slower than in float32.
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu" or not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return False
    return any(found for name, found in torch.cpu.get_capabilities().items() if "bf16" in name)


class Linear(nn.Linear):
    """A linear layer that can form its gradient by products in bfloat16; what it returns is the same either way.

    Attributes:
        low_precision_gradient: whether it does.
    """

    low_precision_gradient = False

    def forward(self, x: Tensor) -> Tensor:
        """Map [..., inputs] to [..., outputs]."""
        if self.low_precision_gradient and torch.is_grad_enabled():
            return _LowPrecisionGradient.apply(x, self.weight, self.bias)
        return super().forward(x)


def take_low_precision_gradients(model: nn.Module) -> None:
    """Let the linear layers of ``model`` form their gradients in bfloat16 from now on, where that is faster.

    Networks of a flow and convolutions stay in float32.
    """
    for layer in model.modules():
        if isinstance(layer, Linear):
            layer.low_precision_gradient = bfloat16_is_faster(layer.weight.device)


class _LowPrecisionGradient(torch.autograd.Function):
    """x W^T + b, exactly, with a backward pass in bfloat16."""

    @staticmethod
    def forward(context: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        context.save_for_backward(x, weight)
        return nn.functional.linear(x, weight, bias)

    @staticmethod
    def backward(context: Any, upstream: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x, weight = context.saved_tensors
        # A gradient that will be differentiated itself belongs to a pass forward, as the score in a flow does.
        precision = x.dtype if torch.is_grad_enabled() else torch.bfloat16
        of_x, of_weight, of_bias = context.needs_input_grad
        rows = upstream.flatten(0, -2)
        low = rows.to(precision)
        return (
            (low @ weight.to(precision)).to(x.dtype).view(x.shape) if of_x else None,
            (low.t() @ x.flatten(0, -2).to(precision)).to(x.dtype) if of_weight else None,
            rows.sum(0) if of_bias else None,
        )
