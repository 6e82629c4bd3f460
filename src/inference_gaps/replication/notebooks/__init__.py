"""Notebooks in Python files (jupytext's percent format), executed on the results of a run.

- ``source``     what a notebook reads, and the code that it imports
- ``execution``  running one in a kernel of its own
- ``page``       its text and results as one HTML file
- ``run``        where a notebook finds the results of a run
"""
