"""A small study as the pipeline leaves it, with made-up values whose gaps are known."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from inference_gaps.models.grey_levels import as_bytes
from inference_gaps.replication.analysis.sources import units_file
from inference_gaps.replication.artifacts.files import write_values
from inference_gaps.replication.artifacts.fingerprints import make_provenance
from inference_gaps.replication.artifacts.layout import Layout, at_epoch
from inference_gaps.replication.cli import main
from inference_gaps.replication.specs.claims import ClaimsSpec
from inference_gaps.replication.specs.documents import (
    GapsFigureSpec,
    ModelSpec,
    ReportSpec,
    SamplesFigureSpec,
    SchematicFigureSpec,
    TrainingFigureSpec,
)
from inference_gaps.replication.specs.models import SamplesSpec
from inference_gaps.replication.specs.tables import TableRowSpec, TableSpec
from inference_gaps.replication.storage.drawn_images import save_samples
from inference_gaps.specs.bounds import AisSpec, IwaeSpec, LocalSpec
from inference_gaps.specs.train import MlpArchitectureSpec, PosteriorSpec, TrainSpec

PUBLISHED = Path(__file__).parents[1] / "paper" / "published.csv"
REPRODUCTIONS = PUBLISHED.with_name("reproductions.csv")
SUFFIXES = {"csv": "csv", "markdown": "md", "latex": "tex"}
POINTS = 24
TITLES = {
    "mnist": "MNIST (5,000 digits)",
    "fashion-mnist": "Fashion-MNIST (5,000 images)",
    "cifar10": "Photo patches",
}
LEVELS = {"mnist": -100.0, "fashion-mnist": -120.0, "cifar10": -900.0}
# Distance of each bound below log p(x), in nats.
BELOW = {
    "iwae-local-af": 0.05,
    "iwae-local-ffg": 0.1,
    "iwae-amortised": 0.3,
    "ais-local-ffg": 0.2,
    "ais-prior": 4.0,
    "elbo-local-af": 1.0,
    "elbo-local-ffg": 1.5,
    "elbo-amortised": 3.5,
}


def write_values_of(
    layout: Layout,
    row: TableRowSpec,
    rng: np.random.Generator,
    below: Mapping[str, float | NDArray[np.float64]] = BELOW,
    residual: float = 0.01,
) -> NDArray[np.float64]:
    """Write every small file of one model: values, residuals of q*, metrics, images; return log p(x) of its points.

    Of a model with the generator of another, only what is its own is written. ``below`` is the distance of the
    mean of each bound below that of log p(x), or its distance at each point; ``residual`` is what the local
    optimisation may be too low.
    """
    truth = LEVELS[row.dataset] + 20 * rng.standard_normal(POINTS)
    seed = at_epoch(row.seed, row.epoch)

    def bound(name: str) -> pd.DataFrame:
        noise = 0.2 * rng.standard_normal(POINTS)
        return pd.DataFrame(
            {
                "point": range(POINTS),
                "value": truth - below[name] + noise - noise.mean(),
                "standard_error": 0.02,
                "effective_sample_size": 50.0,
            }
        )

    of_owner = [] if row.generator else [f"local-{family}" for family in row.local]
    for posterior in ("amortised", *of_owner):
        both = [bound(f"{kind}-{posterior}").assign(bound=kind) for kind in ("elbo", "iwae")]
        spec = IwaeSpec(points=POINTS, samples=1000)
        provenance = make_provenance("evaluate-iwae", spec.as_dict(), {"posterior": posterior})
        write_values(layout.iwae(row.model, seed, row.split, posterior), pd.concat(both), provenance)
    if row.active_units:
        # Half of the units lie above the limit of a hundredth.
        activity = pd.DataFrame({"unit": range(10), "activity": [0.5] * 5 + [0.001] * 5})
        write_values(units_file(row, layout), activity, make_provenance("evaluate-units", {}, {}))
    for start in [] if row.generator else row.ais:
        frame = bound(f"ais-{start}").assign(acceptance=0.65, step_size=0.1, diverged=0)
        spec = AisSpec(points=POINTS, start=start, chains=16, distributions=200)
        path = layout.ais(row.model, seed, row.split, start)
        write_values(path, frame, make_provenance("evaluate-ais", spec.as_dict(), {}))
        distance = 0.1 + 0.05 * np.abs(rng.standard_normal(POINTS))
        frame = pd.DataFrame({"point": range(POINTS), "forward": -100.0, "reverse": -100.0 + distance})
        frame = frame.assign(
            forward_standard_error=0.02, reverse_standard_error=0.02, acceptance=0.65, diverged=0
        )
        spec = spec.model_copy(update={"split": "simulated"})
        write_values(
            layout.bdmc(row.model, seed, start),
            frame,
            make_provenance("evaluate-bdmc", spec.as_dict(), {}),
        )
    for family in [] if row.generator else row.local:
        provenance = make_provenance("optimise-local", LocalSpec(family=family).as_dict(), {})
        provenance["summary"] = {
            "cycles": [3],
            "bound": [[-90.0]],
            "converged": family == "ffg",
            "mean_residual": residual,
        }
        frame = pd.DataFrame({"point": range(POINTS), "residual": residual})
        write_values(layout.residuals(row.model, seed, row.split, family), frame, provenance)
    spec = TrainSpec(
        architecture=MlpArchitectureSpec(latent_dim=2, encoder_hidden=[5], decoder_hidden=[5]),
        epochs=60,
        warm_up_epochs=7,
        schedule="geometric",
        posterior=PosteriorSpec(family=row.trained_with),
    )
    provenance = make_provenance("train", spec.as_dict(), {"data": row.dataset})
    epochs = np.arange(1, 61)
    elbo = LEVELS[row.dataset] - 3 - 100 * np.exp(-epochs / 8)
    metrics = pd.DataFrame(
        {
            "epoch": epochs,
            "elbo": elbo,
            "objective": elbo,
            "validation_elbo": elbo - epochs / 20,
            "learning_rate": 1e-3,
            "entropy_weight": np.minimum(1.0, epochs / 7),
            "images_per_second": 30000.0,
            "seconds": 0.5,
        }
    )
    write_values(layout.metrics(row.model, row.seed), metrics, provenance)
    x, *drawn = torch.rand(3, 4, 64, generator=torch.Generator().manual_seed(row.seed))
    provenance = make_provenance("evaluate-samples", SamplesSpec(points=4).as_dict(), {})
    provenance["data"] = {"shape": [1, 8, 8]}
    shown = dict(zip(("data", "reconstruction", "prior"), map(as_bytes, (x, *drawn)), strict=True))
    save_samples(layout.samples(row.model, row.seed), shown, provenance)
    return truth


def table_spec(datasets: list[str], seeds: list[int]) -> TableSpec:
    """Return the specification of Table 2 on some data sets."""
    rows = [
        TableRowSpec(
            model=f"{dataset.split('-')[0]}-{family}",
            seed=seed,
            dataset=dataset,
            dataset_title=TITLES[dataset],
            dataset_note="patches of photographs in place of CIFAR-10" if dataset == "cifar10" else "",
            binarisation="grey256" if dataset == "mnist" else "threshold",
            trained_with=family,
        )
        for dataset in datasets
        for family in ("ffg", "af")
        for seed in seeds
    ]
    return TableSpec(
        experiment="table2", title="Gaps of two posteriors", preset="quick", published=2, rows=rows
    )


def write_study(top: Path, datasets: list[str], seeds: list[int]) -> TableSpec:
    """Write all files of a study below ``top`` and return the specification of its table."""
    spec = table_spec(datasets, seeds)
    layout = Layout("quick", top)
    for index, row in enumerate(spec.rows):
        # Images are the same for all seeds of a data set; values only have to be plausible.
        write_values_of(layout, row, np.random.default_rng(index))
    return spec


def make_table(top: Path, spec: TableSpec) -> int:
    """Run ``make-table`` and return its exit status."""
    results = top / "results" / "quick"
    outputs = [f"--{flag}={results / f'table2.{suffix}'}" for flag, suffix in SUFFIXES.items()]
    return main(
        [
            "make-table",
            f"--spec={spec.as_json()}",
            f"--results={results}",
            f"--published={PUBLISHED}",
            f"--reproductions={REPRODUCTIONS}",
            *outputs,
        ]
    )


def judge_claims(top: Path, spec: ClaimsSpec, *flags: str) -> int:
    """Run ``judge-claims`` and return its exit status."""
    results = top / "results" / "quick"
    return main(
        [
            "judge-claims",
            f"--spec={spec.as_json()}",
            f"--results={results}",
            f"--published={PUBLISHED}",
            f"--csv={results / 'claims.csv'}",
            f"--markdown={results / 'claims.md'}",
            *flags,
        ]
    )


def plot_gaps(top: Path) -> int:
    """Run ``plot-gaps`` and return its exit status."""
    spec = GapsFigureSpec(experiment="table2", preset="quick", published=2)
    table = top / "results" / "quick" / "table2.csv"
    prefix = top / "figures" / "quick" / "gaps-table2"
    of_others = [f"--published={PUBLISHED}", f"--reproductions={REPRODUCTIONS}"]
    flags = [f"--table={table}", *of_others, f"--output-prefix={prefix}"]
    return main(["plot-gaps", f"--spec={spec.as_json()}", *flags])


def plot_schematic(top: Path) -> int:
    """Run ``plot-schematic`` and return its exit status."""
    spec = SchematicFigureSpec(experiment="table2", preset="quick")
    table, prefix = top / "results/quick/table2.csv", top / "figures/quick/schematic"
    return main(
        ["plot-schematic", f"--spec={spec.as_json()}", f"--table={table}", f"--output-prefix={prefix}"]
    )


def _models(spec: TableSpec) -> list[ModelSpec]:
    return [
        ModelSpec(
            model=row.model, seed=row.seed, dataset_title=row.dataset_title, trained_with=row.trained_with
        )
        for row in spec.rows
    ]


def _plot(top: Path, name: str, figure: TrainingFigureSpec | SamplesFigureSpec) -> int:
    flags = [
        f"--results={top / 'results' / 'quick'}",
        f"--output-prefix={top / 'figures' / 'quick' / name}",
    ]
    return main([f"plot-{name}", f"--spec={figure.as_json()}", *flags])


def plot_training(top: Path, spec: TableSpec) -> int:
    """Run ``plot-training`` and return its exit status."""
    return _plot(top, "training", TrainingFigureSpec(preset="quick", models=_models(spec)))


def plot_samples(top: Path, spec: TableSpec) -> int:
    """Run ``plot-samples`` and return its exit status."""
    return _plot(top, "samples", SamplesFigureSpec(preset="quick", models=_models(spec)))


def report_of(tables: list[TableSpec], figures: list[str]) -> ReportSpec:
    """Return what ``write-report`` is asked for."""
    return ReportSpec(preset="quick", description="a small study", tables=tables, figures=figures)


def write_report(top: Path, spec: ReportSpec) -> int:
    """Run ``write-report`` and return its exit status."""
    folders = [f"--results={top / 'results' / 'quick'}", f"--figures={top / 'figures' / 'quick'}"]
    output = top / "paper" / "replication-quick.pdf"
    return main(
        [
            "write-report",
            f"--spec={spec.as_json()}",
            *folders,
            f"--paper={PUBLISHED.parent}",
            f"--output={output}",
        ]
    )
