"""Bounds on log p(x): one value and one Monte-Carlo standard error per data point, in nats.

Of points that are computed together:

- ``importance``  ELBO and IWAE from the same importance weights
- ``hmc``         Hamiltonian transitions
- ``step_sizes``  their step sizes: adapted and frozen, or the authors' rule
- ``ais``         annealed importance sampling, from the prior or from a Gaussian q*, forward and in reverse
- ``local``       optimisation of q*
- ``starts``      where it starts

Of any number of points, in batches and from one seed, as the stages of the pipeline and users want them:

- ``batches``        how many rows go through the generator at once
- ``by_points``      what each point gives, some points at a time
- ``iwae``           ELBO and IWAE bound of q
- ``chains``         AIS, and BDMC on simulated data
- ``optima``         q*
- ``authors_local``  the authors' procedure of local optimisation, compared with ours
- ``convergence``    the estimators of log p(x) at growing cost
"""
