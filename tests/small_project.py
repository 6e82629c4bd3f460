"""A project of its own for tests of configuration and workflow: the real files, a small study, no real images."""

import shutil
from pathlib import Path
from typing import Any

import yaml

__all__ = [
    "ROOT",
    "claims_of",
    "copy_paper",
    "copy_workflow",
    "edit_yaml",
    "link_project",
    "make_project",
    "make_real_project",
]

ROOT = Path(__file__).parents[1]

_DATASETS: dict[str, Any] = {
    "digits": {"title": "Digits", "licence": "CC0", "format": "idx", "shape": [1, 28, 28]},
    "patches": {"title": "Patches", "licence": "CC0", "format": "idx", "shape": [3, 32, 32]},
}
_MLP = {"kind": "mlp", "latent_dim": 2, "encoder_hidden": [4], "decoder_hidden": [4], "activation": "elu"}
_EXPERIMENTS: dict[str, Any] = {
    "models": {
        "digits-ffg": {
            "dataset": "mnist",
            "binarisation": "grey256",
            "architecture": _MLP,
            "posterior": {"family": "ffg"},
        },
        "digits-af": {
            "dataset": "mnist",
            "binarisation": "grey256",
            "architecture": _MLP,
            "posterior": {"family": "af"},
            "training": {"batch_size": 7},
        },
    },
    "experiments": {
        "gaps": {
            "title": "Gaps",
            "models": ["digits-ffg", "digits-af"],
            "splits": ["train"],
            "local": ["ffg", "af"],
            "published": 2,
        },
        "again": {"title": "The same model", "models": ["digits-ffg"], "splits": ["train"], "local": ["ffg"]},
    },
}
_PRESET: dict[str, Any] = {
    "description": "next to nothing",
    "seeds": [0],
    "points": 3,
    "datasets": {
        "mnist": {"copy": "digits", "training": {"epochs": 3}, "ais": {"prior": {"chains": 5}}},
        "cifar10": {"copy": "patches", "points": 2},
    },
    "training": {"epochs": 2, "warm_up_epochs": 1, "batch_size": 50},
    "ais": {"prior": {"chains": 4, "distributions": 9}},
    "local": {"af": {"start": "local-ffg"}},
}
_CONFIG: dict[str, Any] = {
    "preset": "tiny",
    "experiments": "all",
    "data_folder": None,
    "device": "cpu",
    "threads": 1,
}


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _dumped(content: Any) -> str:
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False)


def claims_of(experiment: str) -> dict[str, Any]:
    """Return claims on ``experiment``, which has digits-ffg and digits-af; one waits for another, ``later``."""
    return {
        "level": 0.95,
        "factor": 2.0,
        "seeds_agree": 1.0,
        "planned": ["later"],
        "claims": {
            "C1": {
                "title": "The network is to blame",
                "claim": "The amortization gap is larger than the approximation gap.",
                "where": "Table 2",
                "experiments": [experiment],
                "combine": "most",
                "threshold": {"mnist": 0.1},
                "why": "A tenth of the gap.",
                "statistics": [
                    {
                        "name": "amortization gap − approximation gap",
                        "comparison": "positive",
                        "terms": [
                            {"quantity": "amortization_gap", "of": "model"},
                            {"quantity": "approximation_gap", "of": "model", "times": -1},
                        ],
                        "models": {"mnist": {"model": "digits-af"}},
                    }
                ],
            },
            "C4": {
                "title": "Larger is better",
                "claim": "A larger encoder lowers the gap.",
                "where": "elsewhere",
                "experiments": [experiment, "later"],
                "combine": "all",
                "threshold": {"mnist": 0.1},
                "why": "A tenth of the gap.",
                "statistics": [
                    {
                        "name": "standard − larger",
                        "comparison": "positive",
                        "terms": [
                            {"quantity": "amortization_gap", "of": "standard"},
                            {"quantity": "amortization_gap", "of": "larger", "times": -1},
                        ],
                        "models": {"mnist": {"standard": "digits-ffg", "larger": "digits-ffg-wide"}},
                    }
                ],
            },
        },
    }


def make_project(top: Path) -> Path:
    """Write ``config/``, ``paper/`` and empty raw files below ``top``; return ``top``."""
    datasets = {}
    for name, description in _DATASETS.items():
        folder = f"data/embedded/{name}"
        file = f"{name}.gz"
        (top / folder).mkdir(parents=True)
        (top / folder / file).write_bytes(b"")
        datasets[name] = {
            **description,
            "folder": folder,
            "embedded": True,
            "files": [{"name": file, "part": "train"}],
            "splits": {"train": {"part": "train", "stop": 60}, "validation": {"part": "train", "start": 60}},
        }
        datasets[f"{name}-online"] = {
            **datasets[name],
            "embedded": False,
            "folder": name,
            "sources": ["https://images.example/"],
        }
    for name, content in (
        ("config", _CONFIG),
        ("presets/tiny", _PRESET),
        ("experiments", _EXPERIMENTS),
        ("claims", claims_of("gaps")),
        ("datasets", {"datasets": datasets}),
    ):
        path = top / "config" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_dumped(content))
    return copy_paper(top)


def copy_paper(top: Path) -> Path:
    """Copy what the report is made of, and not a report with its record that was made in this folder."""
    (top / "paper").mkdir()
    for file in ("published.csv", "reproductions.csv", "deviations.yaml", "references.yml", "report.typ"):
        shutil.copy(ROOT / "paper" / file, top / "paper")
    return top


def copy_workflow(top: Path) -> Path:
    """Copy the real workflow and ``src/``, compiled files included, below ``top``; return ``top``."""
    shutil.copy(ROOT / "Snakefile", top)
    shutil.copytree(ROOT / "workflow", top / "workflow")
    shutil.copytree(ROOT / "src", top / "src", ignore=shutil.ignore_patterns("*.egg-info"))
    (top / "profiles").symlink_to("workflow/profiles")
    return top


def make_real_project(top: Path, preset: dict[str, Any], experiments: dict[str, Any]) -> Path:
    """Copy the real project below ``top``, but for what it studies, and judge no claims; return ``top``."""
    for name in ("config", "scripts", "data/embedded"):
        shutil.copytree(ROOT / name, top / name)
    copy_paper(copy_workflow(top))
    for each in (top / "config/presets").iterdir():
        each.unlink()
    claims = {"level": 0.95, "factor": 2, "seeds_agree": 1, "claims": {}}
    for name, content in (("presets/tiny", preset), ("experiments", experiments), ("claims", claims)):
        (top / "config" / f"{name}.yaml").write_text(_dumped(content))
    edit_yaml(top / "config/config.yaml", ("preset", "tiny"), ("device", "cpu"))
    return top


def link_project(top: Path) -> Path:
    """Copy the real ``config/`` and ``paper/`` and link the real ``data/`` below ``top``; return ``top``."""
    shutil.copytree(ROOT / "config", top / "config")
    (top / "data").symlink_to(ROOT / "data")
    return copy_paper(top)


def edit_yaml(path: Path, *changes: tuple[str, Any]) -> None:
    """Set dotted keys of a YAML file; the value ``...`` removes the key."""
    content = yaml.safe_load(path.read_text())
    for dotted, value in changes:
        *parents, last = dotted.split(".")
        section = content
        for name in parents:
            section = section.setdefault(name, {})
        if value is ...:
            del section[last]
        else:
            section[last] = value
    path.write_text(_dumped(content))
