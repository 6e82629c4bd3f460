"""Approximation and amortization gaps of variational autoencoders.

Replicates *Inference Suboptimality in Variational Autoencoders*
(C. Cremer, X. Li, D. Duvenaud, ICML 2018, arXiv 1801.03558).

The folders are the chapters:

- ``config``      what may be asked for, and the sentences that answer a wrong question
- ``data``        images: sources, digests, readers, binarisation
- ``models``      generators p(x|z) and recognition networks
- ``posteriors``  families q(z), usable amortised and local
- ``training``    the objective, its schedules, the loop
- ``bounds``      ELBO, IWAE, AIS and local optimisation, one value per data point
- ``analysis``    gaps, intervals, tables
- ``figures``     pictures of results files
- ``report``      the replication report
- ``commands``    one module per subcommand of ``inference-gaps``
"""

__version__ = "0.1.0"
