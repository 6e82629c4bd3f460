"""Figures, each with the numbers that it draws.

- ``style``        fonts, sizes, colours; files with repeatable bytes
- ``schematic``    the idea of the gaps, drawn from measured numbers
- ``gaps``         gaps as stacked bars: paper, other reproductions, our run
- ``models``       gaps of many models, or over the epochs of their training
- ``training``     training curves
- ``samples``      images, reconstructions and samples from the prior
- ``posteriors``   posteriors over the plane of two latent dimensions
- ``convergence``  what each estimate leaves of log p(x), against its cost
"""
