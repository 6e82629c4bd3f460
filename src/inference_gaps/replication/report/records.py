"""What was run and with which result, model by model, as texts for the tables of the report."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from inference_gaps.replication.analysis.sources import residual_files, values_files
from inference_gaps.replication.analysis.table_text import signed
from inference_gaps.replication.analysis.values import read_metrics
from inference_gaps.replication.artifacts.checks import values_of
from inference_gaps.replication.artifacts.files import read_provenance, read_values
from inference_gaps.replication.artifacts.layout import Layout
from inference_gaps.replication.specs.tables import TableRowSpec
from inference_gaps.specs.families import label_of
from inference_gaps.summary.trust import MOST_RESIDUAL

__all__ = ["estimator_records", "local_records", "model_records"]

Record = dict[str, str]

_BINARISATION = {
    "static": "sampled",
    "threshold": "threshold ½",
    "grey256": "grey ÷ 256",
    "given": "as given",
}
_AIS_HEALTH = ("effective_sample_size", "acceptance")
_SCHEDULES = {"iwae-stages": "stages of 3^i epochs", "geometric": "geometric decay", "constant": "constant"}


def _name(row: TableRowSpec, rows: Sequence[TableRowSpec]) -> str:
    """Return model and seed."""
    seeds = len({each.seed for each in rows if each.model == row.model})
    return row.model + (f", seed {row.seed}" if seeds > 1 else "")


def _place(name: str, row: TableRowSpec, rows: Sequence[TableRowSpec], epoch: int | None) -> str:
    """Return a name with the points, and after how much of the training, where these differ between rows."""
    splits = len({each.split for each in rows}) > 1
    return name + (f", {row.split}" if splits else "") + (f", epoch {epoch}" if epoch else "")


def _network(architecture: dict[str, Any]) -> str:
    latent = architecture["latent_dim"]
    if architecture["kind"] == "conv":
        return f"convolutional, {architecture['encoder_channels']} channels, z {latent}"
    if architecture["kind"] == "linear-gaussian":
        return f"linear, Gaussian noise, z {latent}"
    hidden = (architecture["encoder_hidden"], architecture["decoder_hidden"])
    encoder, decoder = ("-".join(map(str, widths)) or "linear" for widths in hidden)
    activation = {"elu": "ELU", "relu": "ReLU"}.get(architecture["activation"], architecture["activation"])
    return f"{encoder} / {latent} / {decoder}, {activation}"


def _last(values: pd.Series) -> str:
    found = values.dropna()
    return signed(float(found.iloc[-1]), 1) if len(found) else "–"


def model_records(rows: Sequence[TableRowSpec], layout: Layout) -> list[Record]:
    """Say of each trained model what it is, how it was trained, and where its ELBO ended (nats per image)."""
    records = []
    for row in {(row.model, row.seed): row for row in rows}.values():
        path = layout.metrics(row.model, row.seed)
        metrics, spec = read_metrics(path), read_provenance(path)["spec"]
        records.append(
            {
                "model": _name(row, rows),
                "data": row.dataset_title,
                "pixels": _BINARISATION[row.binarisation],
                "posterior": label_of(row.trained_with),
                "network": _network(spec["architecture"]),
                "epochs": f"{spec['epochs']} ({spec['warm_up_epochs']})",
                "batch": str(spec["batch_size"]),
                "rate": f"{spec['learning_rate']:g}",
                "schedule": _SCHEDULES[spec["schedule"]],
                "elbo": _last(metrics["elbo"]),
                "validation_elbo": _last(metrics["validation_elbo"]),
            }
        )
    return records


def local_records(rows: Sequence[TableRowSpec], layout: Layout) -> list[Record]:
    """Return the size of each local optimisation, the gain of its last cycle (nats), and where it was small."""
    records = []
    for row in rows:
        model, epoch = row.owner
        name = _name(row.model_copy(update={"model": model}), rows)
        for family, path in residual_files(row, layout).items():
            frame, made_by = read_values(path, "optimise-local")
            spec, summary = made_by["spec"], made_by["summary"]
            residual = frame["residual"]
            records.append(
                {
                    "model": _place(name, row, rows, epoch),
                    "family": label_of(family),
                    "points": str(spec["points"]),
                    "samples": str(spec["samples"]),
                    "steps": f"{max(summary['cycles'])} of {spec['max_cycles']} × {spec['steps']}",
                    "tolerance": f"{spec['tolerance']:g}",
                    "residual": f"{signed(float(residual.mean()), 3)} ({signed(float(residual.max()), 2)})",
                    "converged": f"{int((residual <= MOST_RESIDUAL).sum())} of {len(residual)}",
                }
            )
    return records


def _effective(frame: pd.DataFrame) -> str:
    mean = float(frame["effective_sample_size"].mean())
    return f"{mean:.1f}" if mean < 100 else f"{mean:.0f}"


def estimator_records(rows: Sequence[TableRowSpec], layout: Layout) -> list[Record]:
    """Say of the estimators of log p(x) of each model how large they are and how well they worked.

    Effective numbers of samples or chains and acceptance rates are means over points; of the latter, the smallest
    stands beside. Proposals that diverge are rejected: what would harm are chains that accept few.
    """
    records = []
    for row in rows:
        record = {"model": _place(_name(row, rows), row, rows, row.epoch)}
        for name, path in values_files(row, layout).items():
            if name.startswith("ais-"):
                frame, made_by = values_of(path, "evaluate-ais", _AIS_HEALTH)
                spec = made_by["spec"]
                record[f"{name}-size"] = f"{spec['chains']} × {spec['distributions']}"
                acceptance = frame["acceptance"]
                record[f"{name}-acceptance"] = f"{acceptance.mean():.2f} ({acceptance.min():.2f})"
            else:
                frame, made_by = values_of(path, "evaluate-iwae", ("effective_sample_size",), ("bound",))
                frame = frame[frame["bound"] == "iwae"]
                record |= {"points": str(len(frame)), "samples": str(made_by["spec"]["samples"])}
            record[name] = _effective(frame)
        records.append(record)
    return records
