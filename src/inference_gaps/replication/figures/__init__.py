"""Figures, each with the numbers that it draws.

- :mod:`~inference_gaps.replication.figures.style`: fonts, sizes, colours; files with repeatable bytes
- :mod:`~inference_gaps.replication.figures.gaps`: gaps as stacked bars, paper beside our run
- :mod:`~inference_gaps.replication.figures.training`: training curves
- :mod:`~inference_gaps.replication.figures.samples`: images, reconstructions and samples from the prior
"""
