"""Measure the pipeline against plain code, in turn and in one run; print medians and ratios.

    python benchmarks/run.py [--threads 1] [--repetitions 5] [--output results/bench.csv]

Times on a shared machine are noisy: compare the ratios, which are taken pair by pair.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from baselines import PlainVae, autograd_ais, train_from_loader, train_in_memory
from torch import Tensor

from inference_gaps.bounds.ais import annealed_importance_sampling
from inference_gaps.models.mlp import MlpGenerator
from inference_gaps.models.vae import build_vae
from inference_gaps.specs.ais import AisSpec
from inference_gaps.specs.train import TrainSpec
from inference_gaps.training.loop import Images, train

IMAGES, BATCH = 5000, 100
POINTS, CHAINS, DISTRIBUTIONS, LEAPFROG_STEPS, LATENT_DIM = 20, 50, 12, 10, 50


def seconds(work: Callable[[], object]) -> float:
    """Time one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def compare(
    ours: Callable[[], object], theirs: Callable[[], object], repetitions: int
) -> tuple[list[float], ...]:
    """Time both in turn after one warm-up of each."""
    ours(), theirs()
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(repetitions)]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def our_epoch(pixels: Tensor) -> None:
    """One epoch of the training loop."""
    spec = TrainSpec(epochs=1, batch_size=BATCH, warm_up_epochs=0, shuffle=True)
    model = build_vae(spec.architecture, spec.posterior, (1, 28, 28))
    train(model, spec, Images(pixels, 1.0), None, lambda metrics: None)


def our_ais(decoder: PlainVae, x: Tensor) -> None:
    """AIS with the settings of the baseline, on the same decoder."""
    generator = MlpGenerator(LATENT_DIM, [200, 200], 784, "elu")
    generator.layers.load_state_dict(
        {f"{i}.{k}": v for i in range(3) for k, v in decoder.decoder[2 * i].state_dict().items()}
    )
    spec = AisSpec(
        points=POINTS, chains=CHAINS, distributions=DISTRIBUTIONS, leapfrog_steps=LEAPFROG_STEPS,
        adaptation="cumulative",
    )  # fmt: skip
    shape = (POINTS, LATENT_DIM)
    rng = torch.Generator().manual_seed(0)
    annealed_importance_sampling(
        generator.requires_grad_(False), x, torch.zeros(shape), torch.ones(shape), spec, rng
    )


def main() -> None:
    """Run, print, and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--output", type=Path, default=Path("results/bench.csv"))
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(0)

    pixels = (torch.rand(IMAGES, 784) < 0.2).to(torch.uint8)
    floats = pixels.float()
    decoder, x = PlainVae(), floats[:POINTS]
    chain_distributions = POINTS * CHAINS * DISTRIBUTIONS

    def plain_ais() -> Tensor:
        return autograd_ais(decoder.decoder, x, LATENT_DIM, CHAINS, DISTRIBUTIONS, LEAPFROG_STEPS)

    rows: list[tuple[str, str, int, Callable[[], object], Callable[[], object]]] = [
        ("training, images/s", "DataLoader loop", IMAGES,
         lambda: our_epoch(pixels), lambda: train_from_loader(pixels, BATCH)),
        ("training, images/s", "in-memory loop", IMAGES,
         lambda: our_epoch(pixels), lambda: train_in_memory(floats, BATCH)),
        ("AIS, chains x distributions/s", "autograd AIS", chain_distributions,
         lambda: our_ais(decoder, x), plain_ais),
    ]  # fmt: skip
    lines = ["what,baseline,ours_per_second,baseline_per_second,ratio_median,ratio_min,ratio_max,threads"]
    for what, baseline, amount, ours, theirs in rows:
        mine, plain = compare(ours, theirs, options.repetitions)
        ratios = [b / a for a, b in zip(mine, plain)]
        rates = [amount / statistics.median(times) for times in (mine, plain)]
        print(
            f"{what:32s} ours {rates[0]:9,.0f}   {baseline:16s} {rates[1]:9,.0f}   "
            f"ratio {statistics.median(ratios):5.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        )
        lines.append(
            f"{what!r},{baseline},{rates[0]:.0f},{rates[1]:.0f},{statistics.median(ratios):.3f},"
            f"{min(ratios):.3f},{max(ratios):.3f},{options.threads}".replace("'", '"')
        )
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"written to {options.output}")


if __name__ == "__main__":
    main()
