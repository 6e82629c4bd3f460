# %% [markdown]
# # Posteriors in two dimensions
#
# With two latent dimensions the posterior of an image can be looked at. Here it is for one image: the true one on
# a grid, the Gaussian that the recognition network gives, and the best Gaussian. Change `IMAGE`.
# (`figures/PRESET/posteriors.pdf` has chosen images of another model, with a flow.)

# %%
import os

import matplotlib.pyplot as plt
import torch

from inference_gaps.data.prepared import load_prepared
from inference_gaps.exact.plane import Approximation, exact_generator, plane_of
from inference_gaps.exact.quadrature import PosteriorGrid, gaussian_bound
from inference_gaps.figures.posteriors import mass_levels
from inference_gaps.layout import Layout
from inference_gaps.models.storage import load_model
from inference_gaps.posteriors.storage import load_local_posterior
from inference_gaps.runtime import random_generator

layout = Layout(os.environ.get("INFERENCE_GAPS_PRESET", "quick"))
MODEL, SEED, SPLIT, IMAGE = "check-digits-ffg", 0, "train", 3

# %%
model, _ = load_model(layout.weights(MODEL, SEED))
x = load_prepared(layout.data("mnist-14x14-static")).points(SPLIT, IMAGE + 1)
local = load_local_posterior(layout.local(MODEL, SEED, SPLIT, "ffg"), SPLIT, IMAGE + 1)
with torch.no_grad():
    amortised = model.posterior.parameters_for(x)
approximations = {
    "amortized": Approximation.of(model.posterior.family, amortised),
    "optimal": Approximation.of(local.family, local.parameters),
}
generator = exact_generator(model.generator)
plane = plane_of(generator, x.double(), IMAGE, approximations, 60, random_generator(0))

# %% [markdown]
# log p(x) and both bounds are integrals here, not estimates.

# %%
image = x[IMAGE : IMAGE + 1].double()
log_p = PosteriorGrid(generator, image).log_marginal.item()
print(f"log p(x) = {log_p:.3f}")
for name, q in approximations.items():
    own = q.at(IMAGE)
    bound, _ = gaussian_bound(generator, image, own["mean"], own["log_variance"])
    print(f"{name:10} {bound.item():.3f}, {log_p - bound.item():.3f} nats below")

# %%
figure, panels = plt.subplots(1, 4, figsize=(11, 2.9), width_ratios=[0.7, 1, 1, 1])
panels[0].imshow(x[IMAGE].reshape(14, 14), cmap="gray_r")
panels[0].set_axis_off()
densities = {"true posterior": plane.log_posterior, **plane.log_q}
for axes, (name, density) in zip(panels[1:], densities.items()):
    levels = sorted(mass_levels(density.numpy()))
    axes.contourf(
        *plane.axes.numpy(),
        density.numpy().T,
        levels=[*levels, float("inf")],
        colors=["#dbe9f6", "#89bedc", "#1c6cb1"],
    )
    true_levels = sorted(mass_levels(plane.log_posterior.numpy(), (0.9,)))
    axes.contour(*plane.axes.numpy(), plane.log_posterior.numpy().T, levels=true_levels, colors="tab:red")
    axes.set_title(name)
    axes.set_aspect("equal")
plt.show()
