# ---
# jupyter:
#   inference_gaps:
#     reads:
#       - models/check-digits-ffg/seed-0/model.safetensors
#       - models/check-digits-ffg/seed-0/train/local-ffg.safetensors
#       - models/check-digits-ffg/seed-0/train/exact.csv
#   jupytext:
#     notebook_metadata_filter: inference_gaps
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Posteriors in two dimensions
#
# With two latent dimensions, the true posterior p(z|x) is a picture, and log p(x) an integral over the plane. The
# model is `check-digits-ffg`, one of the models of the self-check. Change `POINT` to see another image.

# %%
import os

import matplotlib.pyplot as plt
import numpy as np
import torch

from inference_gaps.exact.quadrature import PosteriorGrid, gaussian_bound, log_joint_at
from inference_gaps.replication.artifacts.files import read_values
from inference_gaps.replication.artifacts.finished_run import finished_run
from inference_gaps.replication.storage.local_posteriors import load_local_posterior
from inference_gaps.replication.storage.prepared_data import load_prepared
from inference_gaps.replication.storage.trained_models import load_model

PRESET = os.environ.get("INFERENCE_GAPS_PRESET", "quick")
MODEL, SEED, SPLIT = "check-digits-ffg", 0, "train"
POINT = 2

# %% [markdown]
# ## Two Gaussians for one image
#
# The *amortized* q comes from the recognition network, which serves every image. The *optimal* q\* of the same
# family was optimised for this image alone. Integrals are computed in double precision.

# %%
run = finished_run(PRESET)
model, _ = load_model(run.weights(MODEL, SEED))
data = load_prepared(run.data_of(MODEL, SEED))
x = data.points(SPLIT, POINT + 1)[POINT:]
local, _ = load_local_posterior(run.local(MODEL, SEED, SPLIT, "ffg"), SPLIT, POINT + 1)

gaussians = {
    "amortized q": model.posterior.parameters_for(x),
    "optimal q*": local.rows(slice(POINT, POINT + 1)),
}
gaussians = {
    name: (parameters["mean"].double(), parameters["log_variance"].double())
    for name, parameters in gaussians.items()
}
generator, x = model.generator.double(), x.double()

# %% [markdown]
# ## The true posterior and log p(x), by quadrature
#
# The grid is refined until log p(x) no longer changes. The bound of a Gaussian is an integral too, so these gaps
# are exact.

# %%
grid = PosteriorGrid(generator, x)
log_p = grid.log_marginal.item()
bounds = {name: gaussian_bound(generator, x, *gaussian)[0].item() for name, gaussian in gaussians.items()}
print(f"log p(x)          {log_p:9.3f} nats (the last refinement changed it by {grid.change.item():.0e})")
print(f"L[q*]             {bounds['optimal q*']:9.3f}")
print(f"L[q]              {bounds['amortized q']:9.3f}")
print(f"approximation gap {log_p - bounds['optimal q*']:9.3f}")
print(f"amortization gap  {bounds['optimal q*'] - bounds['amortized q']:9.3f}")

# %% [markdown]
# ## The picture
#
# Shaded: p(z|x). Ellipses: one and two standard deviations of each Gaussian. The solid ellipse (q\*) cannot cover
# the whole posterior: the approximation gap. The dashed one (q) lies elsewhere: the amortization gap.

# %%
mean, variance = grid.moments()
half = 4 * max(
    variance.max().sqrt().item(), *(torch.exp(0.5 * v).max().item() for _, v in gaussians.values())
)
first, second = (np.linspace(centre - half, centre + half, 241) for centre in mean[0].tolist())
nodes = torch.tensor(np.stack(np.meshgrid(first, second), axis=-1).reshape(-1, 2))
density = torch.exp(log_joint_at(generator, x, nodes)[0] - log_p).reshape(241, 241)

figure, (left, right) = plt.subplots(1, 2, figsize=(6.5, 3.4), width_ratios=[1, 2.6])
left.imshow(x.reshape(data.shape[1:]), cmap="gray")
left.set_title("the image")
left.axis("off")
right.contourf(first, second, density, levels=12, cmap="Greys")
angle = np.linspace(0, 2 * np.pi, 200)
for (name, (centre, log_variance)), style, colour in zip(
    gaussians.items(), ("--", "-"), ("#d55e00", "#0072b2"), strict=True
):
    deviation = torch.exp(0.5 * log_variance)[0].tolist()
    for times in (1, 2):
        ellipse = [
            c + times * d * wave
            for c, d, wave in zip(centre[0].tolist(), deviation, (np.cos(angle), np.sin(angle)), strict=True)
        ]
        right.plot(*ellipse, style, color=colour, label=name if times == 1 else None)
right.set(xlabel="first latent dimension", ylabel="second", aspect="equal")
right.legend(loc="upper right")
figure.tight_layout()

# %% [markdown]
# ## The same numbers in the files of the workflow
#
# `evaluate-exact` computed the same integrals. It finds the optimum by another method, exactly. The optimised q\*
# is within its tolerance of this optimum.

# %%
exact, _ = read_values(run.exact(MODEL, SEED, SPLIT))
of_point = exact[exact["point"] == POINT].set_index("quantity")["value"]
print(f"log p(x)           {of_point['log_p']:9.3f}   notebook {log_p:9.3f}")
print(f"L[q]               {of_point['elbo_amortized']:9.3f}   notebook {bounds['amortized q']:9.3f}")
print(f"L of the optimum   {of_point['elbo_local_ffg']:9.3f}   notebook {bounds['optimal q*']:9.3f}")
