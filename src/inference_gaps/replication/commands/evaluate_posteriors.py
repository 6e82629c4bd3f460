"""Evaluate posteriors over the plane of two latent dimensions.

Reads data, a trained model with two latent dimensions, and q* of the same points, one file per family. Writes a
small file (safetensors) with log p(x) and the bound of q and of each q* of every point, and for some images the
exact posterior and the densities of q and q* on a square grid. Which images: see images in the specification.

  inference-gaps evaluate-posteriors --spec '{"points": 24, "local": ["ffg", "af"]}' \\
      --data mnist-static.safetensors --model model.safetensors --local-ffg local-ffg.safetensors \\
      --local-af local-af.safetensors --output posteriors.safetensors
"""

import argparse

from inference_gaps.errors import UserError
from inference_gaps.exact.plane import Approximation, bounds_of, exact_generator, log_marginal, plane_of
from inference_gaps.numerics.device import random_generator
from inference_gaps.replication.analysis.choice import choose_images
from inference_gaps.replication.artifacts.files import read_provenance
from inference_gaps.replication.commands.stage_inputs import StageInputs, load_stage
from inference_gaps.replication.jobs.progress import progress_bar
from inference_gaps.replication.storage.exact import AMORTIZED, save_posteriors
from inference_gaps.specs.families import FAMILIES
from inference_gaps.specs.posteriors import PosteriorsSpec

__all__ = ["run"]


def _approximations(
    options: argparse.Namespace, spec: PosteriorsSpec, stage: StageInputs
) -> dict[str, Approximation]:
    model = stage.model
    found = {
        AMORTIZED: Approximation.of(model.posterior.family, model.posterior.parameters_for(stage.images))
    }
    for family in FAMILIES.values():
        path = getattr(options, f"local_{family.key}")
        if (family.name in spec.local) != bool(path):
            raise UserError(
                f"--local-{family.name} names a q* of family {family.name}; give it exactly when local in the "
                f"specification has {family.name}."
            )
    for name in spec.local:
        path = getattr(options, f"local_{FAMILIES[name].key}")
        local = stage.local_posterior(path, f"local_{FAMILIES[name].key}", spec)
        if local.provenance["spec"]["family"] != name:
            raise UserError(
                f"--local-{name} is {path}, which holds a q* of family {local.provenance['spec']['family']}; name "
                f"one of family {name}."
            )
        found[name] = Approximation.of(local.family, local.parameters)
    return found


def run(options: argparse.Namespace) -> None:
    """Evaluate and write; see the module."""
    spec = PosteriorsSpec.from_argument(options.spec)
    stage = load_stage(options, spec)
    trained_with = read_provenance(options.model)["spec"]["posterior"]["family"]
    if trained_with not in spec.local:
        raise UserError(
            f"The model was trained with {trained_with}, but local has only {', '.join(spec.local)}; add "
            f"{trained_with}, without which there are no gaps to choose images by."
        )
    generator = exact_generator(stage.model.generator)
    approximations = _approximations(options, spec, stage)
    provenance = stage.provenance(options, spec)
    x = stage.images.double().cpu()
    log_p, _ = log_marginal(generator, x)
    bounds, errors = {}, {}
    for stream, (name, q) in enumerate(approximations.items()):
        bounds[name], errors[name] = bounds_of(
            generator, x, q, spec.samples, random_generator(spec.seed, stream=stream)
        )
    best = bounds[trained_with]
    chosen = choose_images((log_p - best).numpy(), (best - bounds[AMORTIZED]).numpy(), spec.images)
    planes = []
    with progress_bar(spec.images, "evaluate-posteriors", "image") as bar:
        for point in chosen:
            rng = random_generator(spec.seed, stream=len(approximations) + point)
            planes.append(plane_of(generator, x, point, approximations, spec.nodes, rng))
            bar.update(1)
    values = {"log_p": log_p}
    values |= {f"bound.{name}": bound for name, bound in bounds.items()}
    values |= {f"error.{name}": error for name, error in errors.items()}
    about = {
        "names": list(approximations),
        "chosen": list(chosen),
        "reasons": list(chosen.values()),
        "shape": list(stage.data.shape),
        "trained_with": trained_with,
    }
    save_posteriors(options.output, x[list(chosen)], planes, values, about, provenance)
