"""From values per data point to tables: which files, paired gaps, intervals, layouts.

- :mod:`~inference_gaps.analysis.sources`: which files a table, a figure or the report reads
- :mod:`~inference_gaps.analysis.values`: reading them, the same points in all
- :mod:`~inference_gaps.analysis.intervals`: confidence intervals and Monte-Carlo errors
- :mod:`~inference_gaps.analysis.gaps`: log p(x) from the bounds at hand, and the gaps
- :mod:`~inference_gaps.analysis.table`: the tidy table of an experiment
- :mod:`~inference_gaps.analysis.selfcheck`, :mod:`~inference_gaps.analysis.selfcheck_layout`: estimates beside
  known answers
- :mod:`~inference_gaps.analysis.convergence`: what is left to log p(x) at growing cost
- :mod:`~inference_gaps.analysis.units`: which latent units are active
- :mod:`~inference_gaps.analysis.published`: the paper's values
- :mod:`~inference_gaps.analysis.paper_table`, :mod:`~inference_gaps.analysis.markup`: the paper's layout
"""
