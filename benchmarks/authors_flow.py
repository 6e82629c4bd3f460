"""L[q*_AF] by the authors' procedure, beside ours, image by image, on the weights of a run.

  python scripts/run_snakemake.py --preset=weekend --cores 1 results/weekend/data/mnist-grey256.safetensors
  python -m benchmarks.authors_flow --data results/weekend/data/mnist-grey256.safetensors \\
      --run results/weekend/models/mnist-ffg/seed-0 --images 8 --output mnist-ffg.csv

Their Table-2 code fits a flow to one image at a time: 100 copies of the mean and log variance of v, all zero at the
start; one set of networks for all copies, whose biases stay as they are drawn; Adam at 10^-3, until the loss of
eleven windows of 100 steps in a row has not been the lowest. It is written here plainly, without code of the
pipeline. ``ours`` is L[q*_AF] of the values file ``iwae-local-af.csv`` of the run.

The file has a line per image: point, ours, ours_error, theirs, theirs_error (nats; Monte-Carlo standard errors) and
steps. Images that it holds already are kept. Printed is the mean of theirs - ours, with its standard error between
images. An image takes two to five minutes of one core.
"""

import argparse
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor, nn

from benchmarks.baselines import PlainVae
from benchmarks.local_baseline import SAMPLES, PlainFlow, bound, optimise_point
from inference_gaps.replication.storage.prepared_data import load_prepared
from inference_gaps.replication.storage.trained_models import load_model

__all__ = ["authors_flow"]

_REPETITIONS = 100


def authors_flow(decoder: nn.Module, x: Tensor, latent_dim: int, seed: int) -> tuple[float, float, int]:
    """Fit a flow to one image by the authors' procedure.

    Args:
        decoder: z [n, d] to logits [n, D], frozen.
        x: [D].
        latent_dim: d.
        seed: of the networks' start and of all noise.

    Returns:
        L[q*_AF] of the copies in nats, its standard error, and the number of windows of 100 steps.
    """
    torch.manual_seed(seed)
    flow = PlainFlow(latent_dim, copies=SAMPLES)
    for name, parameter in flow.named_parameters():
        parameter.requires_grad_(not name.endswith("bias"))
    windows = sum(1 for _ in optimise_point(decoder, x, flow))
    with torch.no_grad():
        bounds = torch.stack(
            [bound(decoder, x, flow, torch.randn(SAMPLES, flow.noise_dim)) for _ in range(_REPETITIONS)]
        )
    return bounds.mean().item(), bounds.std().item() / _REPETITIONS**0.5, windows


def main() -> None:
    """Run; see the module."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True, help="prepared images")
    parser.add_argument("--run", type=Path, required=True, help="folder of a model and its values")
    parser.add_argument("--images", type=int, default=8, help="the first images of the training split")
    parser.add_argument("--output", type=Path, required=True, help="CSV to write, or to go on with")
    options = parser.parse_args()
    torch.set_num_threads(1)
    model, _ = load_model(options.run / "model.safetensors", torch.device("cpu"))
    images = load_prepared(options.data).points("train", options.images)
    values = pd.read_csv(options.run / "train" / "iwae-local-af.csv")
    ours = values[values["bound"] == "elbo"].set_index("point")
    rows = pd.read_csv(options.output).to_dict("records") if options.output.exists() else []
    if options.images > len(ours):
        parser.error(
            f"--images is {options.images}, but the run has q*_AF of {len(ours)} images; ask for so many."
        )
    decoder = PlainVae.like(model).decoder.requires_grad_(False)
    for point in range(len(rows), options.images):
        theirs, error, windows = authors_flow(decoder, images[point], model.latent_dim, seed=point)
        own = ours.loc[point]
        rows.append(
            {
                "point": point,
                "ours": own["value"],
                "ours_error": own["standard_error"],
                "theirs": theirs,
                "theirs_error": error,
                "steps": windows * 100,
            }
        )
        pd.DataFrame(rows).to_csv(options.output, index=False, float_format="%.6g")
        print(
            f"image {point}: {theirs:.2f}, ours {own['value']:.2f}, after {windows * 100:,} steps", flush=True
        )
    table = pd.DataFrame(rows)
    differences = table["theirs"] - table["ours"]
    print(f"theirs - ours: {differences.mean():.3f} ± {differences.sem():.3f} nats at {len(table)} images")


if __name__ == "__main__":
    main()
