"""From values per data point to tables: which files, paired gaps, intervals, layouts.

- :mod:`~.sources`: which files a table, a figure or the report reads
- :mod:`~.values`: reading them, the same points in all
- :mod:`~.table`: the tidy table of an experiment
- :mod:`~.selfcheck`, :mod:`~.selfcheck_layout`: estimates beside
  known answers
- :mod:`~.remaining_gaps`: log p(x) minus the estimates at growing cost
- :mod:`~.published`: the paper's values
- :mod:`~.paper_table`, :mod:`~.markup`: the paper's layout
"""
