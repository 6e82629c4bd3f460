"""From values per data point to tables and verdicts.

Values:

- ``sources``         which files a table, a figure or the report reads
- ``values``          reading them, the same points in all
- ``remaining_gaps``  log p(x) minus the estimates at growing cost
- ``procedures``      the authors' local optimisation minus ours
- ``published``       the paper's values
- ``reproductions``   what other reproductions printed

Tables:

- ``table``        the tidy table of an experiment
- ``paper_table``  the paper's layout: bounds down, models across
- ``model_table``  the other layout: models down, bounds across
- ``table_text``   bounds and gaps in words: a cell, the notes below
- ``markup``       either layout as Markdown and LaTeX
- ``selfcheck``    estimates beside known answers; ``selfcheck_layout`` their texts

Claims:

- ``claim_statistics``  the statistics that claims are judged by
- ``verdicts``          from a statistic to a verdict
- ``claims``            the tidy table of verdicts; ``claims_layout`` its texts
"""
