"""Compare our q*_FFG with the authors' procedure of local optimisation, per data point.

Reads data, a trained model and q*_FFG of the same points. Writes a values file (CSV: procedure, point, value,
standard_error, steps, passes; nats) with L[q*] of three procedures, evaluated on the same noise:

  ours    the q*_FFG that was read
  shared  one Gaussian per image, by the authors' start, rate and stopping rule
  copies  the authors' procedure: one Gaussian per sample

passes counts passes of an image through the generator: one for a value, two for a gradient.

  inference-gaps compare-local --spec '{"points": 16}' --data mnist.safetensors --model model.safetensors \\
      --start local-ffg.safetensors --output procedures.csv
"""

import argparse

import pandas as pd
import torch
from torch import Tensor

from inference_gaps.bounds import local
from inference_gaps.bounds.authors_local import AuthorsOptimum, authors_optimum, bound_of_copies, passes_of
from inference_gaps.numerics.checkpoint import Results
from inference_gaps.numerics.device import random_generator
from inference_gaps.replication.artifacts.files import write_values
from inference_gaps.replication.commands.stage_inputs import (
    gaussian_posterior,
    load_stage,
)
from inference_gaps.replication.jobs.job import resumable
from inference_gaps.replication.jobs.progress import progress_bar
from inference_gaps.specs.local import LocalSpec
from inference_gaps.specs.procedures import ProceduresSpec

__all__ = ["run"]

_PROCEDURES = ("shared", "copies")


def _frame(procedure: str, terms: Tensor, steps: int, passes: int) -> pd.DataFrame:
    """One line per point; noise comes in pairs of opposite sign, whose means are independent."""
    pairs = terms.unflatten(1, (2, -1)).mean(1)
    return pd.DataFrame(
        {
            "procedure": procedure,
            "point": range(len(terms)),
            "value": terms.mean(1).cpu().numpy(),
            "standard_error": (pairs.std(1) / pairs.shape[1] ** 0.5).cpu().numpy(),
            "steps": steps,
            "passes": passes,
        }
    )


def run(options: argparse.Namespace) -> None:
    """Measure and write; see the module."""
    spec = ProceduresSpec.from_argument(options.spec)
    stage = load_stage(options, spec)
    ours = gaussian_posterior(options.start, spec, stage)
    provenance = stage.provenance(options, spec)
    generator, x, device = stage.model.generator, stage.images, stage.device
    made_by = LocalSpec.model_validate(ours.provenance["spec"])
    cycles = max(ours.provenance["summary"]["cycles"])
    rng = random_generator(spec.seed, device)
    half = spec.copies * max(1, round(spec.samples / (2 * spec.copies)))
    noise = torch.randn(spec.points, half, generator.latent_dim, generator=rng, device=device)
    noise = torch.cat([noise, -noise], dim=1)

    with resumable(provenance, [options.output], device) as job:
        if job.finished:
            return
        optima = Results()
        with progress_bar(len(_PROCEDURES) * spec.max_windows, "compare-local", "window") as bar:

            def report(window: int, bound: float) -> None:
                bar.set_postfix_str(f"bound {bound:.3f}", refresh=False)
                bar.update(len(optima) * spec.max_windows + window - bar.n)

            names = _PROCEDURES
            for index in job.checkpoint.loop(optima, len(names), rng, where=lambda index: names[index]):
                copies, samples = (1, spec.copies) if names[index] == "shared" else (spec.copies, 1)
                climb = job.checkpoint.part("windows")
                optimum = authors_optimum(generator, x, copies, samples, spec, rng, report, climb)
                optima.append(dict(vars(optimum)))

        def measured(name: str, mean: Tensor, log_variance: Tensor, steps: int, passes: int) -> pd.DataFrame:
            terms = bound_of_copies(generator, x, mean, log_variance, noise)
            return _frame(name, terms, steps, passes)

        own = {key: tensor.unsqueeze(1) for key, tensor in ours.parameters.items()}
        frames = [
            measured(
                "ours",
                own["mean"],
                own["log_variance"],
                cycles * made_by.steps,
                local.passes_of(made_by, cycles),
            )
        ]
        for name, result in zip(_PROCEDURES, optima, strict=True):
            found = AuthorsOptimum(**result)
            passes = passes_of(spec, found.steps)
            frames.append(measured(name, found.mean, found.log_variance, found.steps, passes))
        provenance["summary"] = {
            "stopped": {name: result["stopped"] for name, result in zip(_PROCEDURES, optima, strict=True)}
        }
        write_values(options.output, pd.concat(frames, ignore_index=True), provenance)
