"""Adding a posterior family, to a copy of the project: a module and an entry, nothing else."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from inference_gaps.replication.artifacts.files import read_tensors, read_values
from tests.small_project import ROOT, edit_yaml, make_real_project
from tests.snakemake_runs import snakemake

_MODULE = '''"""SG: a Gaussian, sheared so that the second dimension follows the first."""

import torch

from inference_gaps.posteriors.family import PosteriorFamily
from inference_gaps.posteriors.gaussian import normal_log_prob, reparameterise


class ShearedGaussian(PosteriorFamily):
    """z_2 = slope * z_1 + the second element of a factorised Gaussian."""

    def __init__(self, latent_dim):
        self.latent_dim = self.noise_dim = latent_dim

    @classmethod
    def amortized(cls, latent_dim, steps, hidden):
        return cls(latent_dim)

    @classmethod
    def local(cls, latent_dim, steps, hidden):
        return cls(latent_dim)

    def network_shapes(self):
        return {"slope": (1,)}

    def from_gaussian(self, mean, log_variance, generator):
        return {"mean": mean, "log_variance": log_variance, "slope": torch.zeros(len(mean), 1)}

    def transform(self, parameters, noise):
        mean, log_variance = parameters["mean"].unsqueeze(1), parameters["log_variance"].unsqueeze(1)
        z, log_q = reparameterise(noise, mean, log_variance)
        return self._sheared(z, parameters["slope"]), log_q

    def path_transform(self, parameters, noise):
        z, _ = self.transform(parameters, noise)
        fixed = {name: tensor.detach() for name, tensor in parameters.items()}
        base = self._sheared(z, -fixed["slope"])
        return z, normal_log_prob(base, fixed["mean"].unsqueeze(1), fixed["log_variance"].unsqueeze(1))

    def _sheared(self, z, slope):
        second = z[..., 1:2] + slope.reshape(-1, 1, 1) * z[..., :1]
        return torch.cat([z[..., :1], second, z[..., 2:]], dim=-1)
'''
_PLACE = "sheared_gaussian.ShearedGaussian"
_ENTRY = f"""    FamilyEntry("sheared-gaussian", "SG", "sheared Gaussian", "{_PLACE}", least_dim=2),
"""
_MODEL = {
    "dataset": "mnist",
    "binarisation": "static",
    "architecture": {
        "kind": "mlp",
        "latent_dim": 2,
        "encoder_hidden": [9],
        "decoder_hidden": [9],
        "activation": "elu",
    },
    "posterior": {"family": "sheared-gaussian"},
}
# The jobs of the plan by their commands, in one process, since each would wait for PyTorch.
_RUN = """
from inference_gaps.replication.cli import main
from inference_gaps.replication.study.command_line import command_line
from inference_gaps.replication.study.plan import load_study

study = load_study()
for job in study.jobs:
    wanted = job.stage in ("prepare-data", "train", "optimise-local", "evaluate-iwae")
    if wanted and getattr(job.spec, "split", "train") == "train":
        assert main(command_line(job, study)) == 0
"""
_PRINT = """
from inference_gaps.replication.analysis.table_text import ESTIMATOR_WORDS
from inference_gaps.replication.specs.tables import Estimator

print(ESTIMATOR_WORDS, Estimator)
"""
_EXPERIMENT = {
    "title": "Sheared",
    "models": ["digits"],
    "splits": ["train"],
    "local": ["ffg", "sheared-gaussian"],
}
_PRESET = {
    "description": "a test",
    "seeds": [0],
    "points": 6,
    "simulated_points": 6,
    "datasets": {"mnist": {"copy": "mnist-small"}},
    "training": {"epochs": 6, "warm_up_epochs": 1, "learning_rate": 0.01},
    "iwae": {"samples": 500},
    "ais": {"prior": {"chains": 4, "distributions": 5}, "local-ffg": {"chains": 4, "distributions": 5}},
    "local": {
        "ffg": {"samples": 8, "steps": 80, "learning_rate": 0.05, "max_cycles": 2},
        "sheared-gaussian": {"samples": 8, "steps": 80, "learning_rate": 0.05, "start": "local-ffg"},
    },
}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("family")
    experiments = {"models": {"digits": _MODEL}, "experiments": {"tiny": _EXPERIMENT}}
    return make_real_project(top, _PRESET, experiments)


def test_a_name_that_no_entry_has_is_a_sentence(study: Path) -> None:
    failed = snakemake(study, "--dry-run", "tables")
    assert failed.returncode == 1
    assert "models.digits.posterior.family is 'sheared-gaussian', which is not allowed here" in failed.stderr


def test_a_new_family_takes_a_module_and_an_entry(study: Path) -> None:
    folder = study / "src/inference_gaps/posteriors"
    (folder / "sheared_gaussian.py").write_text(_MODULE)
    table = study / "src/inference_gaps/specs/families.py"
    table.write_text(table.read_text().replace("\n)\nFAMILIES", "\n" + _ENTRY + ")\nFAMILIES"))
    _python(study, _RUN)
    at = "results/tiny/models/digits/seed-0/train"
    # Trained with it, and optimised in it from q*_FFG: the slope has left 0, and the bound is no worse.
    tensors, made_by = read_tensors(study / at / "local-sheared-gaussian.safetensors")
    assert made_by["spec"]["family"] == "sheared-gaussian"
    assert tensors["slope"].abs().max() > 0.01
    gaussian, sheared = (
        frame[frame["bound"] == "elbo"].set_index("point")
        for frame, _ in (
            read_values(study / at / f"iwae-local-{name}.csv") for name in ("ffg", "sheared-gaussian")
        )
    )
    error = (gaussian["standard_error"] ** 2 + sheared["standard_error"] ** 2) ** 0.5
    assert (sheared["value"] - gaussian["value"] > -4 * error).all()

    # And all the rest knows it: the plan down to the report, and the self-check's estimators.
    planned_all = snakemake(study, "--dry-run")
    assert planned_all.returncode == 0, planned_all.stdout + planned_all.stderr
    printed = _python(study, _PRINT)
    assert "iwae_local_sheared_gaussian" in printed
    assert "IWAE, q* SG" in printed
    edit_yaml(study / "config/experiments.yaml", ("models.digits.architecture.latent_dim", 1))
    failed = snakemake(study, "--dry-run")
    assert "posterior.family is sheared-gaussian, which needs at least 2 latent dimensions" in failed.stderr


def _python(study: Path, program: str) -> str:
    """Run a program on the copy and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=study,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(study / "src"), str(ROOT)])},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
