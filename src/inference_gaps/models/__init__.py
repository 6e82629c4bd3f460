"""Variational autoencoders: generators p(x|z) and recognition networks.

- ``generator``        log p(x, z) and its gradient with respect to z
- ``mlp``              perceptrons for 784 pixels
- ``conv``             convolutions for 3 x 32 x 32 images
- ``linear_gaussian``  a linear model with a formula for every bound
- ``vae``              generator and amortized posterior together, built from a specification
- ``simulation``       data drawn from a model, reconstructions, samples from the prior
- ``grey_levels``      pixels as bytes
- ``units``            the activity of latent units
"""
