"""Posterior families q(z), each written once and used twice.

- ``family``            the interface: noise -> (z, log q(z)), given parameters
- ``registry``          a family by its name; ``specs.families`` lists them
- ``gaussian``          FFG, the fully-factorised Gaussian
- ``full_gaussian``     FCG, the Gaussian with a full covariance
- ``coupling_flow``     CF, Real NVP steps on the halves of z
- ``auxiliary_flow``    AF, Real NVP steps over (z, v) with an auxiliary v
- ``hamiltonian_flow``  HF, the auxiliary flow whose v follows the gradient of log p(x, z)
- ``coupling``          the step that the three flows share
- ``networks``          layers whose weights are shared or one set per data point
- ``amortized``         parameters from a recognition network
- ``local``             parameters from a table with one row per data point (q*)
- ``at_points``         a trained flow as such a table: q(z|x) itself, where q* starts
"""
