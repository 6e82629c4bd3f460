"""Bounds on log p(x): one value and one Monte-Carlo standard error per data point, in nats.

- ``importance``  ELBO and IWAE from the same importance weights
- ``hmc``         Hamiltonian transitions
- ``ais``         annealed importance sampling, from the prior or from a Gaussian q*
- ``local``       optimisation of q* for each data point
- ``batches``     how many rows go through the generator at once
"""
