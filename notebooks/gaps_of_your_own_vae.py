# ---
# jupyter:
#   inference_gaps:
#     reads:
#       - table2.csv
#   jupytext:
#     notebook_metadata_filter: inference_gaps
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The gaps of your own VAE
#
# A VAE in plain PyTorch, as you may have one: how far is its ELBO from log p(x), and is the cause the encoder or
# the family of q? It is trained on the digits that come with the project. Put your own in its place.

# %%
import gzip
import os
import textwrap
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn
from torch.nn import functional

import inference_gaps as gaps
import inference_gaps.foreign.measure  # what gaps imports once it is asked for it; the page follows its code
from inference_gaps.replication.artifacts.files import read_values
from inference_gaps.replication.artifacts.finished_run import finished_run

PRESET = os.environ.get("INFERENCE_GAPS_PRESET", "quick")
TOP = next(folder for folder in (Path.cwd(), *Path.cwd().parents) if (folder / "data/embedded").is_dir())
LATENT, EPOCHS, POINTS = 8, 4, 30


def digits(split):
    """Return the embedded digits of a split, zeros and ones [N, 1, 28, 28]."""
    packed = (TOP / f"data/embedded/mnist-small/{split}-images-idx3-ubyte.gz").read_bytes()
    pixels = np.frombuffer(gzip.decompress(packed)[16:], dtype=np.uint8).reshape(-1, 1, 28, 28)
    return torch.from_numpy(pixels > 127).float()


# %% [markdown]
# ## A small convolutional VAE, trained
#
# It has batch normalisation, which knows two modes. That will be the first mistake.


# %%
class Net(nn.Module):
    """An encoder and a decoder of two convolutions each."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 8, 4, stride=2, padding=1),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.Conv2d(8, 16, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(16 * 7 * 7, 2 * LATENT),
        )
        self.decoder = nn.Sequential(
            nn.Linear(LATENT, 16 * 7 * 7),
            nn.ReLU(),
            nn.Unflatten(1, (16, 7, 7)),
            nn.ConvTranspose2d(16, 8, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(8, 1, 4, stride=2, padding=1),
        )

    def encode(self, x):
        """Return the mean and the log variance of q(z|x), each [N, d]."""
        return self.encoder(x).chunk(2, 1)

    def elbo(self, x):
        """Return the ELBO of each image from one sample of q(z|x), nats [N]."""
        mean, log_variance = self.encode(x)
        z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        logits = self.decoder(z)
        log_likelihood = -functional.binary_cross_entropy_with_logits(logits, x, reduction="none")
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1)
        return log_likelihood.flatten(1).sum(1) - divergence


torch.manual_seed(0)
net, images = Net(), digits("train")
optimiser = torch.optim.Adam(net.parameters(), lr=3e-3)
for _ in range(EPOCHS):
    for batch in images[torch.randperm(len(images))].split(50):
        optimiser.zero_grad()
        (-net.elbo(batch).mean()).backward()
        optimiser.step()
net.eval()

x = digits("test")[:POINTS]
with torch.no_grad():
    own = torch.stack([net.elbo(x) for _ in range(100)]).mean(0)
    reconstructions = net.decoder(net.encode(x[:6])[0]).sigmoid()
print(f"ELBO of {POINTS} test images: {own.mean():.1f} nats")

figure, panels = plt.subplots(2, 6, figsize=(5, 1.8))
for panel, picture in zip(panels.flat, torch.cat([x[:6], reconstructions]), strict=True):
    panel.imshow(picture[0], cmap="gray")
    panel.axis("off")

# %% [markdown]
# ## Its gaps
#
# `Vae` describes the model by functions. Nothing is trained and no weight is changed. `elbo=` is the ELBO that you
# found yourself: if ours differs, the description is not your model.

# %%
vae = gaps.Vae(net.encode, net.decoder, LATENT, gaps.Bernoulli(), modules=(net,))
result = gaps.measure(vae, x, elbo=own, effort="quick", progress=False)
print(result)

# %% [markdown]
# Of the inference gap, log p(x) − L[q], the *amortization gap* is what the encoder loses: a better one of the same
# family could win it. The *approximation gap* is what the family loses, here the factorised Gaussian. An estimate
# that rests on too few weights is *loose*: it has no error and does not stand for log p(x).
#
# The figure has the bounds, and the gaps of each image. `result.points` has the numbers behind it.

# %%
result.plot()

# %%
result.points[
    ["elbo_amortized", "elbo_local_ffg", "log_p", "amortization_gap", "approximation_gap"]
].head().round(2)

# %% [markdown]
# ## Three mistakes
#
# Each of them would give a number without a word, and the number would be wrong. A mistake that can be proved ends
# in an error, one that can only be guessed in a warning beside the numbers.


# %%
def attempt(vae, x):
    """Measure, and print what there is to complain of."""
    try:
        found = gaps.measure(vae, x, elbo=own, effort="quick", ais=(), samples=200, steps=50, progress=False)
    except gaps.UserError as error:
        print(textwrap.fill(f"UserError: {error}", 100))
    else:
        print(f"amortization gap: {found.summary.loc['amortization_gap', 'mean']:.1f} nats\n")
        print(*(textwrap.fill(f"- {sentence}", 100) for sentence in found.warnings()), sep="\n")


# %% [markdown]
# **The model is in training mode.** Batch normalisation would mix the images of a batch, and each pass would change
# the statistics of the model.

# %%
net.train()
attempt(vae, x)
_ = net.eval()

# %% [markdown]
# **Pixels from 0 to 255.** The Bernoulli likelihood has a value for them, too, and it means nothing.

# %%
attempt(vae, 255 * x)


# %% [markdown]
# **A standard deviation where a log variance is meant.** Both are tensors of the same shape. Here the ELBO gives it
# away, and the widths of q do so without it.


# %%
def encode(x):
    """Return the mean and the standard deviation of q(z|x)."""
    mean, log_variance = net.encode(x)
    return mean, torch.exp(0.5 * log_variance)


attempt(gaps.Vae(encode, net.decoder, LATENT, gaps.Bernoulli(), modules=(net,)), x)

# %% [markdown]
# ## The models of the paper
#
# The same gaps of the models of this run, for comparison. What else a `Vae` may be made of, and how to read a
# result: `docs/own-vae.md`.

# %%
table, _ = read_values(finished_run(PRESET).table("table2", "csv"))
shown = table[table["quantity"].isin(["approximation_gap", "amortization_gap", "inference_gap"])]
shown.pivot_table(
    index=["dataset_title", "trained_with"], columns="quantity", values="value", sort=False
).round(2)
