"""Jobs that need not wait for PyTorch: one process has imported everything, and forks a child for each.

- ``client``  hands a job to the server of the run, or does it where that cannot be
- ``server``  the process that forks
- ``start``   starts the server of a run

A job that runs warm does what it would have done cold, to the bit, or it runs cold: whenever something is not as
the server needs it, the client does the job itself and says nothing.
"""
