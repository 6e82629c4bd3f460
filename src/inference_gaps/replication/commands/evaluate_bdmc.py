"""Bound log p(x) from both sides by bidirectional Monte Carlo, on data simulated from the model.

Reads simulated data (simulate-data), the model and, where the specification says start: local-ffg, the q*_FFG of
the same points. Takes an AisSpec with split simulated: AIS forward as evaluate-ais runs it, and in reverse from the
latent variables behind the data, which are exact posterior samples. Writes a values file (CSV: point, forward,
forward_standard_error, reverse, reverse_standard_error, acceptance, diverged; nats).

  inference-gaps evaluate-bdmc --spec '{"split": "simulated", "points": 16, "chains": 16, "distributions": 500}' \\
      --data simulated.safetensors --model model.safetensors --output bdmc-prior.csv
"""

import argparse

from inference_gaps.bounds.chains import chain_start, evaluate_bdmc
from inference_gaps.errors import UserError
from inference_gaps.replication.artifacts.files import write_values
from inference_gaps.replication.commands.stage_inputs import (
    load_stage,
    load_start,
    values_frame,
)
from inference_gaps.replication.jobs.job import resumable
from inference_gaps.replication.jobs.progress_bar import reported
from inference_gaps.specs.bounds import AisSpec

__all__ = ["run"]


def run(options: argparse.Namespace) -> None:
    """Anneal in both directions and write; see the module."""
    spec = AisSpec.from_argument(options.spec)
    stage = load_stage(options, spec)
    z = stage.data.latents(spec.points).to(stage.device)
    if z.shape[1] != stage.model.latent_dim:
        raise UserError(
            f"{options.data} was simulated from {z.shape[1]} latent dimensions, but the model has "
            f"{stage.model.latent_dim}; run 'inference-gaps simulate-data' on this model."
        )
    gaussian = load_start(options, spec.start == "local-ffg", spec, stage)
    start = chain_start(stage.images, stage.model.latent_dim, gaussian)
    provenance = stage.provenance(options, spec)
    with resumable(provenance, [options.output], stage.device) as job:
        if job.finished:
            return
        with reported(f"BDMC from {spec.start}", "point") as report:
            found = evaluate_bdmc(
                stage.model.generator, stage.images, z, *start, spec, report, job.checkpoint
            )
        write_values(options.output, values_frame(found.columns()), provenance)
