"""What only several configuration files together can tell."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from inference_gaps.errors import counted
from inference_gaps.replication.config.files import (
    ConvergenceSettings,
    Experiments,
    ExperimentSettings,
    Preset,
    ProceduresSettings,
)
from inference_gaps.replication.config.resolution import (
    budget_of,
    convergence_spec,
    local_spec,
    points,
    procedures_spec,
    train_spec,
)
from inference_gaps.replication.config.sentences import unknown_name
from inference_gaps.replication.config.training_checks import checkpoint_problems, generator_problems
from inference_gaps.replication.specs.data import DatasetSpec
from inference_gaps.specs.bounds import PointsSpec, Split
from inference_gaps.specs.families import FAMILIES

__all__ = ["problems_between_files"]

_EXPERIMENTS = "config/experiments.yaml"
_SELFCHECK_BUDGET = f"{_EXPERIMENTS}: selfcheck.budget"
_CONV_SHAPE = [3, 32, 32]

_Compared = Callable[[Preset, str, Split, int], PointsSpec]


def problems_between_files(
    preset: Preset, preset_file: str, experiments: Experiments, datasets: Mapping[str, DatasetSpec]
) -> list[str]:
    """Return one sentence for each problem: names that nothing defines, settings that exclude each other."""
    problems = _budget_problems(preset, preset_file, datasets)
    if experiments.selfcheck:
        problems += _budget_problems(experiments.selfcheck.budget, _SELFCHECK_BUDGET, datasets)
    for name in experiments.models:
        checked = experiments.selfcheck is not None and name in experiments.selfcheck.models
        place = _SELFCHECK_BUDGET if checked else preset_file
        problems += _model_problems(name, budget_of(experiments, preset, name), place, experiments, datasets)
    problems += _selfcheck_problems(experiments) + _compared_problems(preset, experiments)
    problems += _posteriors_problems(preset, experiments)
    problems += [
        unknown_name(
            f"{preset_file}: experiments", name, f"an experiment of {_EXPERIMENTS}", experiments.experiments
        )
        for name in preset.experiments
        if name not in experiments.experiments
    ]
    if all(
        name in preset.experiments and not preset.experiments[name].run for name in experiments.experiments
    ):
        problems.append(
            f"{preset_file}: experiments has run: false for every experiment; leave one of them to run."
        )
    problems += _left_out_problems(preset, preset_file, experiments)
    for name, experiment in experiments.experiments.items():
        place = f"{_EXPERIMENTS}: experiments.{name}"
        problems += checkpoint_problems(place, experiment, preset, preset_file, experiments)
        problems += [
            unknown_name(f"{place}.models", model, "one of the models above", experiments.models)
            for model in experiment.models
            if model not in experiments.models
        ]
        known = [model for model in experiment.models if model in experiments.models]
        dims = {model: experiments.models[model].architecture.latent_dim for model in known}
        named = [name for name in experiment.local if name != "trained"]
        problems += _too_few_dimensions(f"{place}.local", named, dims)
        problems += _missing_splits(place, experiment, preset, experiments, datasets)
        for key, given in (
            ("models", experiment.models),
            ("splits", experiment.splits),
            ("local", experiment.local),
            ("ais", experiment.ais),
        ):
            problems += _repetitions(f"{place}.{key}", given)
    return problems


def _left_out_problems(preset: Preset, preset_file: str, experiments: Experiments) -> list[str]:
    place = f"{preset_file}: without"
    drawn = [experiments.posteriors.model] if experiments.posteriors else []
    known = [*itertools.chain.from_iterable(each.models for each in experiments.experiments.values()), *drawn]
    problems = _repetitions(place, preset.without)
    problems += [
        unknown_name(place, name, f"a model of an experiment of {_EXPERIMENTS}", known)
        for name in preset.without
        if name not in known
    ]
    problems += [
        f"{place} names {model.generator_of}, whose generator {name} has; leave {name} out as well, or neither."
        for name, model in experiments.models.items()
        if model.generator_of in preset.without and name not in preset.without
    ]
    return problems


def _budget_problems(budget: Preset, place: str, datasets: Mapping[str, DatasetSpec]) -> list[str]:
    problems = [
        unknown_name(f"{place}: datasets.{name}.copy", used.copied_as, "in config/datasets.yaml", datasets)
        for name, used in budget.datasets.items()
        if used.copied_as not in datasets
    ]
    problems += _repetitions(f"{place}: seeds", budget.seeds)
    own = [name for name, protocol in budget.protocols.items() if "local" in protocol.model_fields_set]
    for name, protocol in itertools.product(budget.datasets, (None, *own)):
        where = f"{place}: {f'protocols.{protocol}, ' if protocol else ''}on {name}, local"
        by_family = {
            family: local_spec(budget, name, family, "train", seed=0, protocol=protocol)
            for family in FAMILIES
        }
        if by_family["ffg"].start == "local-ffg":
            problems.append(f"{where}.ffg.start is local-ffg, which is itself; write amortised or zeros.")
        problems += [
            f"{where}.{family}.restarts is above 0; only local.ffg has further starts, so write 0."
            for family, spec in by_family.items()
            if family != "ffg" and spec.restarts
        ]
    return problems


def _selfcheck_problems(experiments: Experiments) -> list[str]:
    if experiments.selfcheck is None:
        return []
    problems = []
    for name, checked in experiments.selfcheck.models.items():
        place = f"{_EXPERIMENTS}: selfcheck.models.{name}"
        if name not in experiments.models:
            problems.append(unknown_name(place, name, "one of the models above", experiments.models))
            continue
        architecture = experiments.models[name].architecture
        if architecture.kind == "conv" or (architecture.kind == "mlp" and architecture.latent_dim > 2):
            problems.append(
                f"{place} has no exact answers; they are known for linear-gaussian models, and for mlp models with "
                f"at most 2 latent dimensions."
            )
        problems += [
            f"{place}.reaches names {estimator}, but q* is not optimised in that family; add it to local."
            for estimator in checked.reaches
            if "_local_" in estimator
            and estimator.split("_local_")[1] not in [FAMILIES[family].key for family in checked.local]
        ]
        problems += _too_few_dimensions(f"{place}.local", checked.local, {name: architecture.latent_dim})
        problems += _repetitions(f"{place}.local", checked.local) + _repetitions(
            f"{place}.reaches", checked.reaches
        )
        problems += [
            f"{_EXPERIMENTS}: experiments.{experiment}.models names {name}, a model of the self-check, which has a "
            f"budget of its own; give the experiment a model under another name."
            for experiment, settings in experiments.experiments.items()
            if name in settings.models
        ]
    return problems


def _too_few_dimensions(place: str, families: Iterable[str], models: Mapping[str, int]) -> list[str]:
    """Return a sentence for each family that needs more latent dimensions than a model has."""
    return [
        f"{place} is {family}, which needs at least {FAMILIES[family].least_dim} latent dimensions, but {model} "
        f"has {latent_dim}; choose another family, or raise architecture.latent_dim."
        for family in families
        for model, latent_dim in models.items()
        if latent_dim < FAMILIES[family].least_dim
    ]


def _compared_problems(preset: Preset, experiments: Experiments) -> list[str]:
    """Of the models that estimators and local optimisations are compared on: they are known, and q* is there."""
    compared: list[tuple[str, ConvergenceSettings | ProceduresSettings | None, _Compared]] = [
        ("convergence", experiments.convergence, convergence_spec),
        ("procedures", experiments.procedures, procedures_spec),
    ]
    problems = []
    for key, settings, spec_of in compared:
        if settings is None:
            continue
        place = f"{_EXPERIMENTS}: {key}.models"
        problems += _repetitions(place, settings.models)
        for name in settings.models:
            if name not in experiments.models:
                problems.append(unknown_name(place, name, "one of the models above", experiments.models))
                continue
            dataset = experiments.models[name].dataset
            budget = budget_of(experiments, preset, name)
            if dataset not in budget.datasets:
                continue
            wanted = spec_of(budget, dataset, settings.split, 0).points
            evaluated = points(budget, dataset, settings.split)
            if wanted > evaluated:
                problems.append(
                    f"{key}.points is {wanted} for {name}, but q* is optimised for "
                    f"{counted(evaluated, 'point')} of {dataset}; lower {key}.points or raise points."
                )
    return problems


def _posteriors_problems(preset: Preset, experiments: Experiments) -> list[str]:
    settings = experiments.posteriors
    if settings is None:
        return []
    place = f"{_EXPERIMENTS}: posteriors"
    model = experiments.models.get(settings.model)
    if model is None:
        return [unknown_name(f"{place}.model", settings.model, "one of the models above", experiments.models)]
    problems = _repetitions(f"{place}.local", settings.local)
    architecture, family = model.architecture, model.posterior.family
    if architecture.kind != "mlp" or architecture.latent_dim != 2:
        problems.append(
            f"{place}.model is {settings.model}, which is no mlp of two latent dimensions; name one that is, "
            f"for its posteriors are drawn over a plane."
        )
    if family not in settings.local:
        problems.append(
            f"{place}.local lacks {family}, the family that {settings.model} is trained with; add it."
        )
    if "hamiltonian" in settings.local:
        problems.append(
            f"{place}.local has hamiltonian, whose density at given z is not known; leave it out."
        )
    budget = budget_of(experiments, preset, settings.model)
    evaluated = points(budget, model.dataset, settings.split) if model.dataset in budget.datasets else 0
    if 0 < evaluated < settings.images:
        problems.append(
            f"{place}.images is {settings.images}, but bounds are evaluated on "
            f"{counted(evaluated, 'point')} of {model.dataset}; lower it, or raise points."
        )
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
    dims = {name: model.architecture.latent_dim}
    problems = _too_few_dimensions(f"{place}.posterior.family", [model.posterior.family], dims)
    problems += generator_problems(name, experiments)
    spec = train_spec(preset, model, seed=0)
    if spec.warm_up_epochs > spec.epochs:
        problems.append(
            f"{preset_file}: {name} is to warm up for {counted(spec.warm_up_epochs, 'epoch')} but is trained for "
            f"{spec.epochs}; lower training.warm_up_epochs or raise training.epochs."
        )
    copy = preset.datasets[model.dataset].copied_as
    dataset = datasets.get(copy)
    if dataset is None:
        return problems
    if model.architecture.kind == "conv" and dataset.image_shape != _CONV_SHAPE:
        shape = " x ".join(map(str, dataset.image_shape))
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
