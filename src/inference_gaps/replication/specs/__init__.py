"""Specifications of the stages that only the replication has.

- ``data``       data sets, their files and splits
- ``models``     what is asked of a trained model beside its bounds
- ``tables``     tables, and the self-check
- ``claims``     the claims of the paper, and what decides them
- ``documents``  figures, report, notebooks
"""
