"""What only several configuration files together can tell of how models are trained."""

from collections.abc import Iterable

from inference_gaps.replication.config.files import Experiments, ExperimentSettings, Preset
from inference_gaps.replication.config.resolution import train_spec
from inference_gaps.replication.config.sentences import unknown_name
from inference_gaps.specs.train import generator_settings

__all__ = ["checkpoint_problems", "generator_problems", "protocol_problems"]

_EXPERIMENTS = "config/experiments.yaml"


def checkpoint_problems(
    place: str, experiment: ExperimentSettings, preset: Preset, preset_file: str, experiments: Experiments
) -> list[str]:
    """Return what keeps an experiment from being evaluated at checkpoints, if it is to be."""
    if not experiment.at_checkpoints:
        return []
    if not preset.checkpoints:
        return [
            f"{place}.at_checkpoints is true, but {preset_file} has no checkpoints; list epochs there below "
            f"checkpoints, or write false."
        ]
    trained = {
        name: train_spec(preset, experiments.models[name], seed=0).epochs
        for name in experiment.models
        if name in experiments.models and experiments.models[name].dataset in preset.datasets
    }
    return [
        f"{place}.at_checkpoints is true, but the checkpoints of {preset_file} begin at epoch "
        f"{preset.checkpoints[0]} and {name} is trained for {epochs}; add an epoch before the last one."
        for name, epochs in trained.items()
        if preset.checkpoints[0] >= epochs
    ]


def generator_problems(name: str, experiments: Experiments) -> list[str]:
    """Return what keeps a model from having the generator of the model that it names."""
    model = experiments.models[name]
    place = f"{_EXPERIMENTS}: models.{name}.generator_of"
    if model.generator_of is None:
        return []
    if model.generator_of not in experiments.models:
        others = [other for other in experiments.models if other != name]
        return [unknown_name(place, model.generator_of, "one of the models", others)]
    named, other = f"{place} is {model.generator_of}", experiments.models[model.generator_of]
    if model.generator_of == name:
        return [f"{named}, the model itself; name another model, or leave generator_of out."]
    if other.generator_of:
        return [f"{named}, which has the generator of {other.generator_of}; write {other.generator_of}."]
    checked = experiments.selfcheck.models if experiments.selfcheck else {}
    if (name in checked) != (model.generator_of in checked):
        return [f"{named}, but only one of the two is a model of the self-check, which has data of its own."]
    theirs, ours = (
        {
            "dataset": each.dataset,
            "binarisation": each.binarisation,
            **{f"architecture.{key}": value for key, value in generator_settings(each.architecture).items()},
        }
        for each in (other, model)
    )
    return [
        f"{named}, whose {key} is {theirs.get(key, 'absent')}, but that of {name} is {ours.get(key, 'absent')}; "
        f"models that share a generator agree in it."
        for key in {**theirs, **ours}
        if theirs.get(key) != ours.get(key)
    ][:1]


def protocol_problems(experiments: Experiments, known: Iterable[str]) -> list[str]:
    """Return a sentence for each model whose protocol no preset has; ``known`` are those of all presets."""
    own = experiments.selfcheck.budget.protocols if experiments.selfcheck else {}
    known = {*known, *own}
    return [
        unknown_name(
            f"{_EXPERIMENTS}: models.{name}.protocol", model.protocol, "a protocol of any preset", known
        )
        for name, model in experiments.models.items()
        if model.protocol and model.protocol not in known
    ]
