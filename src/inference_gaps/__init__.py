"""Approximation and amortization gaps of variational autoencoders.

    import inference_gaps as gaps

    vae = gaps.Vae(encode=..., decode=..., latent_dim=16, likelihood=gaps.Bernoulli())
    result = gaps.measure(vae, x)

Replicates *Inference Suboptimality in Variational Autoencoders*
(C. Cremer, X. Li, D. Duvenaud, ICML 2018, arXiv 1801.03558).

The folders are the chapters of the library:

- ``models``       generators p(x, z) and recognition networks
- ``posteriors``   families q(z), usable amortized and local
- ``bounds``       ELBO, IWAE, AIS and local optimisation, one value per data point
- ``exact``        models whose answers are known
- ``summary``      from bounds per data point to gaps and intervals
- ``foreign``      the door for a VAE that was made elsewhere
- ``training``     the objective, its schedules, the loop
- ``numerics``     devices, random streams, precision, resuming
- ``specs``        what each of these is asked to do, typed
- ``replication``  the floor above: the paper, as a pipeline

Beside them ``errors`` has the errors that a user can act on.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

# Imported where they are asked for: PyTorch takes a second, and a help page should not.
_PUBLIC = {
    "Bernoulli": "foreign.likelihoods.discrete",
    "Categorical": "foreign.likelihoods.discrete",
    "DiscretisedLogistic": "foreign.likelihoods.discrete",
    "Effort": "foreign.arguments",
    "Gaussian": "foreign.likelihoods.continuous",
    "GaussianMixture": "foreign.priors",
    "NegativeBinomial": "foreign.likelihoods.discrete",
    "Product": "foreign.likelihoods.composed",
    "UserError": "errors",
    "Vae": "foreign.vae",
    "from_diffusers": "foreign.adapters",
    "from_module": "foreign.adapters",
    "from_pythae": "foreign.adapters",
    "load": "foreign.loading",
    "measure": "foreign.measure",
}
__all__ = ["__version__", *_PUBLIC]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"inference_gaps has no {name}; it has {', '.join(_PUBLIC)}.")
    found = getattr(importlib.import_module(f"inference_gaps.{_PUBLIC[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
