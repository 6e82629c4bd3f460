"""What only several configuration files together can tell."""

from collections import Counter
from collections.abc import Iterable, Mapping

from inference_gaps.config.files import Experiments, ExperimentSettings, Preset
from inference_gaps.config.resolution import local_spec, train_spec
from inference_gaps.config.sentences import unknown_name
from inference_gaps.specs.data import DatasetSpec

__all__ = ["problems_between_files"]

_EXPERIMENTS = "config/experiments.yaml"
_CONV_SHAPE = [3, 32, 32]


def problems_between_files(
    preset: Preset, preset_file: str, experiments: Experiments, datasets: Mapping[str, DatasetSpec]
) -> list[str]:
    """Return one sentence for each problem: names that nothing defines, settings that exclude each other."""
    problems = [
        unknown_name(
            f"{preset_file}: datasets.{name}.copy", used.copied_as, "in config/datasets.yaml", datasets
        )
        for name, used in preset.datasets.items()
        if used.copied_as not in datasets
    ]
    problems += _repetitions(f"{preset_file}: seeds", preset.seeds)
    problems += [
        f"{preset_file}: on {name}, local.ffg.start is local-ffg, which is itself; write amortised or zeros."
        for name in preset.datasets
        if local_spec(preset, name, "ffg", "train", seed=0).start == "local-ffg"
    ]
    for name in experiments.models:
        problems += _model_problems(name, preset, preset_file, experiments, datasets)
    for name, experiment in experiments.experiments.items():
        place = f"{_EXPERIMENTS}: experiments.{name}"
        problems += [
            unknown_name(f"{place}.models", model, "one of the models above", experiments.models)
            for model in experiment.models
            if model not in experiments.models
        ]
        problems += _missing_splits(place, experiment, preset, experiments, datasets)
        for key in ("models", "splits", "local"):
            problems += _repetitions(f"{place}.{key}", getattr(experiment, key))
    return problems


def _repetitions(place: str, values: Iterable[object]) -> list[str]:
    return [f"{place} names {value} twice; once is enough." for value, n in Counter(values).items() if n > 1]


def _missing_splits(
    place: str,
    experiment: ExperimentSettings,
    preset: Preset,
    experiments: Experiments,
    datasets: Mapping[str, DatasetSpec],
) -> list[str]:
    names = {experiments.models[name].dataset for name in experiment.models if name in experiments.models}
    copies = sorted({preset.datasets[name].copied_as for name in names if name in preset.datasets})
    return [
        f"{place}.splits names {split}, but {copy} is cut into {', '.join(datasets[copy].splits)} only."
        for copy in copies
        if copy in datasets
        for split in experiment.splits
        if split not in datasets[copy].splits
    ]


def _model_problems(
    name: str, preset: Preset, preset_file: str, experiments: Experiments, datasets: Mapping[str, DatasetSpec]
) -> list[str]:
    model = experiments.models[name]
    place = f"{_EXPERIMENTS}: models.{name}"
    if model.dataset not in preset.datasets:
        return [
            unknown_name(f"{place}.dataset", model.dataset, f"a data set of {preset_file}", preset.datasets)
        ]
    problems = []
    spec = train_spec(preset, model, seed=0)
    if spec.warm_up_epochs > spec.epochs:
        problems.append(
            f"{preset_file}: {name} is to warm up for {spec.warm_up_epochs} epochs but is trained for "
            f"{spec.epochs}; lower training.warm_up_epochs or raise training.epochs."
        )
    copy = preset.datasets[model.dataset].copied_as
    dataset = datasets.get(copy)
    if dataset is None:
        return problems
    if model.architecture.kind == "conv" and dataset.shape != _CONV_SHAPE:
        shape = " x ".join(map(str, dataset.shape))
        problems.append(
            f"{place}.architecture.kind is conv, which takes 3 x 32 x 32 images, but {copy} has {shape}; "
            f"write mlp, or choose another copy in {preset_file}."
        )
    if model.binarisation == "given" and dataset.format != "amat":
        problems.append(
            f"{place}.binarisation is given, but the files of {copy} hold grey levels; write static, "
            f"threshold or grey256."
        )
    return problems
