"""Exact answers for models that have them; the estimators are compared with these.

- ``answers``         the answers of a trained model at given data points
- ``closed_form``     linear-Gaussian models: everything in closed form
- ``quadrature``      models with one or two latent dimensions: integrals over z on a grid
- ``two_dimensions``  densities over the plane of two latent dimensions; ``plane`` is what comes of it
- ``densities``       log q(z) at given z
- ``choice``          which images stand for all
- ``optimum``         the best factorised Gaussian without Monte-Carlo noise

No exact answer comes from the estimators of :mod:`inference_gaps.bounds` or the densities that they use.
"""
