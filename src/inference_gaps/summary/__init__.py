"""From bounds per data point to gaps and intervals.

- ``gaps``       which estimate stands for log p(x), and the gaps that rest on it
- ``intervals``  how sure a mean over data points is
"""
