# ---
# jupyter:
#   inference_gaps:
#     reads:
#       - table2.csv
#       - claims.csv
#       - models/mnist-ffg/seed-0/train/iwae-amortised.csv
#       - models/mnist-ffg/seed-0/train/iwae-local-ffg.csv
#       - models/mnist-ffg/seed-0/train/ais-local-ffg.csv
#       - models/mnist-af/seed-0/train/iwae-amortised.csv
#       - models/mnist-af/seed-0/train/iwae-local-af.csv
#   jupytext:
#     notebook_metadata_filter: inference_gaps
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Reading the results
#
# All numbers of a run are plain CSV files, which `pd.read_csv` reads. `read_values` also compares them with their
# record, in the folder `records` beside them, and returns what made them.

# %%
import os

import pandas as pd

from inference_gaps.replication.analysis.table_text import summary_lines
from inference_gaps.replication.artifacts.files import read_values
from inference_gaps.replication.artifacts.finished_run import finished_run
from inference_gaps.summary.intervals import mean_interval

PRESET = os.environ.get("INFERENCE_GAPS_PRESET", "quick")
SEED, SPLIT = 0, "train"
run = finished_run(PRESET)

# %% [markdown]
# ## Values: one line per image
#
# `iwae-POSTERIOR.csv` holds the ELBO and the IWAE bound of a posterior, `ais-START.csv` the estimates of AIS;
# nats.

# %%
values, made_by = read_values(run.iwae("mnist-ffg", SEED, SPLIT, "amortised"))
values[values["point"] < 2].round(2)

# %% [markdown]
# The record says what made a file: the command and its specification, and the fingerprint of each file it was
# made from.

# %%
print(made_by["command"], made_by["spec"])

# %% [markdown]
# ## Tables: one line per model and quantity
#
# A table is long, so that it can be pivoted into any shape. Of a model with several training seeds it has a line
# for each, and one for their average, which `summary_lines` keeps.

# %%
table = summary_lines(read_values(run.table("table2", "csv"))[0])
gaps = ["approximation_gap", "amortization_gap", "inference_gap"]
shown = table[table["quantity"].isin(gaps)]
shown.pivot_table(
    index=["dataset_title", "trained_with"], columns="quantity", values="value", sort=False
).round(2)

# %% [markdown]
# `ci_low` and `ci_high` bound the mean over images; `mc_standard_error` is the Monte-Carlo error of that
# mean. Of a gap the interval is narrow, because the spread between images, which both bounds share, cancels:

# %%
columns = ["quantity", "value", "ci_low", "ci_high", "mc_standard_error"]
table.loc[table["model"] == "mnist-ffg", columns].set_index("quantity").loc[["elbo_amortized", *gaps]].round(
    2
)

# %% [markdown]
# ## Claims: one verdict per line

# %%
claims, _ = read_values(run.claims("csv"))
claims.loc[claims["level"] == "claim", ["claim", "verdict", "reason"]].set_index("claim")


# %% [markdown]
# ## Two models compared, paired by image
#
# Both models were evaluated on the same images. So their difference is taken image by image, and the interval
# is that of the differences. Change `FIRST` or `SECOND`, or compare another bound.


# %%
def gap(model, family):
    """Return the amortization gap of each image: L[q*] − L[q], in nats."""
    bounds = {}
    for posterior in ("amortised", f"local-{family}"):
        frame, _ = read_values(run.iwae(model, SEED, SPLIT, posterior))
        bounds[posterior] = frame[frame["bound"] == "elbo"].set_index("point")["value"]
    return bounds[f"local-{family}"] - bounds["amortised"]


FIRST, SECOND = ("mnist-af", "af"), ("mnist-ffg", "ffg")
paired = pd.DataFrame({"first": gap(*FIRST), "second": gap(*SECOND)})
difference = mean_interval((paired["first"] - paired["second"]).to_numpy())
print(f"amortization gap of {FIRST[0]} less that of {SECOND[0]}, {len(paired)} images:")
print(f"{difference.mean:.2f} nats, 95 % interval {difference.low:.2f} to {difference.high:.2f}")

# %% [markdown]
# The interval of unpaired means would be wider, or narrower than is true where images differ in opposite
# ways:

# %%
for name in ("first", "second"):
    alone = mean_interval(paired[name].to_numpy())
    print(f"{name}: {alone.mean:.2f}, {alone.low:.2f} to {alone.high:.2f}")
