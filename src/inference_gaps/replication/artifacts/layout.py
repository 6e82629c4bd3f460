"""Where each artifact of a preset lies; the one place that knows.

All paths are relative to the top of the project. The Snakefile and the commands that gather many artifacts
(tables, figures, the report) both ask here.
"""

from dataclasses import dataclass
from pathlib import Path

__all__ = ["PLACES", "Layout", "at_epoch", "beside_files", "is_published", "preset_of"]

PLACES = (Path("results"), Path("figures"), Path("paper"))
"""The folders below which artifacts lie."""


def at_epoch(seed: int | str, epoch: int | str | None) -> int | str:
    """Return what stands for ``seed`` in paths of the checkpoint after ``epoch``; without one, the seed itself."""
    return seed if epoch is None else f"{seed}/epoch-{epoch}"


def is_published(path: Path) -> bool:
    """Whether an artifact is small and enough, with others like it, to make tables, figures and report again.

    These are all but weights, prepared and simulated data, and the parameters of q*; .gitignore lets those of
    published presets be committed.
    """
    return path.suffix != ".safetensors" or path.name in ("posteriors.safetensors", "samples.safetensors")


def preset_of(path: Path | str) -> str | None:
    """Return the preset that an artifact below the working directory belongs to, by its place; ``None`` if none."""
    try:
        parts = Path(path).absolute().relative_to(Path.cwd()).parts
    except ValueError:
        return None
    if len(parts) > 1 and parts[0] in {"results", "figures"}:
        return parts[1]
    name = parts[-1] if parts else ""
    if parts[:1] == ("paper",) and name.startswith("replication-") and name.endswith(".pdf"):
        return name.removeprefix("replication-").removesuffix(".pdf")
    return None


@dataclass(frozen=True)
class Layout:
    """Paths of one preset: ``results/<preset>/...``, ``figures/<preset>/...``, one PDF in ``paper/``.

    Wherever a seed is asked for, it may be that of a checkpoint, see :func:`at_epoch`.
    """

    preset: str
    top: Path = Path()

    @property
    def results(self) -> Path:
        """Folder of all results of the preset."""
        return self.top / "results" / self.preset

    @property
    def store(self) -> Path:
        """Folder of what the study made at other settings."""
        return self.top / "results" / ".store" / self.preset

    def data(self, variant: str) -> Path:
        """Prepared data set; ``variant`` is ``<dataset>-<binarisation>``, such as ``mnist-grey256``."""
        return self.results / "data" / f"{variant}.safetensors"

    def run(self, model: str, seed: int | str) -> Path:
        """Folder of one trained model: its weights, its metrics, what was evaluated on it."""
        return self.results / "models" / model / f"seed-{seed}"

    def weights(self, model: str, seed: int | str) -> Path:
        """Trained weights."""
        return self.run(model, seed) / "model.safetensors"

    def metrics(self, model: str, seed: int | str) -> Path:
        """Training curves, one row per epoch."""
        return self.run(model, seed) / "metrics.csv"

    def local(self, model: str, seed: int | str, split: str, family: str) -> Path:
        """Variational parameters of q* (``family``: such as ``ffg``), one row per data point."""
        return self.run(model, seed) / split / f"local-{family}.safetensors"

    def residuals(self, model: str, seed: int | str, split: str, family: str) -> Path:
        """How far the optimisation of q* went, one row per data point."""
        return self.local(model, seed, split, family).with_suffix(".csv")

    def iwae(self, model: str, seed: int | str, split: str, posterior: str) -> Path:
        """ELBO and IWAE values of ``posterior``: ``amortised``, or ``local-ffg`` and so on."""
        return self.run(model, seed) / split / f"iwae-{posterior}.csv"

    def ais(self, model: str, seed: int | str, split: str, start: str) -> Path:
        """AIS values of chains that start at ``prior`` or ``local-ffg``."""
        return self.run(model, seed) / split / f"ais-{start}.csv"

    def samples(self, model: str, seed: int | str) -> Path:
        """Images, their reconstructions and samples from the prior, as figures show them."""
        return self.run(model, seed) / "samples.safetensors"

    def posteriors(self, model: str, seed: int | str, split: str) -> Path:
        """Densities of some images over the plane of two latent dimensions, and the bounds of all."""
        return self.run(model, seed) / split / "posteriors.safetensors"

    def simulated(self, model: str, seed: int | str) -> Path:
        """Data simulated from the model, with the latent variables behind them."""
        return self.run(model, seed) / "simulated.safetensors"

    def bdmc(self, model: str, seed: int | str, start: str) -> Path:
        """Forward and reverse AIS values at simulated points, of chains between ``start`` and the posterior."""
        return self.run(model, seed) / "simulated" / f"bdmc-{start}.csv"

    def exact(self, model: str, seed: int | str, split: str) -> Path:
        """Exact answers of a model that has them."""
        return self.run(model, seed) / split / "exact.csv"

    def convergence(self, model: str, seed: int | str, split: str) -> Path:
        """Values of the estimators of log p(x) at several sizes."""
        return self.run(model, seed) / split / "convergence.csv"

    def procedures(self, model: str, seed: int | str, split: str) -> Path:
        """Bounds of q*_FFG by the authors' procedure of local optimisation and by ours."""
        return self.run(model, seed) / split / "procedures.csv"

    def units(self, model: str, seed: int | str, split: str) -> Path:
        """Activity of the latent units."""
        return self.run(model, seed) / split / "units.csv"

    def selfcheck(self, suffix: str) -> Path:
        """Estimates beside exact answers; ``suffix`` is ``csv`` or ``md``."""
        return self.results / f"selfcheck.{suffix}"

    def table(self, experiment: str, suffix: str) -> Path:
        """Table of an experiment; ``suffix`` is ``csv``, ``md`` or ``tex``."""
        return self.results / f"{experiment}.{suffix}"

    def claims(self, suffix: str) -> Path:
        """Verdicts on the claims of the paper; ``suffix`` is ``csv`` or ``md``."""
        return self.results / f"claims.{suffix}"

    @property
    def figures(self) -> Path:
        """Folder of all figures of the preset."""
        return self.top / "figures" / self.preset

    def figure(self, name: str, suffix: str) -> Path:
        """Figure ``name``; ``suffix`` is ``pdf``, ``png`` or ``csv`` (the numbers drawn)."""
        return self.figures / f"{name}.{suffix}"

    @property
    def manifest(self) -> Path:
        """Description of the whole run."""
        return self.results / "ro-crate-metadata.json"

    @property
    def report(self) -> Path:
        """The replication report of the preset."""
        return self.top / "paper" / f"replication-{self.preset}.pdf"

    @property
    def page(self) -> Path:
        """Snakemake's own report on a run that is complete."""
        return self.top / "paper" / f"workflow-{self.preset}.html"


def beside_files(preset: str | None, layout: Layout) -> dict[str, Path]:
    """Return the verdicts of another preset's run, which a report shows beside its own, if there is one."""
    return {"beside": Layout(preset, layout.top).claims("csv")} if preset else {}
