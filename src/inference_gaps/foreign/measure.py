"""How far is the ELBO of a VAE from log p(x), and is it the encoder or the family of q?

    import inference_gaps as gaps

    vae = gaps.Vae(encode=net.encode, decode=net.decode, latent_dim=16, likelihood=gaps.Bernoulli(), modules=(net,))
    print(gaps.measure(vae, x))

What is measured at each data point, by the functions that the replication uses: L[q] and IWAE from q; q* in each of
the families asked for, L[q*] and IWAE from it; AIS from q*_FFG or the prior; and on data simulated from the model,
AIS in both directions. One of the estimates stands for log p(x), by :mod:`inference_gaps.summary.gaps`.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any, Literal

from torch import Tensor

from inference_gaps.errors import UserError
from inference_gaps.foreign.arguments import Effort, data_of, effort_of, elbo_of, families_of, starts_of
from inference_gaps.foreign.bar import Bar
from inference_gaps.foreign.comparison import compare
from inference_gaps.foreign.estimators import Estimators
from inference_gaps.foreign.findings import find
from inference_gaps.foreign.probes import Check, probe
from inference_gaps.foreign.result import Result, points_frame, summarise
from inference_gaps.foreign.vae import Vae
from inference_gaps.specs.base import GradientPrecision

__all__ = ["measure"]


def measure(
    vae: Vae,
    x: Any,
    *,
    local: Sequence[str] | None = None,
    elbo: float | Tensor | None = None,
    ais: Sequence[Literal["prior", "local-ffg"]] = ("local-ffg",),
    effort: str | Effort = "standard",
    precision: GradientPrecision = "float32",
    seed: int = 0,
    progress: bool = True,
    **changes: Any,
) -> Result:
    """Measure the gaps of a VAE at data points.

    Args:
        vae: the model; see :class:`~inference_gaps.foreign.vae.Vae`. Its modules stay as they are.
        x: data [B, ...], a tensor or an array, on the device of the model and of its type.
        local: families in which q* is sought, of :data:`~inference_gaps.specs.families.FAMILIES`: ``ffg``,
            ``full-gaussian``, ``coupling``, ``hamiltonian``, ``af``. The first is that of the gaps. Not given:
            that of q(z|x) for a model of this project, else ``ffg``.
        elbo: the owner's own ELBO at these points, in nats, their mean or one for each: the strongest check
            there is.
        ais: where chains start; () for none.
        effort: ``quick``, ``standard`` or ``thorough``, or an :class:`Effort`.
        precision: of the decoder's products along the way of chains and optimisers, where only exact values are
            weighed; ``bfloat16`` is faster on processors that have it.
        seed: of all random numbers.
        progress: whether a bar shows passes through the decoder, and the time left.
        **changes: of attributes of ``effort``, such as ``samples=10000``.

    Raises:
        UserError: the description does not fit the model or the data; numbers would mean nothing.
    """
    amount = effort_of(effort, changes)
    starts = starts_of(ais)
    if precision not in ("float32", "bfloat16"):
        raise UserError(f"precision is {precision!r}; write 'float32' or 'bfloat16'.")
    if not isinstance(seed, int) or not 0 <= seed < 2**31:
        raise UserError(f"seed is {seed!r}; write a whole number from 0 to {2**31 - 1}.")
    if not isinstance(vae, Vae):
        raise UserError(
            f"measure takes a gaps.Vae first, not {type(vae).__name__}; describe the model by one."
        )
    families = families_of([vae.family or "ffg"] if local is None else local)
    data = data_of(x)
    given = elbo_of(elbo, len(data))
    checks = probe(vae, data, seed)
    before = vae.modules.state()
    with Bar(progress) as bar:
        work = Estimators(vae, data, amount, precision, seed, bar)
        bar.expect(work.passes(families, starts))
        found = work.found(families, starts)
        two_sided = work.bidirectional(starts) if amount.simulated else []
    ours = compare(found.estimates["elbo_amortized"], amount.samples, given, vae, data)
    checks += [ours, *find(found, families, vae, data, two_sided, work.seen_simulated)]
    if vae.modules.unchanged_since(before):
        checks.append(Check("unchanged", "passed", "The modules are as they were."))
    else:
        sentence = (
            "Weights, buffers or modes of a module changed during the measurement; do not use its numbers."
        )
        checks.append(Check("unchanged", "warning", sentence))
    bounds = found.bounds()
    settings = {
        "points": len(data),
        "local": families,
        "ais": list(starts),
        "effort": dataclasses.asdict(amount),
        "precision": precision,
        "seed": seed,
    }
    return Result(
        points_frame(bounds, families, found.columns()),
        summarise(bounds, families),
        checks,
        two_sided,
        settings,
    )
