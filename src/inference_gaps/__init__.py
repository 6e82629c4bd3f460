"""Approximation and amortization gaps of variational autoencoders.

Replicates *Inference Suboptimality in Variational Autoencoders*
(C. Cremer, X. Li, D. Duvenaud, ICML 2018, arXiv 1801.03558).

The folders are the chapters of the library:

- ``models``       generators p(x, z) and recognition networks
- ``posteriors``   families q(z), usable amortised and local
- ``bounds``       ELBO, IWAE, AIS and local optimisation, one value per data point
- ``exact``        models whose answers are known
- ``summary``      from bounds per data point to gaps and intervals
- ``training``     the objective, its schedules, the loop
- ``numerics``     devices, random streams, precision, resuming
- ``specs``        what each of these is asked to do, typed
- ``replication``  the floor above: the paper, as a pipeline
"""

__version__ = "0.1.0"
