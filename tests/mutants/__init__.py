"""Planted bugs: for each check of an estimator, a bug that it must catch.

- ``planting``   puts a bug into a function of the package, and takes it out again
- ``catalogue``  the bugs, and the check that catches each
"""
