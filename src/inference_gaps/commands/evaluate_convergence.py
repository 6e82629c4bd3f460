"""Compare the estimators of log p(x) at growing cost, per data point.

Reads data, a trained model and q*_FFG of the same points. Writes a values file (CSV: estimator, size, passes,
point, value, standard_error, single_chain, single_chain_error; nats): IWAE from q and from q*_FFG with growing
numbers of samples, AIS from the prior and from q*_FFG with growing numbers of distributions. passes counts how
often a point passes through the generator: once for a value, twice for a gradient; what q*_FFG itself took is
included.

  inference-gaps evaluate-convergence --spec '{"points": 8, "distributions": [10, 100]}' --data mnist.safetensors \\
      --model model.safetensors --start local-ffg.safetensors --output convergence.csv
"""

import argparse
from collections.abc import Iterator

import pandas as pd

from inference_gaps.artifacts import write_values
from inference_gaps.bounds.convergence import Measurement, ais_at_sizes, iwae_at_sizes
from inference_gaps.bounds.local import passes_of
from inference_gaps.progress import progress_bar
from inference_gaps.runtime import random_generator
from inference_gaps.specs.convergence import ConvergenceSpec
from inference_gaps.specs.local import LocalSpec
from inference_gaps.stages import add_stage_arguments, gaussian_posterior, gaussian_start, load_stage

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of ``evaluate-convergence``."""
    add_stage_arguments(parser, "points, samples, distributions, chains", "values to write (.csv)")
    parser.add_argument("--start", required=True, help="q*_FFG of the same points, from optimise-local")


def _frame(estimator: str, measured: Measurement, spent: int) -> pd.DataFrame:
    columns = {"value": measured.value, "standard_error": measured.standard_error}
    if measured.single_chain is not None and measured.single_chain_error is not None:
        columns |= {"single_chain": measured.single_chain, "single_chain_error": measured.single_chain_error}
    frame = pd.DataFrame({name: column.cpu().numpy() for name, column in columns.items()})
    frame.insert(0, "estimator", estimator)
    frame.insert(1, "size", measured.size)
    frame.insert(2, "passes", measured.passes + spent)
    frame.insert(3, "point", range(len(frame)))
    return frame


def run(options: argparse.Namespace) -> None:
    """Measure and write; see the module."""
    spec = ConvergenceSpec.from_argument(options.spec)
    stage = load_stage(options, spec)
    local = gaussian_posterior(options.start, spec, stage)
    provenance = stage.provenance(options, spec)
    made_by = local.provenance
    spent = passes_of(LocalSpec.model_validate(made_by["spec"]), max(made_by["summary"]["cycles"]))
    model, x = stage.model, stage.images
    generator, rng = model.generator, random_generator(spec.seed, stage.device)

    amortised = model.posterior.parameters_for(x)
    iwae = {
        "iwae_amortized": iwae_at_sizes(generator, model.posterior.family, amortised, x, spec.samples, rng),
        "iwae_local_ffg": iwae_at_sizes(generator, local.family, local.parameters, x, spec.samples, rng),
    }
    prior, posterior = gaussian_start(None, spec.points, stage), gaussian_start(local, spec.points, stage)
    ais = {
        "ais_prior": ais_at_sizes(generator, x, *prior, "prior", spec, rng),
        "ais_local_ffg": ais_at_sizes(generator, x, *posterior, "local-ffg", spec, rng),
    }
    estimators: dict[str, Iterator[Measurement]] = {**iwae, **ais}
    frames = []
    with progress_bar(2 * (len(spec.samples) + len(spec.distributions)), "convergence", "size") as bar:
        for name, sizes in estimators.items():
            for measured in sizes:
                frames.append(_frame(name, measured, spent if name.endswith("local_ffg") else 0))
                bar.update()
    write_values(options.output, pd.concat(frames, ignore_index=True), provenance)
