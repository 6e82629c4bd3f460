"""Specifications: what the library is asked to do, typed and checked.

A specification travels as JSON (``--spec``), is hashed into the fingerprint of its job, and stands in the record
of what the job makes.

- ``base``      what all have in common
- ``families``  the posterior families that there are
- ``train``     what a model is and how it is trained
- ``bounds``    bounds, q* and densities at data points
"""
