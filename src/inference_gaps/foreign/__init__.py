"""The door for models that were made elsewhere.

- ``vae``          a VAE as its owner describes it
- ``likelihoods``  p(x|z) from what a decoder returns
- ``priors``       p(z)
- ``modules``      the PyTorch modules behind it: their mode, their numbers, whether they stayed as they were
- ``probes``       what is tried before anything is measured
- ``adapted``      the same VAE as every estimator of the library wants it
- ``adapters``     descriptions of models of other packages
- ``loading``      models from files of weights
- ``data_files``   data from files
- ``measure``      all of it at data points
- ``findings``     what the numbers say of the model and of themselves
- ``comparison``   the owner's own ELBO beside ours
- ``result``       tables, text and files; ``picture`` the figure
"""
