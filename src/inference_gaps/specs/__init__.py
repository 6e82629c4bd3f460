"""Specifications: what each stage is asked to do, typed and checked.

One module per stage, so that a change to one stage's options leaves the fingerprints of the others alone.
A specification travels as JSON (``--spec``), is hashed into the fingerprint of its job, and is written into
what the job makes.
"""
