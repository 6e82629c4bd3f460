# %% [markdown]
# # The gaps of one image, step by step
#
# A trained model, one image, and every bound by the functions of the package. Change `IMAGE`, or the numbers of
# samples, and run it again. The model is one of the self-check, with two latent dimensions, which every finished
# run has; its exact log p(x) is known, so that you see how far each bound is from it.

# %%
import math
import os

import torch

from inference_gaps.artifacts import read_values
from inference_gaps.bounds.ais import annealed_importance_sampling
from inference_gaps.bounds.importance import elbo, log_mean_weight
from inference_gaps.data.prepared import load_prepared
from inference_gaps.layout import Layout
from inference_gaps.models.storage import load_model
from inference_gaps.posteriors.storage import load_local_posterior
from inference_gaps.runtime import random_generator
from inference_gaps.specs.ais import AisSpec

layout = Layout(os.environ.get("INFERENCE_GAPS_PRESET", "quick"))
MODEL, SEED, SPLIT, IMAGE = "check-digits-ffg", 0, "train", 3
rng = random_generator(1)

# %% [markdown]
# The model, q* of the first images of the split, and the image itself as a row of pixels.

# %%
model, _ = load_model(layout.weights(MODEL, SEED))
optimum = load_local_posterior(layout.local(MODEL, SEED, SPLIT, "ffg"), SPLIT, IMAGE + 1)
x = load_prepared(layout.data("mnist-14x14-static")).points(SPLIT, IMAGE + 1)[IMAGE : IMAGE + 1]
print(*("".join("#" if pixel else "." for pixel in row) for row in x.reshape(14, 14).tolist()), sep="\n")

# %% [markdown]
# **L[q]**: draw z from q(z|x) and average log p(x, z) − log q(z|x). From the same weights IWAE makes a tighter
# bound on log p(x).

# %%
SAMPLES = 5000
with torch.no_grad():
    z, log_q = model.family_at(x).rsample_with_log_prob(model.posterior.parameters_for(x), SAMPLES, rng)
    log_w = model.generator.log_joint(x, z) - log_q
amortised, iwae = elbo(log_w), log_mean_weight(log_w)
print(f"L[q]    {amortised.value.item():8.3f} ± {amortised.standard_error.item():.3f}")
print(f"IWAE    {iwae.value.item():8.3f} ± {iwae.standard_error.item():.3f}")

# %% [markdown]
# **L[q\*]**: the same for the best Gaussian of this one image, which `optimise-local` found.

# %%
parameters = optimum.rows(slice(IMAGE, IMAGE + 1))
with torch.no_grad():
    z, log_q = optimum.family.rsample_with_log_prob(parameters, SAMPLES, rng)
    best = elbo(model.generator.log_joint(x, z) - log_q)
print(f"L[q*]   {best.value.item():8.3f} ± {best.standard_error.item():.3f}")

# %% [markdown]
# **log p(x)** by annealed importance sampling, with chains that start at q\*.

# %%
spec = AisSpec(
    points=1, start="local-ffg", chains=64, distributions=60, schedule="sigmoidal", leapfrog_steps=4
)
scale = torch.exp(0.5 * parameters["log_variance"])
ais = annealed_importance_sampling(model.generator, x, parameters["mean"], scale, spec, rng).bound
exact, _ = read_values(layout.exact(MODEL, SEED, SPLIT))
truth = exact[(exact["quantity"] == "log_p") & (exact["point"] == IMAGE)]["value"].item()
print(f"AIS     {ais.value.item():8.3f} ± {ais.standard_error.item():.3f}   exact: {truth:.3f}")

# %% [markdown]
# **The gaps** of this image.

# %%
approximation, amortization = truth - best.value.item(), best.value.item() - amortised.value.item()
print(f"approximation gap  log p(x) − L[q*] = {approximation:.3f} nats")
print(f"amortization gap   L[q*] − L[q]     = {amortization:.3f} nats")

# %% [markdown]
# What the pipeline has on file for this image, from its own samples:

# %%
for name, bound in (("amortised", amortised), ("local-ffg", best)):
    values, _ = read_values(layout.iwae(MODEL, SEED, SPLIT, name))
    filed = values[(values["bound"] == "elbo") & (values["point"] == IMAGE)].iloc[0]
    distance = abs(filed["value"] - bound.value.item())
    error = math.hypot(filed["standard_error"], bound.standard_error.item())
    print(f"{name:10} {filed['value']:8.3f} on file, {distance / error:.1f} standard errors from here")
    assert distance < 5 * error
