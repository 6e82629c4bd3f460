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
from inference_gaps.exact.two_dimensions import evaluate_posteriors
from inference_gaps.posteriors.local import LocalPosterior
from inference_gaps.replication.artifacts.files import read_provenance
from inference_gaps.replication.commands.stage_inputs import StageInputs, load_stage
from inference_gaps.replication.jobs.progress_bar import reported
from inference_gaps.replication.storage.plane_posteriors import save_posteriors
from inference_gaps.specs.bounds import PosteriorsSpec
from inference_gaps.specs.families import FAMILIES

__all__ = ["run"]


def _local_posteriors(
    options: argparse.Namespace, spec: PosteriorsSpec, stage: StageInputs
) -> dict[str, LocalPosterior]:
    for family in FAMILIES.values():
        path = getattr(options, f"local_{family.key}")
        if (family.name in spec.local) != bool(path):
            raise UserError(
                f"--local-{family.name} names a q* of family {family.name}; give it exactly when local in the "
                f"specification has {family.name}."
            )
    found = {}
    for name in spec.local:
        role = f"local_{FAMILIES[name].key}"
        path = getattr(options, role)
        found[name], made_by = stage.local_posterior(path, role, spec)
        if made_by["spec"]["family"] != name:
            raise UserError(
                f"--local-{name} is {path}, which holds a q* of family {made_by['spec']['family']}; name one of "
                f"family {name}."
            )
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
    local = _local_posteriors(options, spec, stage)
    provenance = stage.provenance(options, spec)
    with reported("evaluate-posteriors", "image") as report:
        found = evaluate_posteriors(stage.model, local, trained_with, stage.images, spec, report)
    about = {"shape": list(stage.data.shape), "trained_with": trained_with}
    save_posteriors(options.output, found, about, provenance)
