"""How fast training and the bounds are here, against plain code and against the machine: ``make bench``.

``authors_flow`` and ``coverage`` are measurements by hand: ``python -m benchmarks.authors_flow --help``.

- ``baselines``      the same work written plainly, as one would without thinking of speed
- ``local_baseline`` one data point at a time, by the authors' procedure
- ``ours``           what the pipeline does, called as its commands call it
- ``timing``         two processes that take turns, the rate of matrix products, and what a comparison came to
- ``lines``          the lines of the table, one function each
- ``pipeline``       what the workflow costs beside the computing
- ``scaling``        rates as points, chains, distributions and latent dimensions grow
- ``report``         the table in print, as CSV and as Markdown, and the figure
- ``authors_local``  the authors' local optimisation of all points at once, with a count of its passes, for tests
- ``authors_flow``   L[q*_AF] by the authors' procedure, beside ours
- ``coverage``       how often intervals of estimates from importance weights cover
"""
