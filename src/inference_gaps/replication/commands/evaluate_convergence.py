"""Compare the estimators of log p(x) at growing cost, per data point.

Reads data, a trained model and q*_FFG of the same points. Writes a values file (CSV: estimator, size, passes,
point, value, standard_error, single_chain, single_chain_error; nats): IWAE from q and from q*_FFG with growing
numbers of samples, AIS from the prior and from q*_FFG with growing numbers of distributions. passes counts passes
of a point through the generator: one for a value, two for a gradient, those that found q*_FFG included.

  inference-gaps evaluate-convergence --spec '{"points": 8, "distributions": [10, 100]}' --data mnist.safetensors \\
      --model model.safetensors --start local-ffg.safetensors --output convergence.csv
"""

import argparse
from collections.abc import Callable
from functools import partial

import pandas as pd
from torch import Tensor

from inference_gaps.bounds.convergence import Measurement, ais_at_size, iwae_at_sizes
from inference_gaps.bounds.local import passes_of
from inference_gaps.numerics.checkpoint import Results
from inference_gaps.numerics.device import random_generator
from inference_gaps.posteriors.family import Parameters, PosteriorFamily
from inference_gaps.replication.artifacts.files import write_values
from inference_gaps.replication.commands.stage_inputs import (
    gaussian_posterior,
    gaussian_start,
    load_stage,
)
from inference_gaps.replication.jobs.job import resumable
from inference_gaps.replication.jobs.progress import progress_bar
from inference_gaps.specs.convergence import ConvergenceSpec
from inference_gaps.specs.local import LocalSpec

__all__ = ["run"]


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
    prior, posterior = gaussian_start(None, spec.points, stage), gaussian_start(local, spec.points, stage)

    with resumable(provenance, [options.output], stage.device) as job:
        if job.finished:
            return

        def iwae(family: PosteriorFamily, parameters: Parameters) -> list[Measurement]:
            return list(iwae_at_sizes(generator, family, parameters, x, spec.samples, rng))

        def ais(start: str, gaussian: tuple[Tensor, Tensor], size: int) -> list[Measurement]:
            return [ais_at_size(generator, x, *gaussian, start, size, spec, rng, job.checkpoint)]

        sizes = sorted(spec.distributions)
        runs: list[tuple[str, Callable[[], list[Measurement]]]] = [
            ("iwae_amortized", partial(iwae, model.family_at(x), amortised)),
            ("iwae_local_ffg", partial(iwae, local.family, local.parameters)),
            *(("ais_prior", partial(ais, "prior", prior, size)) for size in sizes),
            *(("ais_local_ffg", partial(ais, "local-ffg", posterior, size)) for size in sizes),
        ]
        measured = Results()
        with progress_bar(len(runs), "convergence", "estimate") as bar:
            for index in job.checkpoint.loop(measured, len(runs), rng, where=lambda index: runs[index][0]):
                _, run_one = runs[index]
                measured.append({"sizes": [dict(vars(each)) for each in run_one()]})
                bar.update(index + 1 - bar.n)
        frames = [
            _frame(name, Measurement(**each), spent if name.endswith("local_ffg") else 0)
            for (name, _), result in zip(runs, measured, strict=True)
            for each in result["sizes"]
        ]
        write_values(options.output, pd.concat(frames, ignore_index=True), provenance)
