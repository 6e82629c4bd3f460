"""Compare the local optimisation of q*_FFG with the authors' procedure, on the same decoder and the same points.

    python benchmarks/local_optimisation.py [--model model.safetensors --data prepared.safetensors] [--points 20]

All are judged by one evaluation with noise of its own, the same for each. Cost is counted in passes through the
decoder per data point, a gradient as two, so that it does not depend on the machine: until the mean bound is
within 0.05 nats of the optimum, and until the procedure ends by its own rule. Ours is looked at when a cycle ends,
the authors' after each window of 100 iterations. The optimum is the better, point by point, of long runs from
both starts.

Without a model one is trained on the digits of data/embedded, in seconds. The authors' procedure then needs 15,000
to 20,000 iterations, a quarter of an hour on one core.
"""

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

import torch
from authors_local import CountedGenerator, Trace, WatchedGaussian, authors_local_optimisation, bound_terms
from torch import Tensor

from inference_gaps.bounds.local import optimise
from inference_gaps.cli import main as inference_gaps
from inference_gaps.config.loading import load_configuration
from inference_gaps.config.resolution import local_spec
from inference_gaps.data.prepared import load_prepared
from inference_gaps.models.storage import load_model
from inference_gaps.models.vae import VAE
from inference_gaps.posteriors.family import Parameters
from inference_gaps.posteriors.gaussian import FullyFactorisedGaussian
from inference_gaps.runtime import random_generator
from inference_gaps.specs.local import LocalSpec

TOP = Path(__file__).parents[1]
NEAR = 0.05
# The samples that a procedure is evaluated with on the way; the noise they share with the optimum cancels.
SAMPLES_ON_THE_WAY = 1000
TRAINING = (
    '{"epochs": 60, "warm_up_epochs": 7, "learning_rate": 3e-3, "schedule": "geometric", "shuffle": true, '
    '"validation_points": 500}'
)
# More steps and samples than any preset has.
LONG = LocalSpec(samples=64, steps=2000, learning_rate=0.02, tolerance=0.001, max_cycles=4)
HEADER = "procedure,start,bound,shortfall,standard_error,passes_until_within_0.05,passes_until_end"


@dataclass(frozen=True)
class Row:
    """What one procedure reached and what it cost.

    Attributes:
        procedure: its name.
        start: where it started.
        bound: mean over points, in nats.
        shortfall: mean over points of L[q*] - L[q], in nats, and its Monte-Carlo standard error.
        near: passes per point until the shortfall is below 0.05 nats; None if it never was.
        total: passes per point until the procedure ended by its own rule.
    """

    procedure: str
    start: str
    bound: float
    shortfall: tuple[float, float]
    near: int | None
    total: int


class Comparison:
    """One decoder and its points.

    Args:
        vae: trained with FFG, weights frozen.
        x: [B, D].
        samples: of the evaluation, per point.
    """

    def __init__(self, vae: VAE, x: Tensor, samples: int) -> None:
        self.vae, self.x = vae, x
        self.noise = torch.randn(len(x), samples, vae.latent_dim, generator=random_generator(0, stream=10))
        zeros = torch.zeros(len(x), vae.latent_dim)
        self.starts: dict[str, Parameters] = {
            "amortised": vae.posterior.parameters_for(x),
            "zeros": {"mean": zeros, "log_variance": zeros},
        }
        runs = []
        for start in self.starts.values():
            rng, family = random_generator(1), FullyFactorisedGaussian(vae.latent_dim)
            optimum = optimise(vae.generator, family, x, [start], LONG, rng, lambda cycle, bound: None)
            runs.append(self.terms(optimum.parameters))
        better = runs[0].mean(1, keepdim=True) > runs[1].mean(1, keepdim=True)
        self.best = torch.where(better, runs[0], runs[1])

    def terms(self, parameters: Parameters, samples: int | None = None) -> Tensor:
        """Return log p(x, z) - log q(z) [B, samples] with the common noise."""
        return bound_terms(self.vae.generator, self.x, parameters, self.noise[:, :samples])

    def trace(self) -> Trace:
        """Return a fresh trace on the decoder."""

        def shortfall(parameters: Parameters) -> float:
            left = self.best[:, :SAMPLES_ON_THE_WAY] - self.terms(parameters, SAMPLES_ON_THE_WAY)
            return left.mean().item()

        return Trace(CountedGenerator(self.vae.generator), shortfall)

    def row(self, procedure: str, start: str, parameters: Parameters, trace: Trace) -> Row:
        """Summarise a run that has ended."""
        terms = self.terms(parameters)
        left = self.best - terms
        error = (left.var(1) / left.shape[1]).sum().sqrt().item() / len(left)
        return Row(
            procedure,
            start,
            terms.mean().item(),
            (left.mean().item(), error),
            trace.passes_until(NEAR),
            trace.generator.passes,
        )

    def ours(self, preset: str, start: str) -> Row:
        """Run ours with the settings of a preset."""
        settings = load_configuration(TOP, {"preset": preset}).preset
        spec = local_spec(settings, "mnist", "ffg", "train", seed=0)
        trace, rng = self.trace(), random_generator(0)
        family = WatchedGaussian(self.vae.latent_dim, trace.watch)
        optimum = optimise(
            trace.generator, family, self.x, [self.starts[start]], spec, rng, lambda cycle, bound: None
        )
        return self.row(f"ours ({preset})", start, optimum.parameters, trace)

    def authors(self, per_copy: bool) -> Row:
        """Run the authors' procedure."""
        trace, rng = self.trace(), random_generator(0)
        parameters = authors_local_optimisation(trace.generator, self.x, rng, trace.watch, per_copy=per_copy)
        return self.row(
            "authors' (per copy)" if per_copy else "authors' (shared)", "zeros", parameters, trace
        )


def _train(folder: Path) -> tuple[Path, Path]:
    """Prepare the embedded digits and train on them; return the files of the data and the model."""
    data, model = folder / "digits.safetensors", folder / "model.safetensors"
    prepare = ["--dataset", "mnist-small", "--binarisation", "grey256", "--output", str(data)]
    inference_gaps(["prepare-data", *prepare, "--folder", str(TOP / "data" / "embedded" / "mnist-small")])
    files = ["--data", str(data), "--output", str(model), "--metrics", str(folder / "metrics.csv")]
    inference_gaps(["train", "--spec", TRAINING, *files])
    return data, model


def _print(row: Row) -> None:
    near = f"{row.near:,}" if row.near is not None else "never"
    left, error = row.shortfall
    print(
        f"{row.procedure:22s}{row.start:12s}{row.bound:10.3f}{left:10.4f} ± {error:.4f}{near:>14s}{row.total:14,}",
        flush=True,
    )


def main() -> None:
    """Run, print, and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, help="trained with FFG; default: train one")
    parser.add_argument("--data", type=Path, help="what it was trained on")
    parser.add_argument("--points", type=int, default=20)
    parser.add_argument("--samples", type=int, default=5000, help="of the evaluation, per point")
    parser.add_argument("--presets", nargs="+", default=["quick", "laptop", "full"], help="settings of ours")
    parser.add_argument("--copies", choices=["own", "shared", "both"], default="own",
                        help="the authors' parameters: of each sample its own, or shared by a point")  # fmt: skip
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--output", type=Path, default=Path("results/bench-local-optimisation.csv"))
    options = parser.parse_args()
    if (options.model is None) != (options.data is None):
        parser.error("give --model and --data together, or neither")
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)

    with tempfile.TemporaryDirectory() as folder:
        data, model = (options.data, options.model) if options.model else _train(Path(folder))
        vae, x = load_model(model)[0], load_prepared(data).points("train", options.points)
    if not isinstance(vae.posterior.family, FullyFactorisedGaussian):
        parser.error(f"{options.model} was not trained with FFG")
    comparison = Comparison(vae, x, options.samples)
    print(f"{'':34s}{'bound':>10s}{'shortfall, nats':>19s}{'passes to ' + str(NEAR):>14s}{'to the end':>14s}")
    rows = []
    for preset in options.presets:
        for start in comparison.starts:
            rows.append(comparison.ours(preset, start))
            _print(rows[-1])
    for per_copy in {"own": [True], "shared": [False], "both": [True, False]}[options.copies]:
        rows.append(comparison.authors(per_copy))
        _print(rows[-1])
    lines = [HEADER]
    for row in rows:
        near = "" if row.near is None else row.near
        left, error = row.shortfall
        lines.append(f"{row.procedure},{row.start},{row.bound:.4f},{left:.4f},{error:.4f},{near},{row.total}")
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"written to {options.output}")


if __name__ == "__main__":
    main()
