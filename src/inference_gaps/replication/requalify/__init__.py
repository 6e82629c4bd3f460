"""Whether edited code still gives the results of an earlier commit, to the bit.

- ``pieces``      what of the code has changed: statements, and what is evaluated within them only at times
- ``changes``     the pieces in which two states of the code differ
- ``tracing``     copies of the code that note which pieces were executed
- ``probe``       small jobs with every value of every option of the specifications
- ``raw``         small raw files of every format, which these jobs read
- ``execution``   the jobs of the probe and of preset ``quick``, with the code of either side
- ``driver``      the process that runs them, one after the other
- ``comparison``  the numbers of two files, to the bit
- ``judging``     which digests may stand for which, and why others may not
"""
