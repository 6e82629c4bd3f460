"""From bounds per data point to gaps and intervals.

- ``gaps``       the estimate that stands for log p(x), and the gaps
- ``intervals``  intervals and Monte-Carlo errors of a mean over data points
"""
