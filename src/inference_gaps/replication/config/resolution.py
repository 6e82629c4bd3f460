"""From layers of settings to the specification of a stage.

Each layer wins over the one before: defaults of the specification, preset, preset's override for a data set,
the preset's protocol that the model names, if it has that, the model's own training keys.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from inference_gaps.replication.config.files import Experiments, ModelSettings, Preset, ProtocolSettings
from inference_gaps.replication.specs.models import UnitsSpec
from inference_gaps.specs.base import Spec
from inference_gaps.specs.bounds import AisSpec, ConvergenceSpec, IwaeSpec, LocalSpec, ProceduresSpec, Split
from inference_gaps.specs.families import FAMILIES, Family
from inference_gaps.specs.train import PosteriorSpec, TrainSpec

__all__ = [
    "ais_spec",
    "budget_of",
    "checkpoint_after_warm_up",
    "checkpoints_of",
    "convergence_spec",
    "evaluated_in",
    "iwae_spec",
    "local_spec",
    "points",
    "procedures_spec",
    "train_spec",
    "units_spec",
    "without",
]


def _given(*sections: Spec) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for section in sections:
        merged |= section.model_dump(exclude_unset=True)
    return merged


def _section(preset: Preset, dataset: str, name: str) -> dict[str, Any]:
    return _given(getattr(preset, name), getattr(preset.datasets[dataset], name))


def budget_of(experiments: Experiments, preset: Preset, model: str) -> Preset:
    """Return how much work a model gets: the preset, or for a model of the self-check the self-check's own."""
    check = experiments.selfcheck
    return check.budget if check and model in check.models else preset


def without(experiments: Experiments, preset: Preset) -> Experiments:
    """Return the experiments less the models that ``preset`` leaves out; one that has no model left is gone."""
    left_out = set(preset.without)
    kept = {
        name: each.model_copy(update={"models": [model for model in each.models if model not in left_out]})
        for name, each in experiments.experiments.items()
        if not left_out.issuperset(each.models)
    }
    drawn = experiments.posteriors
    changed = {"experiments": kept, "posteriors": drawn if drawn and drawn.model not in left_out else None}
    return experiments.model_copy(update=changed) if left_out else experiments


def evaluated_in(experiments: Experiments, names: Iterable[str], model: str, split: Split) -> str | None:
    """Return the first of the experiments ``names`` that evaluates ``model`` on ``split``, or ``None``."""
    for name in names:
        settings = experiments.experiments.get(name)
        if settings and model in settings.models and split in settings.splits:
            return name
    return None


def checkpoints_of(experiments: Experiments, preset: Preset, model: str) -> list[int]:
    """Return the epochs, before its last one, whose weights the training of ``model`` keeps.

    They do not depend on which experiments are chosen, so that a training serves all of them.
    """
    if not any(each.at_checkpoints and model in each.models for each in experiments.experiments.values()):
        return []
    epochs = train_spec(preset, experiments.models[model], seed=0).epochs
    return [epoch for epoch in preset.checkpoints if epoch < epochs]


def checkpoint_after_warm_up(experiments: Experiments, preset: Preset, model: str) -> int | None:
    """Return the first of :func:`checkpoints_of` at which the warm-up is over, or ``None``."""
    over = train_spec(preset, experiments.models[model], seed=0).warm_up_epochs
    return next((epoch for epoch in checkpoints_of(experiments, preset, model) if epoch >= over), None)


def points(preset: Preset, dataset: str, split: Split) -> int:
    """Return how many points of ``split`` bounds are evaluated on."""
    if split == "simulated":
        return preset.datasets[dataset].simulated_points or preset.simulated_points
    return preset.datasets[dataset].points or preset.points


def _protocol(preset: Preset, name: str | None) -> ProtocolSettings:
    """Return what the preset does differently under this protocol, which it need not have."""
    return preset.protocols.get(name or "", ProtocolSettings())


def train_spec(preset: Preset, model: ModelSettings, seed: int, checkpoints: Sequence[int] = ()) -> TrainSpec:
    """Return how ``model`` is trained with ``seed``, and after which epochs its weights are kept."""
    protocol = _protocol(preset, model.protocol)
    sections = [preset.training, preset.datasets[model.dataset].training, protocol.training]
    return TrainSpec(
        architecture=model.architecture,
        posterior=model.posterior,
        seed=seed,
        checkpoints=list(checkpoints),
        frozen_generator=model.generator_of is not None,
        **_given(*sections, model.training),
    )


def local_spec(
    preset: Preset,
    dataset: str,
    family: Family,
    split: Split,
    seed: int,
    trained_with: PosteriorSpec | None = None,
    protocol: str | None = None,
) -> LocalSpec:
    """Return how q* of ``family`` is optimised on the first points of ``split``, for a model of this ``protocol``.

    That of the flow that a model was ``trained_with`` starts at q(z|x) itself, whose form and size it has.
    """
    entry = FAMILIES[family]
    layers = (preset, preset.datasets[dataset], _protocol(preset, protocol))
    given = _given(*(getattr(layer.local, entry.key) for layer in layers))
    if trained_with and trained_with.family == family and entry.conditional and given.get("start") != "zeros":
        own = {"flow_steps": trained_with.flow_steps, "flow_hidden": trained_with.flow_hidden}
        given |= {"start": "trained", **own}
    return LocalSpec(family=family, split=split, points=points(preset, dataset, split), seed=seed, **given)


def iwae_spec(preset: Preset, dataset: str, split: Split, seed: int) -> IwaeSpec:
    """Return how ELBO and IWAE are evaluated on the first points of ``split``."""
    given = _section(preset, dataset, "iwae")
    return IwaeSpec(split=split, points=points(preset, dataset, split), seed=seed, **given)


def ais_spec(preset: Preset, dataset: str, start: str, split: Split, seed: int) -> AisSpec:
    """Return how AIS that starts at ``prior`` or ``local-ffg`` is run on the first points of ``split``."""
    name = start.replace("-", "_")
    given = _given(getattr(preset.ais, name), getattr(preset.datasets[dataset].ais, name))
    fixed = {"start": start, "split": split, "points": points(preset, dataset, split), "seed": seed}
    return AisSpec.model_validate(given | fixed)


def convergence_spec(preset: Preset, dataset: str, split: Split, seed: int) -> ConvergenceSpec:
    """Return the sizes at which estimators are compared on the first points of ``split``."""
    return ConvergenceSpec(split=split, seed=seed, **_section(preset, dataset, "convergence"))


def procedures_spec(preset: Preset, dataset: str, split: Split, seed: int) -> ProceduresSpec:
    """Return how the authors' local optimisation is compared with ours on the first points of ``split``."""
    return ProceduresSpec(split=split, seed=seed, **_section(preset, dataset, "procedures"))


def units_spec(preset: Preset, dataset: str, split: Split, seed: int) -> UnitsSpec:
    """Return how the activity of latent units is measured on ``split``."""
    return UnitsSpec(split=split, seed=seed, **_section(preset, dataset, "units"))
