"""The stages of the pipeline, in one table.

A stage is one step: a subcommand of ``inference-gaps``, the module of :mod:`.commands` behind it, the rule of the
workflow that calls it and the folder of its logs, all of one name (``-`` or ``_`` between words). A job is one
call of a stage. What the command line offers beside stages is a command.

Command line, rules, plan, cost, explanations and records read this table. It imports nothing that takes time: a
help page does not wait for PyTorch, nor for pydantic.
"""

import argparse
import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from inference_gaps.specs.families import FAMILIES

if TYPE_CHECKING:
    from inference_gaps.specs.base import Spec

__all__ = ["COMMANDS", "STAGES", "Input", "Output", "Stage"]

_OF_THE_LIBRARY = ("bounds", "train")


@dataclass(frozen=True)
class Input:
    """A file or folder that a stage is given.

    Attributes:
        role: its name in the plan. Its flag has hyphens where the role has ``_``.
        words: what it is, on the help page.
        required: whether every job has it.
        default: what it is where the flag is not given.
    """

    role: str
    words: str
    required: bool = True
    default: str | None = None

    @property
    def flag(self) -> str:
        """Its flag on the command line."""
        return f"--{self.role.replace('_', '-')}"


@dataclass(frozen=True)
class Output:
    """A file that a stage makes.

    Attributes:
        role: its name in the plan.
        words: what it is, on the help page.
        flag: the flag that says where it goes.
        added: what is added to the value of the flag, if that is not yet the file.
    """

    role: str
    words: str
    flag: str
    added: str = ""

    def path(self, options: argparse.Namespace) -> Path:
        """Return the file that a command line asks for."""
        return Path(f"{getattr(options, self.flag.strip('-').replace('-', '_'))}{self.added}")


@dataclass(frozen=True)
class Stage:
    """One step of the pipeline, which makes artifacts.

    Attributes:
        name: the subcommand.
        summary: what it does, in a line.
        specification: module and class of what it is asked to do, in ``specs`` here or of the library.
        keys: the keys of the specification that a person who runs it by hand writes first.
        inputs: what it is given, by flag.
        outputs: what it makes, the main file first.
        instead: flags that a person can give instead of a specification.
        device: whether it computes on a device, with threads.
        lower: what to do when its memory does not suffice.
        work: in what :mod:`.study.work` counts its products; None where it has next to none.
        made: the participle of what it does to an artifact.
    """

    name: str
    summary: str
    specification: str
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    instead: tuple[Input, ...] = ()
    keys: str = ""
    device: bool = False
    lower: str = "close other programs"
    work: str | None = None
    made: str = "made"

    @property
    def rule(self) -> str:
        """The name of its module, its rule and the folder of its logs."""
        return self.name.replace("-", "_")

    @property
    def gathers(self) -> bool:
        """Whether it puts together what others have made of data and models: tables, figures, pages, the report."""
        return any(given in (_RESULTS, _TABLE) for given in self.inputs)

    @property
    def spec_name(self) -> str:
        """The name of the class of its specification."""
        return self.specification.partition(".")[2]

    @property
    def spec(self) -> "type[Spec]":
        """The class of its specification."""
        module = self.specification.partition(".")[0]
        folder = "specs" if module in _OF_THE_LIBRARY else "replication.specs"
        return getattr(importlib.import_module(f"inference_gaps.{folder}.{module}"), self.spec_name)

    def made_by(self, options: argparse.Namespace) -> dict[str, Path]:
        """Return the files that a command line has it make, by role."""
        return {output.role: output.path(options) for output in self.outputs}


_DATA = Input("data", "data, from prepare-data or simulate-data")
_MODEL = Input("model", "trained model, from train")
_START = Input("start", "q*_FFG of the same points, from optimise-local")
_START_OR_PRIOR = Input("start", "q*_FFG that chains start from; default: the prior", required=False)
_RESULTS = Input("results", "folder results/PRESET")
_PUBLISHED = Input("published", "the paper's values (published.csv)")
_REPRODUCTIONS = Input("reproductions", "what other reproductions printed (reproductions.csv)")
_SELFCHECK = Input("selfcheck", "table of the self-check, which must be passed", required=False)
_TABLE = Input("table", "tidy table (make-table --csv)")
_LOCAL = tuple(
    Input(f"local_{family.key}", f"q* of family {family.name}, from optimise-local", required=False)
    for family in FAMILIES.values()
)


_BY_NAME = (
    Input("dataset", "name of a data set of config/datasets.yaml, instead of --spec"),
    Input("binarisation", "static, threshold, grey256 or given; needed with --dataset"),
    Input("seed", "of the static binarisation; default: 0"),
)


def _file(words: str) -> tuple[Output, ...]:
    return (Output("output", words, "--output"),)


_TABLES = (
    Output("csv", "tidy table to write", "--csv"),
    Output("markdown", "Markdown table to write", "--markdown"),
)
_VALUES = _file("values to write (.csv)")
_FIGURE = tuple(
    Output(suffix, "such as figures/PRESET/NAME", "--output-prefix", f".{suffix}")
    for suffix in ("csv", "pdf", "png")
)

_ALL = (
    Stage("prepare-data", "read a data set, binarise it and cut it into splits", "data.PrepareSpec",
          (Input("folder", "folder that holds the raw files"),),
          _file("prepared data to write (.safetensors)"), made="prepared", instead=_BY_NAME,
          lower="use a smaller copy of the data set, or shrink its images"),
    Stage("train", "train a variational autoencoder", "train.TrainSpec",
          (Input("data", "prepared data set, from prepare-data"),
           Input("generator", "trained model whose generator is kept (frozen_generator)", required=False)),
          (*_file("weights to write (.safetensors)"),
           Output("metrics", "training curves to write (.csv)", "--metrics")), made="trained",
          keys="architecture, posterior, epochs, seed", device=True, work="training",
          lower="lower batch_size, or the widths of the architecture"),
    Stage("take-checkpoint", "take the weights after one epoch out of a training that kept them",
          "models.CheckpointSpec", (Input("model", "trained model with checkpoints, from train"),),
          _file("weights to write (.safetensors)"), keys="epoch"),
    Stage("simulate-data", "simulate data from a trained model", "models.SimulateSpec", (_MODEL,),
          _file("simulated data to write (.safetensors)"), keys="points, seed", device=True,
          lower="lower points (simulated_points in a preset)"),
    Stage("optimise-local", "optimise q* for each data point (local variational parameters)", "bounds.LocalSpec",
          (_DATA, _MODEL, Input("start", "q*_FFG to start from, where the specification says so", required=False)),
          (*_file("q* to write (.safetensors)"),
           Output("residuals", "residuals to write (.csv)", "--residuals")), made="optimised",
          keys="family, points, samples, steps, learning_rate", device=True, work="ascent",
          lower="lower samples or points, or flow_hidden for family af"),
    Stage("evaluate-iwae", "evaluate the ELBO and the IWAE bound of a posterior, per data point", "bounds.IwaeSpec",
          (_DATA, _MODEL,
           Input("posterior", "local q*, from optimise-local; default: the amortized q", required=False)),
          _VALUES, keys="split, points, samples, seed", device=True, work="samples",
          lower="lower samples or points"),
    Stage("evaluate-ais", "estimate log p(x) by annealed importance sampling, per data point", "bounds.AisSpec",
          (_DATA, _MODEL, _START_OR_PRIOR), _VALUES, keys="points, chains, distributions, schedule",
          device=True, work="chains", lower="lower chains or points"),
    Stage("evaluate-bdmc", "bound log p(x) from both sides, on data simulated from the model", "bounds.AisSpec",
          (_DATA, _MODEL, _START_OR_PRIOR), _VALUES, keys="points, chains, distributions, schedule",
          device=True, work="chains both ways", lower="lower chains or points"),
    Stage("evaluate-exact", "compute the exact answers of a model that has them, per data point",
          "models.ExactSpec", (_DATA, _MODEL), _VALUES, keys="split, points, quantities", device=True,
          lower="lower points"),
    Stage("compare-local", "compare the authors' local optimisation with ours, per data point",
          "bounds.ProceduresSpec", (_DATA, _MODEL, _START), _VALUES,
          keys="points, copies, learning_rate, window, patience", device=True, work="windows",
          lower="lower copies or points"),
    Stage("evaluate-convergence", "compare the estimators of log p(x) at growing cost, per data point",
          "bounds.ConvergenceSpec", (_DATA, _MODEL, _START), _VALUES,
          keys="points, samples, distributions, chains", device=True, work="samples and chains",
          lower="lower samples, chains or points"),
    Stage("evaluate-units", "measure the activity of each latent unit", "models.UnitsSpec",
          (_DATA, _MODEL), _VALUES, keys="split, points, samples, seed", device=True, lower="lower samples"),
    Stage("evaluate-posteriors", "evaluate posteriors over the plane of two latent dimensions",
          "bounds.PosteriorsSpec", (_DATA, _MODEL, *_LOCAL), _file("densities to write (.safetensors)"),
          keys="split, points, local, images, nodes, samples, seed", device=True),
    Stage("evaluate-samples", "reconstruct images and sample from the prior", "models.SamplesSpec",
          (_DATA, _MODEL), _file("images to write (.safetensors)"), keys="split, points, seed", device=True),
    Stage("make-selfcheck", "compare every estimate with its exact answer, on models that have one",
          "tables.SelfcheckSpec", (_RESULTS,), _TABLES),
    Stage("make-table", "build a table of bounds and gaps from per-point values", "tables.TableSpec",
          (_RESULTS, _PUBLISHED, _REPRODUCTIONS, _SELFCHECK),
          (*_TABLES, Output("latex", "LaTeX table to write", "--latex"))),
    Stage("judge-claims", "judge the claims of the paper by rules fixed in advance", "claims.ClaimsSpec",
          (_RESULTS, _PUBLISHED, _SELFCHECK), _TABLES),
    Stage("plot-schematic", "draw the gaps in measured numbers, as a ladder of bounds for each model",
          "documents.SchematicFigureSpec", (_TABLE,), _FIGURE),
    Stage("plot-gaps", "draw the gaps as stacked bars: paper, other reproductions, our run",
          "documents.GapsFigureSpec", (_TABLE, _PUBLISHED, _REPRODUCTIONS), _FIGURE),
    Stage("plot-training", "draw training curves", "documents.TrainingFigureSpec", (_RESULTS,), _FIGURE),
    Stage("plot-samples", "draw samples and reconstructions", "documents.SamplesFigureSpec", (_RESULTS,), _FIGURE,
          lower="lower images"),
    Stage("plot-posteriors", "draw posteriors over the plane of two latent dimensions",
          "documents.PosteriorsFigureSpec", (_RESULTS,), _FIGURE),
    Stage("plot-convergence", "draw log p(x) minus each estimate, against the cost of the estimate",
          "documents.ConvergenceFigureSpec", (_RESULTS,), _FIGURE),
    Stage("run-notebook", "execute a notebook on the results of a run, as an HTML page", "documents.NotebookSpec",
          (Input("notebook", "such as notebooks/NAME.py"), _RESULTS), _file("page to write (.html)")),
    Stage("write-report", "build the replication report as a PDF", "documents.ReportSpec",
          (_RESULTS, Input("figures", "folder figures/PRESET"),
           Input("paper", "folder of the text (default: paper)", default="paper")),
          (*_file("PDF to write"), Output("numbers", "the numbers in it", "--results", "/report.json"))),
)  # fmt: skip

STAGES = {stage.name: stage for stage in _ALL}
"""By name, in the order of the pipeline."""

COMMANDS = {
    "measure": "measure the gaps of a VAE of your own",
    "check-config": "validate the configuration and say what a run would do",
    "plan-cost": "estimate the jobs and hours of a run",
    "check": "compare every artifact on disk with what the present configuration and code make",
    "explain": "say what made an artifact, from what, when, on what, and how to make it again",
    "requalify": "let edited code stand for that of a commit whose results it gives, to the bit",
    "fetch-data": "download the files of a data set, resume and verify them",
    "show-selfcheck": "print the table of the self-check; fail if an estimate missed its answer",
    "write-manifest": "describe the whole run in a manifest (Workflow Run RO-Crate)",
    "where": "say where the report, the tables and the figures of a finished run are",
    "store": "list what was set aside of other settings, or remove it",
    "clean": "remove the results, the figures and the report of a preset; downloads stay",
}
"""What each other command of the command line does."""
