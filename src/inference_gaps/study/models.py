"""The jobs of one trained model: its data, its training, local optimisation, bounds."""

from pathlib import Path
from typing import Any

from inference_gaps.config.loading import Configuration
from inference_gaps.config.resolution import ais_spec, iwae_spec, local_spec, train_spec
from inference_gaps.layout import Layout
from inference_gaps.specs.data import PrepareSpec
from inference_gaps.specs.table import Family, Split
from inference_gaps.study.jobs import Jobs, derived_seed

__all__ = ["ModelJobs", "data_variant"]


def data_variant(configuration: Configuration, model: str) -> str:
    """Return the name of the prepared data of a model, ``<copy>-<binarisation>``."""
    settings = configuration.experiments.models[model]
    return f"{configuration.copy_of(model)}-{settings.binarisation}"


class ModelJobs:
    """Adds the jobs of one model and seed; what is asked for twice is added once.

    Each evaluation draws from a stream of its own, which depends on the names of model, seed, split and stage
    alone: nothing else in the configuration changes the random numbers of a job.
    """

    def __init__(
        self, jobs: Jobs, layout: Layout, configuration: Configuration, model: str, seed: int
    ) -> None:
        self._jobs, self._layout, self._configuration = jobs, layout, configuration
        self._name, self._seed = model, seed
        self._settings = configuration.experiments.models[model]
        self._dataset = self._settings.dataset

    def data(self) -> Path:
        """Add the preparation of the data and return the file that it makes."""
        dataset = self._configuration.datasets[self._configuration.copy_of(self._name)]
        # Another mirror of the same bytes is the same data.
        spec = PrepareSpec(
            dataset=dataset.model_copy(update={"sources": []}), binarisation=self._settings.binarisation
        )
        output = self._layout.data(data_variant(self._configuration, self._name))
        return self._add("prepare-data", spec, {}, {"output": output})

    def weights(self) -> Path:
        """Add the training and return the weights."""
        spec = train_spec(self._configuration.preset, self._settings, self._seed)
        outputs = {
            "output": self._layout.weights(self._name, self._seed),
            "metrics": self._layout.metrics(self._name, self._seed),
        }
        return self._add("train", spec, {"data": self.data()}, outputs)

    def local(self, split: Split, family: Family) -> Path:
        """Add the optimisation of q* and return its parameters."""
        seed = derived_seed(self._name, self._seed, split, f"local-{family}")
        spec = local_spec(self._configuration.preset, self._dataset, family, split, seed)
        inputs = self._read()
        if spec.start == "local-ffg":
            inputs["start"] = self.local(split, "ffg")
        output = self._layout.local(self._name, self._seed, split, family)
        return self._add("optimise-local", spec, inputs, {"output": output})

    def iwae(self, split: Split, family: Family | None = None) -> Path:
        """Add ELBO and IWAE of the amortised q, or of q* of ``family``, and return their values."""
        posterior = f"local-{family}" if family else "amortised"
        seed = derived_seed(self._name, self._seed, split, f"iwae-{posterior}")
        spec = iwae_spec(self._configuration.preset, self._dataset, split, seed)
        inputs = self._read()
        if family:
            inputs["posterior"] = self.local(split, family)
        output = self._layout.iwae(self._name, self._seed, split, posterior)
        return self._add("evaluate-iwae", spec, inputs, {"output": output})

    def ais(self, split: Split, start: str) -> Path:
        """Add annealed importance sampling and return its values."""
        seed = derived_seed(self._name, self._seed, split, f"ais-{start}")
        spec = ais_spec(self._configuration.preset, self._dataset, start, split, seed)
        inputs = self._read()
        if start == "local-ffg":
            inputs["start"] = self.local(split, "ffg")
        output = self._layout.ais(self._name, self._seed, split, start)
        return self._add("evaluate-ais", spec, inputs, {"output": output})

    def _read(self) -> dict[str, Path]:
        return {"data": self.data(), "model": self.weights()}

    def _add(self, command: str, *job: Any) -> Path:
        return self._jobs.add(command, *job).outputs["output"]
