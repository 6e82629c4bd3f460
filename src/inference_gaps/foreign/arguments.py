"""What a measurement is asked for: how much work, in which families, from which starts, at which data."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inference_gaps.errors import UserError, counted
from inference_gaps.specs.families import FAMILIES

__all__ = ["EFFORTS", "Effort", "data_of", "effort_of", "elbo_of", "families_of", "starts_of"]


@dataclass(frozen=True)
class Effort:
    """How much work a measurement is, per data point.

    Attributes:
        samples: importance weights of the ELBO and of IWAE.
        local_samples: of a step of local optimisation.
        steps: of a cycle of it.
        learning_rate: of its first cycle.
        tolerance: cycles end when one gains less than so many nats.
        max_cycles: of it at most.
        flow_samples: as ``local_samples``, for families with networks.
        flow_steps: as ``steps``, for families with networks.
        chains: of AIS.
        distributions: of AIS.
        leapfrog_steps: of AIS.
        simulated: data points that are simulated for bidirectional Monte Carlo; 0 for none.
    """

    samples: int = 1000
    local_samples: int = 8
    steps: int = 150
    learning_rate: float = 0.05
    tolerance: float = 0.02
    max_cycles: int = 6
    flow_samples: int = 24
    flow_steps: int = 300
    chains: int = 16
    distributions: int = 120
    leapfrog_steps: int = 5
    simulated: int = 16


EFFORTS = {
    "quick": Effort(500, 8, 100, 0.05, 0.05, 4, 16, 200, 16, 20, 5, 8),
    "standard": Effort(),
    "thorough": Effort(20000, 16, 500, 0.03, 0.005, 8, 32, 1000, 64, 400, 10, 64),
}


def effort_of(effort: str | Effort, changes: dict[str, Any]) -> Effort:
    """Return how much work is asked for.

    Raises:
        UserError: an effort, or an attribute of it, that there is not.
    """
    if isinstance(effort, str) and effort not in EFFORTS:
        raise UserError(f"effort is {effort!r}; write one of {', '.join(EFFORTS)}.")
    if not isinstance(effort, str | Effort):
        raise UserError(
            f"effort is {type(effort).__name__}; write one of {', '.join(EFFORTS)}, or a gaps.Effort."
        )
    amount = EFFORTS[effort] if isinstance(effort, str) else effort
    known = {field.name: type(field.default) for field in dataclasses.fields(Effort)}
    least = {"samples": 2, "chains": 2, "distributions": 3, "max_cycles": 2, "simulated": 0}
    for name, value in changes.items():
        if name not in known:
            raise UserError(f"measure knows no argument {name}; it may be one of {', '.join(known)}.")
        whole = known[name] is int
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
            raise UserError(f"{name} is {value!r}; write a {'whole ' if whole else ''}number.")
        if not value >= least.get(name, 1 if whole else 0) or (not whole and not 0 < value <= 1):
            most = " and at most 1" if not whole else ""
            raise UserError(
                f"{name} is {value}; write at least {least.get(name, 1) if whole else 'above 0'}{most}."
            )
    return dataclasses.replace(amount, **changes)


def families_of(local: Any) -> list[str]:
    """Return families of q*, each once.

    Raises:
        UserError: there is no such family.
    """
    if isinstance(local, str):
        raise UserError(f"local is {local!r}; write a list of families, such as local=({local!r},).")
    found = list(local)
    for name in found:
        if name not in FAMILIES:
            raise UserError(f"local names {name!r}; the families of q* are {', '.join(FAMILIES)}.")
    return list(dict.fromkeys(found))


def starts_of(ais: Any) -> list[str]:
    """Return where chains of AIS start.

    Raises:
        UserError: they cannot start there.
    """
    found = [ais] if isinstance(ais, str) else list(ais)
    for name in found:
        if name not in ("prior", "local-ffg"):
            raise UserError(f"ais names {name!r}; chains start from 'prior' or 'local-ffg'.")
    return found


def data_of(x: Any) -> Tensor:
    """Return data [B, ...] as a tensor.

    Raises:
        UserError: they are no numbers, not finite, or fewer than two points.
    """
    if isinstance(x, np.ndarray):
        if x.dtype == object or not (np.issubdtype(x.dtype, np.number) or x.dtype == bool):
            raise UserError(f"x is an array of {x.dtype}; give numbers.")
        x = torch.from_numpy(np.ascontiguousarray(x))
    if not isinstance(x, Tensor):
        raise UserError(
            f"x is {type(x).__name__}; give a tensor or an array with one row for each data point."
        )
    if x.dim() < 2:
        raise UserError(
            f"x has the shape {tuple(x.shape)}; its first dimension counts data points, so give [B, ...], "
            f"one point as x[None]."
        )
    if len(x) < 2:
        raise UserError(
            f"x has {counted(len(x), 'data point')}; give at least two, better thirty, for means with intervals."
        )
    if x.is_complex():
        raise UserError("x holds complex numbers; give real ones.")
    if x.is_floating_point():
        bad = (~torch.isfinite(x)).flatten(1).any(1).nonzero().squeeze(1)
        if len(bad):
            raise UserError(
                f"x is not finite at {len(bad)} of {len(x)} data points, first at {int(bad[0])}; leave them out or "
                f"fill them in."
            )
    return x.detach()


def elbo_of(elbo: Any, points: int) -> Tensor | None:
    """Return the owner's own ELBO, [1] or [B] in nats.

    Raises:
        UserError: it is no finite number, or not one for each point.
    """
    if elbo is None:
        return None
    try:
        given = torch.as_tensor(elbo).detach().double().cpu()
    except (TypeError, ValueError, RuntimeError) as error:
        raise UserError(
            f"elbo is {type(elbo).__name__}; write a number in nats, or one for each point."
        ) from error
    if given.numel() not in (1, points) or not bool(torch.isfinite(given).all()):
        raise UserError(
            f"elbo has the shape {tuple(given.shape)} for {points} data points; write their mean, or one "
            f"finite number for each."
        )
    return given.reshape(-1)
