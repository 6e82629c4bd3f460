"""Optimise q* for each data point: local variational parameters.

Reads a prepared data set and a trained model (and, where the specification says start: local-ffg, the q*_FFG to
start from). Writes the parameters of q* (safetensors, one row per data point), and a values file of residuals (CSV:
point, residual; the gain of the last cycle, in nats).

  inference-gaps optimise-local --spec '{"family": "ffg", "points": 100}' --data mnist-grey256.safetensors \\
      --model model.safetensors --output local-ffg.safetensors --residuals local-ffg.csv
"""

import argparse

import pandas as pd
import torch
from torch import Tensor

from inference_gaps.bounds.local import high_density_starts, optimise
from inference_gaps.errors import UserError
from inference_gaps.models.vae import VAE
from inference_gaps.numerics.checkpoint import Results, numbered
from inference_gaps.numerics.device import random_generator
from inference_gaps.posteriors.at_points import parameters_at_points
from inference_gaps.posteriors.family import PosteriorFamily
from inference_gaps.posteriors.gaussian import FullyFactorisedGaussian
from inference_gaps.posteriors.registry import amortised_family
from inference_gaps.replication.artifacts.files import all_or_none, write_values
from inference_gaps.replication.commands.stage_inputs import load_stage, load_start
from inference_gaps.replication.jobs.job import resumable
from inference_gaps.replication.jobs.progress import progress_bar
from inference_gaps.replication.storage.posteriors import family_of, save_local_posterior
from inference_gaps.specs.families import FAMILIES, label_of
from inference_gaps.specs.local import LocalSpec

__all__ = ["run"]

# Points of a flow that are optimised together: their networks, gradients and Adam's moments fit 2 GB.
_NETWORKS_AT_ONCE = 250
_MOMENT_SAMPLES = 256


def _moments(model: VAE, x: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
    """Mean and log variance of the amortised q(z|x) [B, d]: its parameters, or moments of its samples."""
    parameters = model.posterior.parameters_for(x)
    if isinstance(model.posterior.family, FullyFactorisedGaussian):
        return parameters
    # The base of a flow says little of where its samples go.
    z, _ = model.family_at(x).rsample_with_log_prob(parameters, _MOMENT_SAMPLES, rng)
    return {"mean": z.mean(1), "log_variance": z.var(1).log()}


@torch.no_grad()
def _start(
    spec: LocalSpec,
    family: PosteriorFamily,
    model: VAE,
    x: Tensor,
    gaussian: dict[str, Tensor] | None,
    rng: torch.Generator,
) -> dict[str, Tensor]:
    cpu_rng = random_generator(spec.seed, stream=1)
    if spec.start == "zeros":
        return family.from_zeros(x.shape[0], cpu_rng)
    if spec.start == "trained":
        return parameters_at_points(model.posterior.parameters_for(x))
    gaussian = gaussian or _moments(model, x, rng)
    return family.from_gaussian(gaussian["mean"].cpu(), gaussian["log_variance"].cpu(), cpu_rng)


def _require_trained_with(model: VAE, spec: LocalSpec, path: str) -> None:
    entry = FAMILIES[spec.family]
    wanted = amortised_family(spec.family, model.latent_dim, spec.flow_steps, spec.flow_hidden)
    if not entry.conditional or model.posterior.family != wanted:
        raise UserError(
            f"--spec says start: trained, but {path} was not trained with the {entry.words} of {spec.flow_steps} "
            f"steps and {spec.flow_hidden} hidden units; write start: local-ffg, or the numbers of its training."
        )


def run(options: argparse.Namespace) -> None:
    """Optimise and write; see the module."""
    spec = LocalSpec.from_argument(options.spec)
    stage = load_stage(options, spec)
    start = load_start(options, spec.start == "local-ffg", spec, stage)
    provenance = stage.provenance(options, spec)
    model, device = stage.model, stage.device
    family = family_of(spec, model.latent_dim)
    if spec.start == "trained":
        _require_trained_with(model, spec, options.model)
    rng = random_generator(spec.seed, device)
    size = _NETWORKS_AT_ONCE if family.network_shapes() else spec.points

    batches = [slice(first, first + size) for first in range(0, spec.points, size)]

    with resumable(provenance, [options.output, options.residuals], device) as job:
        if job.finished:
            return
        optima = Results()
        title = f"q*_{label_of(spec.family)}"
        with progress_bar(len(batches) * spec.max_cycles, title, "cycle") as bar:

            def report(cycle: int, bound: float) -> None:
                bar.set_postfix_str(f"bound {bound:.3f}", refresh=False)
                bar.update(len(optima) * spec.max_cycles + cycle - bar.n)

            for index in job.checkpoint.loop(optima, len(batches), rng, where=numbered("batch")):
                rows = batches[index]
                x = stage.images[rows]
                begin = _start(spec, family, model, x, start.rows(rows) if start else None, rng)
                starts = [{name: tensor.to(device) for name, tensor in begin.items()}]
                if spec.family == "ffg":
                    starts += high_density_starts(model.generator, x, spec.restarts, rng)
                optimum = optimise(model.generator, family, x, starts, spec, rng, report, job.checkpoint)
                optima.append(dict(vars(optimum)))

        names = optima[0]["parameters"]
        parameters = {name: torch.cat([optimum["parameters"][name] for optimum in optima]) for name in names}
        residual = torch.cat([optimum["residual"] for optimum in optima])
        provenance["summary"] = {
            "cycles": [len(optimum["bound"]) - 1 for optimum in optima],
            "bound": [optimum["bound"] for optimum in optima],
            "converged": all(optimum["converged"] for optimum in optima),
            "mean_residual": residual.mean().item(),
        }
        frame = pd.DataFrame({"point": range(spec.points), "residual": residual.cpu().numpy()})
        with all_or_none():
            write_values(options.residuals, frame, provenance)
            save_local_posterior(options.output, parameters, residual, provenance)
