"""The rows of a table: which models an experiment evaluates, on which points, after how much of their training."""

from inference_gaps.replication.config.loading import Configuration
from inference_gaps.replication.config.resolution import checkpoints_of
from inference_gaps.replication.specs.tables import TableRowSpec
from inference_gaps.specs.bounds import AisStart, Split
from inference_gaps.specs.families import Family

__all__ = ["checked_row", "experiment_rows"]


def experiment_rows(configuration: Configuration, experiment: str) -> list[TableRowSpec]:
    """Return the rows of an experiment, all seeds and epochs of a model and split beside each other."""
    settings = configuration.experiments.experiments[experiment]
    return [
        _row(
            configuration,
            model,
            seed,
            split,
            settings.families(configuration.experiments.models[model].posterior.family),
            settings.ais,
            epoch,
            settings.active_units,
        )
        for model in settings.models
        for split in settings.splits
        for epoch in _epochs(configuration, experiment, model)
        for seed in configuration.preset.seeds_of(experiment)
    ]


def checked_row(configuration: Configuration, model: str, seed: int, local: list[Family]) -> TableRowSpec:
    """Return the row of a model of the self-check."""
    ais: list[AisStart] = ["prior", "local-ffg"] if "ffg" in local else ["prior"]
    return _row(configuration, model, seed, "train", local, ais)


def _epochs(configuration: Configuration, experiment: str, model: str) -> list[int | None]:
    """Return after how many epochs a model is evaluated; None is the end of its training."""
    if not configuration.experiments.experiments[experiment].at_checkpoints:
        return [None]
    return [*checkpoints_of(configuration.experiments, configuration.preset, model), None]


def _row(
    configuration: Configuration,
    model: str,
    seed: int,
    split: Split,
    local: list[Family],
    ais: list[AisStart],
    epoch: int | None = None,
    active_units: bool = False,
) -> TableRowSpec:
    settings = configuration.experiments.models[model]
    dataset = configuration.datasets[configuration.copy_of(model)]
    return TableRowSpec(
        model=model,
        label=settings.label,
        # Others printed values of training images.
        reproduced_as=settings.reproduced_as if split == "train" else "",
        seed=seed,
        epoch=epoch,
        generator=settings.generator_of,
        split=split,
        dataset=settings.dataset,
        dataset_title=dataset.title,
        dataset_note=dataset.note,
        binarisation=settings.binarisation,
        trained_with=settings.posterior.family,
        local=local,
        ais=ais,
        active_units=active_units,
    )
