"""All configuration files and the overrides of a command line, validated together."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from inference_gaps.errors import UserError, counted
from inference_gaps.replication.artifacts.records import RECORDS
from inference_gaps.replication.config.checks import problems_between_files
from inference_gaps.replication.config.claim_checks import problems_of_claims
from inference_gaps.replication.config.files import Claims, Datasets, Experiments, Preset, UserSettings
from inference_gaps.replication.config.resolution import (
    budget_of,
    checkpoint_after_warm_up,
    checkpoints_of,
    without,
)
from inference_gaps.replication.config.sentences import unknown_name, validated
from inference_gaps.replication.config.training_checks import protocol_problems
from inference_gaps.replication.config.yaml_files import read_yaml
from inference_gaps.replication.specs.data import DatasetSpec

__all__ = ["Configuration", "chosen_preset", "load_configuration", "preset_names"]

_Model = TypeVar("_Model", bound=BaseModel)
_COMMAND_LINE = "the command line"


@dataclass(frozen=True)
class Configuration:
    """What a run is asked to do; ``experiments`` has no model that the preset leaves out."""

    settings: UserSettings
    preset: Preset
    experiments: Experiments
    datasets: dict[str, DatasetSpec]
    claims: Claims

    @property
    def chosen_experiments(self) -> list[str]:
        """Names of the experiments to run, in the order of ``config/experiments.yaml``.

        All are those that the preset runs; one that is chosen by name is run in any preset.
        """
        chosen = self.settings.experiments
        if chosen == "all":
            budgets = self.preset.experiments
            return [name for name in self.experiments.experiments if name not in budgets or budgets[name].run]
        return [name for name in self.experiments.experiments if name in chosen]

    def budget_of(self, model: str) -> Preset:
        """Return how much work a model gets: the preset, or the budget of the self-check for its models."""
        return budget_of(self.experiments, self.preset, model)

    def checkpoints_of(self, model: str) -> list[int]:
        """Return the epochs, before its last one, whose weights the training of a model keeps."""
        return checkpoints_of(self.experiments, self.budget_of(model), model)

    def checkpoint_after_warm_up(self, model: str) -> int | None:
        """Return the first of :meth:`checkpoints_of` at which the warm-up of a model is over, or ``None``."""
        return checkpoint_after_warm_up(self.experiments, self.budget_of(model), model)

    def copy_of(self, model: str) -> str:
        """Return which data set of ``config/datasets.yaml`` a model is trained on in this preset."""
        return self.budget_of(model).datasets[self.experiments.models[model].dataset].copied_as


def preset_names(top: Path) -> list[str]:
    """Return the names of the presets of the project whose top folder is ``top``."""
    found = (path.stem for path in (top / "config" / "presets").glob("*.yaml"))
    return sorted(name for name in found if not name.startswith("."))


def chosen_preset(top: Path, overrides: Mapping[str, Any] | None = None) -> str:
    """Return the name of the preset that a run would take, whatever else is wrong with the configuration.

    Args:
        top: top folder of the project.
        overrides: keys of ``config/config.yaml`` as the command line gives them.

    Raises:
        UserError: ``config/config.yaml`` is not valid, or the name is not that of a preset.
    """
    _require_configuration(top)
    settings, problems = _settings(top, overrides or {})
    problems += _preset_problems(settings, top, overrides or {})
    if problems or not settings:
        raise UserError(_refusal(problems))
    return settings.preset


def load_configuration(top: Path, overrides: Mapping[str, Any] | None = None) -> Configuration:
    """Read and validate ``config/``.

    Args:
        top: top folder of the project.
        overrides: keys of ``config/config.yaml`` as the command line gives them.

    Raises:
        UserError: one line for each problem found, in whichever file.
    """
    _require_configuration(top)
    settings, problems = _settings(top, overrides or {})
    preset, preset_file = None, ""
    if settings:
        preset_file = f"config/presets/{settings.preset}.yaml"
        found = _preset_problems(settings, top, overrides or {})
        if not found:
            preset, found = _read(Preset, top, preset_file)
            others = [name for name in preset_names(top) if name != settings.preset]
            if preset and preset.beside and preset.beside not in others:
                found.append(unknown_name(f"{preset_file}: beside", preset.beside, "another preset", others))
        problems += found
    experiments, found = _read(Experiments, top, "config/experiments.yaml")
    problems += found
    datasets, found = _read(Datasets, top, "config/datasets.yaml")
    problems += found
    claims, found = _read(Claims, top, "config/claims.yaml")
    problems += found
    if settings and experiments and settings.experiments != "all":
        known = experiments.experiments
        place = _place("experiments", overrides or {})
        problems += [
            unknown_name(place, name, "an experiment of config/experiments.yaml", known)
            for name in settings.experiments
            if name not in known
        ]
    if experiments:
        problems += protocol_problems(experiments, _protocol_names(top))
    if settings and preset and datasets:
        found = _copies_problems(_place("copies", overrides or {}), settings.copies, preset, datasets)
        problems += found
        preset = preset if found else _with_copies(preset, settings.copies)
    if preset and experiments and datasets:
        problems += problems_between_files(preset, preset_file, experiments, datasets.datasets)
    # What is wrong with an experiment is not said again of the claims that name it.
    if claims and experiments and not problems:
        problems += problems_of_claims(claims, experiments)
    if problems or not (settings and preset and experiments and datasets and claims):
        raise UserError(_refusal(problems))
    configuration = Configuration(settings, preset, without(experiments, preset), datasets.datasets, claims)
    if not configuration.chosen_experiments:
        raise UserError(
            _refusal(
                [
                    f"{preset_file}: without leaves no model to the experiments that were chosen; leave some in."
                ]
            )
        )
    return configuration


def _require_configuration(top: Path) -> None:
    """Make sure that ``top`` is the top folder of a project, or one whose config.yaml was lost.

    Raises:
        UserError: it is not; the folder above it that is one is named.
    """
    if (top / "config" / "config.yaml").exists():
        return
    above = [each for each in top.absolute().parents if (each / "config" / "config.yaml").is_file()]
    if above or not (top / "config").is_dir():
        place = f", {above[0]}" if above else ""
        raise UserError(
            f"{top.absolute()} has no config/config.yaml; go to the top folder of the project{place}."
        )


def _refusal(problems: list[str]) -> str:
    lines = "".join(f"\n  {problem}" for problem in problems)
    return f"the configuration has {counted(len(problems), 'problem')}; nothing was started.{lines}"


def _preset_problems(settings: UserSettings | None, top: Path, overrides: Mapping[str, Any]) -> list[str]:
    names, place = preset_names(top), _place("preset", overrides)
    if settings and settings.preset == RECORDS:
        return [f"{place} is {RECORDS}, as folders of records are called; give the file another name."]
    if not settings or settings.preset in names:
        return []
    return [unknown_name(place, settings.preset, "a preset", names)]


def _copies_problems(place: str, copies: Mapping[str, str], preset: Preset, datasets: Datasets) -> list[str]:
    problems = [
        unknown_name(place, name, "a data set of the preset", preset.datasets)
        for name in copies
        if name not in preset.datasets
    ]
    problems += [
        unknown_name(f"{place}.{name}", copy, "in config/datasets.yaml", datasets.datasets)
        for name, copy in copies.items()
        if copy not in datasets.datasets
    ]
    return problems


def _with_copies(preset: Preset, copies: Mapping[str, str]) -> Preset:
    """Return the preset with other copies of some of its data sets; all else of them stays."""
    changed = {
        name: used.model_copy(update={"copied_as": copies[name]})
        for name, used in preset.datasets.items()
        if name in copies
    }
    return preset.model_copy(update={"datasets": preset.datasets | changed}) if changed else preset


def _protocol_names(top: Path) -> set[str]:
    """Return the protocols that presets have; what is wrong with a preset that was not chosen is not asked here."""
    found: set[str] = set()
    for name in preset_names(top):
        content, _ = read_yaml(top / "config" / "presets" / f"{name}.yaml", name)
        protocols = content.get("protocols") if isinstance(content, dict) else None
        found |= {key for key in protocols if isinstance(key, str)} if isinstance(protocols, dict) else set()
    return found


def _settings(top: Path, overrides: Mapping[str, Any]) -> tuple[UserSettings | None, list[str]]:
    content, problems = read_yaml(top / "config" / "config.yaml", "config/config.yaml")
    if content is None:
        return None, problems
    _, found = validated(UserSettings, content, "config/config.yaml")
    if found or not overrides:
        settings, _ = validated(UserSettings, content, "config/config.yaml")
        return (None if problems else settings), problems + found
    settings, found = validated(UserSettings, {**content, **overrides}, _COMMAND_LINE)
    return (None if problems else settings), problems + found


def _place(key: str, overrides: Mapping[str, Any]) -> str:
    return f"{_COMMAND_LINE if key in overrides else 'config/config.yaml'}: {key}"


def _read(model: type[_Model], top: Path, name: str) -> tuple[_Model | None, list[str]]:
    content, problems = read_yaml(top / name, name)
    if content is None:
        return None, problems
    result, found = validated(model, content, name)
    return (None if problems else result), problems + found
