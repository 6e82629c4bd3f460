"""Figures, each with the numbers that it draws.

- :mod:`~inference_gaps.figures.style`: fonts, sizes, colours; files with repeatable bytes
- :mod:`~inference_gaps.figures.gaps`: gaps as stacked bars, published beside replicated
- :mod:`~inference_gaps.figures.training`: training curves
- :mod:`~inference_gaps.figures.samples`: images, reconstructions and samples from the prior
"""
