"""Whether edited code still gives the results of an earlier commit, to the bit.

- ``pieces``      what of the code has changed: statements, and what is evaluated within them only at times
- ``tracing``     copies of the code that note which pieces were executed
- ``probe``       small jobs with every value of every option of the specifications
- ``execution``   the jobs of the probe and of preset ``quick``, with the code of either side
- ``comparison``  the numbers of two files, to the bit
- ``judging``     which digests may stand for which, and why others may not
"""
