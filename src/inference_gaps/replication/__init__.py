"""The replication of the paper: what is asked, planned, kept, tabulated.

The folders are the chapters:

- ``config``     what may be asked for, and the sentences that answer a wrong question
- ``study``      every job of a preset, and its fingerprint
- ``specs``      what the stages are asked to do that only the replication has
- ``commands``   one module per subcommand of ``inference-gaps``: it parses, loads, calls the library, writes
- ``data``       images: sources, digests, readers, binarisation
- ``storage``    models and values as files
- ``artifacts``  files that appear whole or not at all, and what made them
- ``jobs``       stopping and going on, signals, progress
- ``analysis``   from values per data point to gaps, intervals, tables, verdicts
- ``figures``    pictures of results files
- ``report``     the replication report
- ``notebooks``  notebooks, executed
- ``warm``       one server that has the packages loaded, for many short jobs
- ``requalify``  whether edited code still gives the same bits

And beside them:

- ``stages``    the table of stages: flags, inputs and outputs of each
- ``cli``       the command line
- ``own_code``  whether the code that runs is that of this folder
- ``terminal``  what is printed, in any encoding and until the reader goes away
"""
