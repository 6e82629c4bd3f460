# ---
# jupyter:
#   inference_gaps:
#     reads:
#       - models/mnist-ffg/seed-0/model.safetensors
#       - models/mnist-ffg/seed-0/train/local-ffg.safetensors
#       - models/mnist-ffg/seed-0/train/iwae-amortised.csv
#       - models/mnist-ffg/seed-0/train/iwae-local-ffg.csv
#       - models/mnist-ffg/seed-0/train/ais-local-ffg.csv
#   jupytext:
#     notebook_metadata_filter: inference_gaps
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The gaps of one image, step by step
#
# A trained model, one image, and the three numbers that define the gaps:
#
# > log p(x) ≥ L[q\*] ≥ L[q], approximation gap = log p(x) − L[q\*], amortization gap = L[q\*] − L[q].
#
# The functions are those of the workflow. Change `POINT` or `SAMPLES` and run it again.

# %%
import os

import matplotlib.pyplot as plt
import pandas as pd
import torch

from inference_gaps.bounds.ais import annealed_importance_sampling
from inference_gaps.bounds.importance import elbo, log_mean_weight, log_weights
from inference_gaps.numerics.device import random_generator
from inference_gaps.replication.artifacts.files import read_provenance, read_values
from inference_gaps.replication.artifacts.finished_run import finished_run
from inference_gaps.replication.storage.local_posteriors import load_local_posterior
from inference_gaps.replication.storage.prepared_data import load_prepared
from inference_gaps.replication.storage.trained_models import load_model
from inference_gaps.specs.bounds import AisSpec

PRESET = os.environ.get("INFERENCE_GAPS_PRESET", "quick")
MODEL, SEED, SPLIT = "mnist-ffg", 0, "train"
POINT = 3
SAMPLES = 5000

# %% [markdown]
# ## The model and the image
#
# The model has a *generator* p(x, z) and a *posterior* q(z|x), a Gaussian whose mean and variances come from a
# network. Bounds are always evaluated on the first images of a split.

# %%
run = finished_run(PRESET)
model, _ = load_model(run.weights(MODEL, SEED))
data = load_prepared(run.data_of(MODEL, SEED))
x = data.points(SPLIT, POINT + 1)[POINT:]

figure, axes = plt.subplots(1, 2, figsize=(3.4, 1.9))
parameters = model.posterior.parameters_for(x)
reconstruction = model.generator.mean(parameters["mean"])
for panel, picture, title in zip(axes, (x, reconstruction), ("image", "reconstruction"), strict=True):
    panel.imshow(picture.reshape(data.shape[1:]), cmap="gray")
    panel.set_title(title)
    panel.axis("off")

# %% [markdown]
# ## L[q], the bound of the network
#
# Samples z of q(z|x) have weights w = p(x, z) / q(z|x). The mean of log w is the ELBO, L[q]. The log of the
# mean of w is the IWAE bound. It lies between the ELBO and log p(x).


# %%
def from_amortized(samples):
    """Return log p(x, z) and log q(z|x) at samples of q(z|x), each [1, samples]."""
    return model.bound_terms(x, samples, rng)


rng = random_generator(0)
weights = log_weights(from_amortized, SAMPLES, chunk=1000)
found = {"L[q]": elbo(weights), "IWAE from q": log_mean_weight(weights)}

# %% [markdown]
# ## L[q\*], the bound of the best Gaussian
#
# The workflow has optimised one Gaussian for each image. Its parameters are a row of a table.

# %%
local, _ = load_local_posterior(run.local(MODEL, SEED, SPLIT, "ffg"), SPLIT, POINT + 1)
best = local.rows(slice(POINT, POINT + 1))


def from_local(samples):
    """Return log p(x, z) and log q*(z) at samples of q*, each [1, samples]."""
    z, log_q = local.family.rsample_with_log_prob(best, samples, rng)
    return model.generator.log_joint(x, z), log_q


weights = log_weights(from_local, SAMPLES, chunk=1000)
found |= {"L[q*]": elbo(weights), "IWAE from q*": log_mean_weight(weights)}

# %% [markdown]
# ## log p(x), by annealed importance sampling
#
# Chains start at q\*, pass through intermediate distributions, and end at p(x, z). The average of their weights
# estimates p(x). The specification is that of the workflow. More distributions make the estimate tighter.

# %%
spec = AisSpec(**read_provenance(run.ais(MODEL, SEED, SPLIT, "local-ffg"))["spec"])
scale = torch.exp(0.5 * best["log_variance"])
annealed = annealed_importance_sampling(model.generator, x, best["mean"], scale, spec, rng)
found["AIS from q*"] = annealed.bound
print(
    f"{spec.chains} chains, {spec.distributions} distributions; acceptance {annealed.acceptance.item():.2f}"
)

# %% [markdown]
# ## The gaps
#
# The tightest bound stands for log p(x). (For a whole data set, the workflow chooses it once, by its mean: the
# largest of several noisy values at each image would be biased upwards.)

# %%
values = {name: bound.value.item() for name, bound in found.items()}
tightest = max(values, key=values.get)
print(f"log p(x) by {tightest}: {values[tightest]:.2f} nats")
print(f"approximation gap: {values[tightest] - values['L[q*]']:.2f} nats")
print(f"amortization gap:  {values['L[q*]'] - values['L[q]']:.2f} nats")

# %% [markdown]
# ## The same numbers in the files of the workflow
#
# The files of values have one line per image. Both are estimates and should agree within a few standard errors.

# %%
files = {
    "L[q]": (run.iwae(MODEL, SEED, SPLIT, "amortised"), "elbo"),
    "IWAE from q": (run.iwae(MODEL, SEED, SPLIT, "amortised"), "iwae"),
    "L[q*]": (run.iwae(MODEL, SEED, SPLIT, "local-ffg"), "elbo"),
    "IWAE from q*": (run.iwae(MODEL, SEED, SPLIT, "local-ffg"), "iwae"),
    "AIS from q*": (run.ais(MODEL, SEED, SPLIT, "local-ffg"), None),
}
rows = []
for name, (path, bound) in files.items():
    frame, _ = read_values(path)
    line = frame[(frame["point"] == POINT) & (bound is None or frame["bound"] == bound)].iloc[0]
    error = (line["standard_error"] ** 2 + found[name].standard_error.item() ** 2) ** 0.5
    rows.append([name, values[name], line["value"], (values[name] - line["value"]) / error])
pd.DataFrame(rows, columns=["", "notebook", "workflow", "difference in standard errors"]).round(2).set_index(
    ""
)
