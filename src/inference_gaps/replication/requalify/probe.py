"""The probe: small jobs with every value of every option of what the stages that compute are asked to do.

Numbers that may be anything have two values at least, and those that switch something off have that one, too.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from inference_gaps.replication.requalify.raw import datasets
from inference_gaps.replication.stages import STAGES
from inference_gaps.replication.study.jobs import Job, Jobs
from inference_gaps.specs.families import FAMILIES

__all__ = ["probe"]

_PLANE = {"kind": "mlp", "latent_dim": 2, "encoder_hidden": [6], "decoder_hidden": [5], "activation": "tanh"}
_SPACE = {
    "kind": "mlp",
    "latent_dim": 3,
    "encoder_hidden": [6, 5],
    "decoder_hidden": [5, 6],
    "activation": "elu",
}
_LINE = {"kind": "mlp", "latent_dim": 1, "encoder_hidden": [4], "decoder_hidden": [4], "activation": "relu"}
_SHALLOW = {"kind": "mlp", "latent_dim": 2, "encoder_hidden": [], "decoder_hidden": [], "activation": "relu"}
_LINEAR = {"kind": "linear-gaussian", "latent_dim": 2, "noise": 0.2, "precision": [2.0, 20.0]}
_CONV = {"kind": "conv", "latent_dim": 3, "encoder_channels": 3, "decoder_channels": 2}
_SHORT = {"epochs": 2, "batch_size": 8, "learning_rate": 0.01, "warm_up_epochs": 1, "validation_points": 8}
_POSTERIORS = {
    name: {"family": name, "flow_steps": 2 - turn % 2, "flow_hidden": 5 - turn % 2}
    for turn, name in enumerate(FAMILIES)
}
# Data, architecture, posterior, and what is trained otherwise.
_MODELS: dict[str, tuple[str, Mapping[str, Any], str, Mapping[str, Any]]] = {
    **{f"plane-{name}": ("static", _PLANE, name, {}) for name in _POSTERIORS},
    **{f"space-{name}": ("grey", _SPACE, name, {"gradient_precision": "bfloat16"}) for name in _POSTERIORS},
    "line": ("static", _LINE, "full-gaussian", {"learning_rate": 0.02}),
    "shallow": ("given", _SHALLOW, "af", {"schedule": "geometric", "shuffle": True, "validation_points": 0}),
    "folded": ("threshold", {**_PLANE, "folded": True}, "ffg", {"schedule": "constant", "warm_up_epochs": 0}),
    "linear": ("grey", _LINEAR, "ffg", {"warm_up_of": "kl", "seed": 1, "adam_epsilon": 1.0e-8}),
    "linear-low": ("shrunk", {**_LINEAR, "noise": 0.3, "precision": [1.5, 9.0], "latent_dim": 3}, "full-gaussian",
                   {"batch_size": 12, "gradient_precision": "bfloat16"}),
    "conv": ("colour", _CONV, "ffg", {"epochs": 1, "warm_up_epochs": 0, "learning_rate": 0.002}),
    "conv-low": ("colour", {**_CONV, "latent_dim": 2, "encoder_channels": 2, "decoder_channels": 3}, "af",
                 {"epochs": 1, "warm_up_epochs": 0, "gradient_precision": "bfloat16"}),
    "kept": ("static", _PLANE, "ffg", {"epochs": 9, "checkpoints": [1, 3]}),
}  # fmt: skip
# Adds a job of a stage, by a name that its files get; returns the main one.
_Add = Callable[[str, str, Mapping[str, Path], Mapping[str, Any]], Path]
_SPLITS = ("train", "validation", "test", "simulated")


def probe(jobs: Jobs) -> list[Job]:
    """Add the jobs of the probe and return them; their files go below ``probe`` in the working directory."""

    def add(stage: str, name: str, inputs: Mapping[str, Path], spec: Mapping[str, Any]) -> Path:
        made = STAGES[stage].outputs
        suffixes = [".safetensors" if "(.safetensors)" in output.words else ".csv" for output in made]
        place = Path("probe") / stage / name
        outputs = {
            output.role: place.with_name(name + suffix) for output, suffix in zip(made, suffixes, strict=True)
        }
        job = jobs.add(stage, STAGES[stage].spec.model_validate(spec), inputs, outputs)
        return job.outputs[made[0].role]

    data = _prepare(add)
    models: dict[str, dict[str, Path]] = {}
    for name, (pixels, architecture, posterior, more) in _MODELS.items():
        spec = {**_SHORT, **more, "architecture": architecture, "posterior": _POSTERIORS[posterior]}
        read = {"data": data[pixels]}
        models[name] = {**read, "model": add("train", name, read, spec)}
    spec = {**_SHORT, "architecture": _PLANE, "posterior": _POSTERIORS["af"], "frozen_generator": True}
    read = {"data": data["static"], "generator": models["plane-ffg"]["model"]}
    models["fixed"] = {"data": data["static"], "model": add("train", "fixed", read, spec)}
    for epoch in (1, 3):
        taken = add("take-checkpoint", f"kept-{epoch}", {"model": models["kept"]["model"]}, {"epoch": epoch})
        models[f"kept-{epoch}"] = {"data": data["static"], "model": taken}
    for turn, (name, read) in enumerate(models.items()):
        _evaluate(add, name, read, turn)
    return [job for job in jobs if any(path.parts[0] == "probe" for path in job.outputs.values())]


def _prepare(add: _Add) -> dict[str, Path]:
    known = datasets()
    wanted = {
        "static": ("grey", "static", 0),
        "static-1": ("grey", "static", 1),
        "grey": ("grey", "grey256", 0),
        "threshold": ("grey", "threshold", 0),
        "given": ("bits", "given", 0),
        "shrunk": ("shrunk", "grey256", 0),
        "colour": ("colour", "threshold", 0),
        "cifar": ("cifar", "grey256", 0),
        "photos": ("photos", "grey256", 0),
        "folder": ("folder", "grey256", 0),
        "folder-grey": ("folder in grey", "static", 0),
    }
    return {
        name: add("prepare-data", name, {}, {"dataset": known[of], "binarisation": how, "seed": seed})
        for name, (of, how, seed) in wanted.items()
    }


def _evaluate(add: _Add, model: str, read: Mapping[str, Path], turn: int) -> None:
    """Add what is evaluated on a model; models take turns in splits, precisions and numbers."""
    odd = turn % 2
    family = _MODELS[model][2] if model in _MODELS else "ffg" if model.startswith("kept") else "af"
    simulated = add("simulate-data", model, {"model": read["model"]}, {"points": 4 + odd, "seed": odd})
    split = _SPLITS[turn % 4]
    here = {**read, "data": simulated} if split == "simulated" else read
    points = {"split": split, "points": 3 + odd, "seed": odd}
    precision = {"gradient_precision": ("float32", "bfloat16")[odd]}
    ascent: dict[str, Any] = {
        **{"samples": 4 + 2 * odd, "steps": 5 + odd, "learning_rate": 0.05 + 0.01 * odd},
        **{"tolerance": 0.01 + 0.01 * odd, "max_cycles": 2 + odd, **points, **precision},
    }

    def local(name: str, started: str, of: Mapping[str, Path], more: Mapping[str, Any]) -> Path:
        reads = {**of, "start": ffg} if started == "local-ffg" else dict(of)
        asked = {**ascent, **_POSTERIORS[name], "start": started, **more}
        return add("optimise-local", f"{model}-{name}-{started}", reads, asked)

    ffg = local("ffg", ("amortised", "zeros")[odd], here, {"restarts": 3 * odd})
    found = {"ffg": ffg}
    if family != "ffg":
        found[family] = local(family, "trained" if FAMILIES[family].conditional else "local-ffg", here, {})
    else:
        starts = ("local-ffg", "amortised", "zeros")
        for index, name in enumerate(_POSTERIORS):
            if name != "ffg":
                found[name] = local(name, starts[(turn + index) % 3], here, {})
    samples = {**points, "samples": 6 + odd}
    add("evaluate-iwae", model, here, samples)
    for name, posterior in found.items():
        add("evaluate-iwae", f"{model}-{name}", {**here, "posterior": posterior}, samples)
    add("evaluate-units", model, here, {**points, "samples": 4 + odd})
    add("evaluate-samples", model, here, points)
    _anneal(add, model, here, ffg, points, turn)
    _compare(add, model, here, found, points, turn)


def _anneal(
    add: _Add, model: str, read: Mapping[str, Path], ffg: Path, points: Mapping[str, Any], turn: int
) -> None:
    odd = turn % 2
    chains = {
        **{"chains": 3 + odd, "distributions": 5 + odd, "leapfrog_steps": 2 + odd, **points},
        **{"schedule": ("linear", "sigmoidal")[odd], "initial_step_size": 0.05 + 0.02 * odd},
        **{"step_size_jitter": 0.5 * odd, "target_acceptance": 0.65 + 0.1 * odd},
        **{"adaptation": ("preliminary", "cumulative")[turn // 2 % 2]},
        **{"gradient_precision": ("float32", "bfloat16")[turn // 3 % 2]},
    }
    stage = "evaluate-bdmc" if points["split"] == "simulated" else "evaluate-ais"
    add(stage, f"{model}-prior", read, chains)
    add(stage, f"{model}-local-ffg", {**read, "start": ffg}, {**chains, "start": "local-ffg"})


def _compare(
    add: _Add,
    model: str,
    read: Mapping[str, Path],
    local: Mapping[str, Path],
    points: Mapping[str, Any],
    turn: int,
) -> None:
    """Add what is known of some models alone, and comparisons that set out from q*_FFG."""
    odd = turn % 2
    start = {**read, "start": local["ffg"]}
    steers = {"gradient_precision": ("float32", "bfloat16")[odd], "schedule": ("linear", "sigmoidal")[odd]}
    if turn < 4:
        sizes = {
            "samples": [3, 6 + odd],
            "distributions": [3, 5 + odd],
            "chains": 2 + odd,
            "leapfrog_steps": 1 + odd,
        }
        add("evaluate-convergence", model, start, {**points, **steers, **sizes})
        loops = {"copies": 2 + odd, "window": 3 + odd, "patience": 1 + odd, "max_windows": 4 + odd}
        rates = {"learning_rate": 0.01 + 0.01 * odd, "samples": 4 + 4 * odd}
        add("compare-local", model, start, {**points, **loops, **rates})
    if turn < 4 or model in ("linear", "linear-low", "line"):
        add("evaluate-exact", model, read, {**points, "points": 1 + odd})
        for quantity in ("elbo_amortized", "elbo_local_ffg", "elbo_local_full_gaussian"):
            asked = {**points, "points": 1, "quantities": ["log_p", quantity]}
            add("evaluate-exact", f"{model}-{quantity}", read, asked)
    if turn in (0, 1, 2) or model == "shallow":
        shown = {name: path for name, path in local.items() if name != "hamiltonian"}
        files = {f"local_{FAMILIES[name].key}": path for name, path in shown.items()}
        asked = {"local": list(shown), "images": 1 + odd, "nodes": 16 + odd, "samples": 4 + odd}
        add("evaluate-posteriors", model, {**read, **files}, {**points, **asked})
