"""Posterior families q(z), each written once and used twice.

- ``family``          the interface: noise -> (z, log q(z)), given parameters
- ``gaussian``        FFG, the fully-factorised Gaussian
- ``auxiliary_flow``  AF, Real NVP steps over (z, v) with an auxiliary v
- ``networks``        layers whose weights are shared or one set per data point
- ``amortised``       parameters from a recognition network
- ``local``           parameters from a table with one row per data point (q*)
"""
