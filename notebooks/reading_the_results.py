# %% [markdown]
# # Reading the results
#
# Everything that the tables, figures and verdicts are made of lies in small CSV files. Their first line, a
# comment, says what made them; `read_values` checks that against the content, and `pandas.read_csv(path,
# comment="#")` reads them, too.

# %%
import os

import pandas as pd

from inference_gaps.analysis.intervals import mean_interval
from inference_gaps.artifacts import read_values
from inference_gaps.layout import Layout

layout = Layout(os.environ.get("INFERENCE_GAPS_PRESET", "quick"))
pd.set_option("display.width", 120)

# %% [markdown]
# **A table**, one line per model, split and quantity: the mean over images with its interval, its Monte-Carlo
# error, and which estimate of log p(x) it rests on.

# %%
table, made_by = read_values(layout.selfcheck("csv"))
print("made by", made_by["command"], "from", len(made_by["inputs"]), "files")
table.head(8)

# %% [markdown]
# **Values per image.** Each bound has one value and one Monte-Carlo standard error for each image of a fixed
# list.


# %%
def elbo(model: str, posterior: str) -> pd.DataFrame:
    values, _ = read_values(layout.iwae(model, 0, "train", posterior))
    return values[values["bound"] == "elbo"].set_index("point")


elbo("check-digits-ffg", "amortised").head()

# %% [markdown]
# **A gap is a difference at the same image**, averaged afterwards: here the amortization gap.

# %%
gap = elbo("check-digits-ffg", "local-ffg")["value"] - elbo("check-digits-ffg", "amortised")["value"]
interval = mean_interval(gap.to_numpy())
print(
    f"amortization gap {interval.mean:.3f} nats, 95 % between images [{interval.low:.3f}, {interval.high:.3f}]"
)

# %% [markdown]
# **Two models, paired**: the model trained with a Gaussian against the one trained with a flow, at the same
# images. The images differ by tens of nats; the difference at an image does not, which is why pairs matter.

# %%
one, other = elbo("check-digits-ffg", "amortised")["value"], elbo("check-digits-af", "amortised")["value"]
paired = mean_interval((one - other).to_numpy())
print(f"difference of L[q] {paired.mean:.2f} nats, paired [{paired.low:.2f}, {paired.high:.2f}]")
print(f"spread between images: {one.std():.1f} nats; of the difference: {(one - other).std():.1f} nats")

# %% [markdown]
# **The verdicts** on the claims of the paper, if the run has judged them:

# %%
if layout.claims("csv").exists():
    claims, _ = read_values(layout.claims("csv"))
    print(
        claims.loc[claims["level"] == "claim", ["claim", "verdict", "n_run", "n_parts"]].to_string(
            index=False
        )
    )
