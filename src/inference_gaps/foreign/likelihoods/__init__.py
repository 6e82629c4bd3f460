"""Likelihoods p(x|z), from data x and whatever a decoder returns for z.

Each is a density (or a probability, where x is discrete) with all of its constants, summed over everything
that a data point consists of. Means over pixels or over a batch, and losses that drop constants, give bounds
on something else.

- ``interface``   what a likelihood is asked
- ``parameters``  its parameters, from what a decoder returned or from a user
- ``continuous``  Gaussian
- ``discrete``    Bernoulli, categorical, discretised logistic, negative binomial
- ``composed``    products of these, and functions
"""
