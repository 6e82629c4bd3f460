"""The jobs of one trained model: its data, its training, local optimisation, bounds."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from inference_gaps.replication.artifacts.layout import Layout, at_epoch
from inference_gaps.replication.config.files import Preset
from inference_gaps.replication.config.loading import Configuration
from inference_gaps.replication.config.resolution import (
    ais_spec,
    convergence_spec,
    iwae_spec,
    local_spec,
    points,
    procedures_spec,
    train_spec,
    units_spec,
)
from inference_gaps.replication.specs.data import PrepareSpec
from inference_gaps.replication.specs.models import CheckpointSpec, ExactSpec, SamplesSpec, SimulateSpec
from inference_gaps.replication.study.jobs import Jobs, derived_seed
from inference_gaps.replication.study.raw_sources import Source
from inference_gaps.specs.base import Spec
from inference_gaps.specs.bounds import PosteriorsSpec, Split
from inference_gaps.specs.families import FAMILIES, Family

__all__ = ["ModelJobs"]


class ModelJobs:
    """Adds the jobs of one model and seed; what is asked for twice is added once.

    With an ``epoch``, all but data and training are those of the checkpoint after it; without one, those of the
    model at the end of its training.

    Each evaluation draws from a stream of its own, which depends on the names of model, seed, epoch, split and
    stage alone: nothing else in the configuration changes the random numbers of a job.
    """

    def __init__(
        self,
        jobs: Jobs,
        layout: Layout,
        configuration: Configuration,
        sources: Mapping[str, Source],
        model: str,
        seed: int,
        epoch: int | None = None,
    ) -> None:
        self._jobs, self._layout, self._configuration, self._sources = jobs, layout, configuration, sources
        self._name, self._seed, self._epoch = model, seed, epoch
        self._place = (model, at_epoch(seed, epoch))
        self._settings = configuration.experiments.models[model]
        self._dataset = self._settings.dataset
        self._budget = configuration.budget_of(model)

    def data(self) -> Path:
        """Add the preparation of the data and return the file that it makes."""
        copy = self._configuration.copy_of(self._name)
        dataset = self._configuration.datasets[copy]
        # Another mirror of the same bytes is the same data.
        spec = PrepareSpec(
            dataset=dataset.model_copy(update={"sources": []}), binarisation=self._settings.binarisation
        )
        output = self._layout.data(f"{copy}-{self._settings.binarisation}")
        return self._add("prepare-data", spec, {}, {"output": output}, {}, self._sources[copy].digests)

    def weights(self) -> Path:
        """Add the training, and what takes the checkpoint out of it; return the weights."""
        checkpoints = self._configuration.checkpoints_of(self._name)
        spec = train_spec(self._budget, self._settings, self._seed, checkpoints)
        outputs = {
            "output": self._layout.weights(self._name, self._seed),
            "metrics": self._layout.metrics(self._name, self._seed),
        }
        inputs = {"data": self.data()}
        if self._settings.generator_of:
            inputs["generator"] = self._same_seed_of(self._settings.generator_of).weights()
        trained = self._add("train", spec, inputs, outputs)
        if self._epoch is None:
            return trained
        taken = {"output": self._layout.weights(*self._place)}
        return self._add("take-checkpoint", CheckpointSpec(epoch=self._epoch), {"model": trained}, taken)

    def local(self, split: Split, family: Family) -> Path:
        """Add the optimisation of q* and return its parameters."""
        seed = derived_seed(*self._place, split, f"local-{family}")
        model = self._settings
        spec = local_spec(self._budget, self._dataset, family, split, seed, model.posterior, model.protocol)
        inputs = self._read(split)
        if spec.start == "local-ffg":
            inputs["start"] = self.local(split, "ffg")
        at = (*self._place, split, family)
        outputs = {"output": self._layout.local(*at), "residuals": self._layout.residuals(*at)}
        return self._add("optimise-local", spec, inputs, outputs)

    def samples(self, split: Split) -> Path:
        """Add the images that figures show of the model and return them."""
        spec = SamplesSpec(split=split)
        output = self._layout.samples(*self._place)
        return self._add("evaluate-samples", spec, self._read(split), {"output": output})

    def iwae(self, split: Split, family: Family | None = None) -> Path:
        """Add ELBO and IWAE of the amortized q, or of q* of ``family``, and return their values."""
        posterior = f"local-{family}" if family else "amortised"
        seed = derived_seed(*self._place, split, f"iwae-{posterior}")
        spec = iwae_spec(self._budget, self._dataset, split, seed)
        inputs = self._read(split)
        if family:
            inputs["posterior"] = self.local(split, family)
        output = self._layout.iwae(*self._place, split, posterior)
        return self._add("evaluate-iwae", spec, inputs, {"output": output})

    def ais(self, split: Split, start: str) -> Path:
        """Add annealed importance sampling and return its values."""
        seed = derived_seed(*self._place, split, f"ais-{start}")
        spec = ais_spec(self._budget, self._dataset, start, split, seed)
        inputs = self._read(split)
        if start == "local-ffg":
            inputs["start"] = self.local(split, "ffg")
        output = self._layout.ais(*self._place, split, start)
        return self._add("evaluate-ais", spec, inputs, {"output": output})

    def simulated(self) -> Path:
        """Add the simulation of data from the model and return them."""
        seed = derived_seed(*self._place, "simulated")
        spec = SimulateSpec(points=points(self._budget, self._dataset, "simulated"), seed=seed)
        output = self._layout.simulated(*self._place)
        return self._add("simulate-data", spec, {"model": self.weights()}, {"output": output})

    def bdmc(self, start: str) -> Path:
        """Add AIS in both directions on simulated data, as :meth:`ais` runs it, and return its values."""
        seed = derived_seed(*self._place, f"bdmc-{start}")
        spec = ais_spec(self._budget, self._dataset, start, "simulated", seed)
        inputs = self._read("simulated")
        if start == "local-ffg":
            inputs["start"] = self.local("simulated", "ffg")
        output = self._layout.bdmc(*self._place, start)
        return self._add("evaluate-bdmc", spec, inputs, {"output": output})

    def exact(self, split: Split) -> Path:
        """Add the exact answers and return them; at simulated points only log p(x) is needed."""
        of_points = ExactSpec(split=split, points=points(self._budget, self._dataset, split))
        spec = of_points.model_copy(update={"quantities": ["log_p"]}) if split == "simulated" else of_points
        output = self._layout.exact(*self._place, split)
        return self._add("evaluate-exact", spec, self._read(split), {"output": output})

    def convergence(self, split: Split) -> Path:
        """Add the estimators of log p(x) at several sizes and return their values."""
        output = self._layout.convergence(*self._place, split)
        return self._compare("evaluate-convergence", "convergence", convergence_spec, split, output)

    def procedures(self, split: Split) -> Path:
        """Add q*_FFG by the authors' procedure beside ours and return the bounds of both."""
        output = self._layout.procedures(*self._place, split)
        return self._compare("compare-local", "procedures", procedures_spec, split, output)

    def _compare(
        self,
        stage: str,
        stream: str,
        spec_of: Callable[[Preset, str, Split, int], Spec],
        split: Split,
        output: Path,
    ) -> Path:
        """Add what sets out from q*_FFG to compare ways to the same number."""
        spec = spec_of(self._budget, self._dataset, split, derived_seed(*self._place, split, stream))
        inputs = self._read(split) | {"start": self.local(split, "ffg")}
        return self._add(stage, spec, inputs, {"output": output})

    def units(self, split: Split) -> Path:
        """Add the activity of the latent units and return it."""
        seed = derived_seed(*self._place, split, "units")
        spec = units_spec(self._budget, self._dataset, split, seed)
        output = self._layout.units(*self._place, split)
        return self._add("evaluate-units", spec, self._read(split), {"output": output})

    def posteriors(self, split: Split, local: list[Family], images: int) -> Path:
        """Add densities over the plane of two latent dimensions and return them."""
        seed = derived_seed(*self._place, split, "posteriors")
        count = points(self._budget, self._dataset, split)
        spec = PosteriorsSpec(split=split, points=count, seed=seed, local=local, images=images)
        inputs = self._read(split)
        inputs |= {f"local_{FAMILIES[family].key}": self.local(split, family) for family in local}
        output = self._layout.posteriors(*self._place, split)
        return self._add("evaluate-posteriors", spec, inputs, {"output": output})

    def _same_seed_of(self, model: str) -> "ModelJobs":
        return ModelJobs(self._jobs, self._layout, self._configuration, self._sources, model, self._seed)

    def _read(self, split: Split) -> dict[str, Path]:
        data = self.simulated() if split == "simulated" else self.data()
        return {"data": data, "model": self.weights()}

    def _add(self, stage: str, *job: Any) -> Path:
        return self._jobs.add(stage, *job).outputs["output"]
