"""Prepared data, models, posteriors and exact answers as files of tensors.

- ``prepared_data``     a tensor for each split of a data set
- ``trained_models``    weights after the last epoch and at checkpoints
- ``local_posteriors``  q* of each data point
- ``plane_posteriors``  posteriors over the plane of two latent dimensions
- ``drawn_images``      reconstructions, and samples from the prior
"""
