"""Whether the data sets of a study have as many images as it asks for, where that is known before a run."""

import gzip
import lzma
import math
from collections.abc import Mapping
from pathlib import Path

from inference_gaps.errors import UserError, counted
from inference_gaps.replication.data.image_files import image_names, names_below
from inference_gaps.replication.data.raw_files import find_file, opened
from inference_gaps.replication.specs.data import DatasetSpec, PrepareSpec
from inference_gaps.replication.specs.models import SamplesSpec, UnitsSpec
from inference_gaps.replication.study.jobs import Job, Jobs
from inference_gaps.replication.study.raw_sources import Source
from inference_gaps.specs.bounds import PointsSpec
from inference_gaps.specs.train import TrainSpec

__all__ = ["amount_problems", "part_sizes"]

_CIFAR = {"train": 50_000, "test": 10_000}


def amount_problems(jobs: Jobs, sources: Mapping[str, Source]) -> list[str]:
    """Return a sentence for each split that has fewer images than a job of the study reads of it."""
    sizes: dict[Path, Mapping[str, int]] = {}
    parts: dict[str, Mapping[str, int]] = {}
    problems: list[str] = []
    for job in jobs.of("prepare-data"):
        output = job.outputs["output"]
        name = output.stem.rpartition("-")[0]
        if name not in parts:
            try:
                parts[name] = part_sizes(sources[name].dataset, sources[name].folder)
            except UserError as error:
                parts[name] = {}
                problems.append(str(error))
        assert isinstance(job.spec, PrepareSpec)
        sizes[output] = {}
        for split, cut in job.spec.dataset.splits.items():
            there = parts[name].get(cut.part)
            stop = cut.stop if there is None else cut.stop or there
            if there is not None and not cut.start < (stop or 0) <= there:
                problems.append(
                    f"config/datasets.yaml: datasets.{name}.splits.{split} wants images {cut.start} to {stop} of "
                    f"the part {cut.part}, which has {there}; correct start and stop."
                )
            elif stop is not None:
                sizes[output] = {**sizes[output], split: stop - cut.start}
    for job in jobs:
        data = job.inputs.get("data")
        problems += _problem(job, data.stem, sizes[data]) if data in sizes else []
    return list(dict.fromkeys(problems))


def _problem(job: Job, data: str, sizes: Mapping[str, int]) -> list[str]:
    spec = job.spec
    if isinstance(spec, TrainSpec) and spec.batch_size > sizes.get("train", spec.batch_size):
        images = counted(sizes["train"], "training image")
        return [
            f"training.batch_size is {spec.batch_size}, but {data} has {images}; write at most {sizes['train']}."
        ]
    if not isinstance(spec, PointsSpec):
        return []
    there = sizes.get(spec.split, spec.points)
    if isinstance(spec, UnitsSpec):
        few = f"{data} has 1 image in its split {spec.split}, and activity is a variance over images; write "
        return [f"{few} active_units: false, or another split."] if there < 2 else []
    if spec.points > there:
        asked, remedy = (
            f"points is {spec.points}",
            "lower points for this data set, or use a larger copy of it",
        )
        if isinstance(spec, SamplesSpec):
            asked, remedy = (
                f"figures show {counted(spec.points, 'image')} of a split",
                "use a larger copy of the data set",
            )
        return [f"{asked}, but {data} has {counted(there, 'image')} in its split {spec.split}; {remedy}."]
    return []


def part_sizes(dataset: DatasetSpec, folder: Path) -> dict[str, int]:
    """Return how many images the parts of a data set have, those of which that can be told without reading them.

    Raises:
        UserError: a folder of images holds something else, or cannot be read.
    """
    if dataset.format == "cifar-binary":
        return dict(_CIFAR)
    try:
        if not dataset.files:
            images = image_names(names_below(folder), str(folder)) if folder.is_dir() else {}
            return {part: len(names) for part, names in images.items()} | (
                {part: 0 for part in ("train", "validation", "test") if part not in images} if images else {}
            )
    except OSError as error:
        raise UserError(f"{error.filename} cannot be read ({error.strerror}); make it readable.") from error
    found: dict[str, int] = {}
    for part in {file.part for file in dataset.files}:
        counts = [
            _count(path, dataset)
            for path in (find_file(folder, file) for file in dataset.files if file.part == part)
            if path
        ]
        known = [count for count in counts if count is not None]
        if known and len(known) == sum(file.part == part for file in dataset.files):
            found[part] = sum(known)
    return found


def _count(path: Path, dataset: DatasetSpec) -> int | None:
    """Return how many images a file says that it holds; ``None`` where it does not."""
    try:
        if dataset.format == "idx":
            with opened(path) as content:
                start = content.read(8)
            return int.from_bytes(start[4:], "big") if len(start) == 8 else None
        if dataset.format == "amat" and path.suffix not in (".gz", ".xz"):
            return path.stat().st_size // (2 * math.prod(dataset.shape))
    except (OSError, EOFError, gzip.BadGzipFile, lzma.LZMAError):
        pass
    return None
