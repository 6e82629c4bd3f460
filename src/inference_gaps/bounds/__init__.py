"""Bounds on log p(x): one value and one Monte-Carlo standard error per data point, in nats.

- ``importance``  ELBO and IWAE from the same importance weights
- ``hmc``         Hamiltonian transitions
- ``step_sizes``  their step sizes: adapted and frozen, or the authors' rule
- ``ais``         annealed importance sampling, from the prior or from a Gaussian q*, forward and in reverse
- ``local``       optimisation of q* for each data point
- ``convergence`` the estimators of log p(x) at growing cost
- ``batches``     how many rows go through the generator at once
"""
