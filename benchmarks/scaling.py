"""AIS from the prior as points, chains, distributions and latent dimensions grow; random weights."""

import pandas as pd

from benchmarks import ours
from benchmarks.timing import Turns, product_rate
from inference_gaps.replication.study.work import work_of
from inference_gaps.specs.bounds import AisSpec
from inference_gaps.specs.train import MlpArchitectureSpec, TrainSpec

__all__ = ["scaling"]

_USUAL = {"points": 16, "chains": 16, "distributions": 12, "latent dimensions": 50}
_SIZES = {
    "points": [1, 4, 16, 64],
    "chains": [2, 4, 16, 64],
    "distributions": [4, 12, 36, 108],
    "latent dimensions": [2, 10, 50, 200],
}


def scaling(turns: Turns) -> pd.DataFrame:
    """Return one row per quantity, size and procedure: chains x distributions per second, and the limit."""
    rows = []
    for quantity, sizes in _SIZES.items():
        for size in sizes:
            chosen = _USUAL | {quantity: size}
            latent = chosen.pop("latent dimensions")
            amount = chosen["points"] * chosen["chains"] * chosen["distributions"]
            for procedure in ("plain", "float32", "bfloat16"):
                precision = "float32" if procedure == "plain" else procedure
                spec = AisSpec(**chosen, adaptation="cumulative", gradient_precision=precision)
                run = turns.plain if procedure == "plain" else turns.ours
                seconds = min(
                    run(ours.random_ais, spec, latent, procedure == "plain").seconds for _ in range(2)
                )
                trained = TrainSpec(architecture=MlpArchitectureSpec(latent_dim=latent))
                work = work_of("evaluate-ais", spec, trained, 784, 0)
                limit = turns.ours(product_rate, precision) / work.operations * amount
                rows.append((quantity, size, procedure, amount / seconds, limit))
    return pd.DataFrame(rows, columns=["quantity", "size", "procedure", "per_second", "limit"])
