"""From bounds per data point to gaps and intervals.

- ``gaps``       the estimate that stands for log p(x), and the gaps
- ``trust``      when an estimate may stand for log p(x), and how far off its mean may be
- ``intervals``  intervals and Monte-Carlo errors of a mean over data points
"""
