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
- ``arguments``    what a measurement is asked for
- ``estimators``   the bounds at data points; ``bar`` says how far they are
- ``measure``      all of it
- ``findings``     what the numbers say of the model and of themselves
- ``comparison``   the owner's own ELBO beside ours
- ``result``       tables, text and files; ``picture`` the figure
"""
