"""The lines of the table: what is measured, at which size, against what."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks import ours
from benchmarks.ours import Files, LocalRun
from benchmarks.timing import Comparison, Turns
from inference_gaps.replication.study.work import work_of
from inference_gaps.specs.bounds import AisSpec, IwaeSpec, LocalSpec
from inference_gaps.specs.train import TrainSpec

__all__ = ["LINES", "Line"]

_IMAGES, _PIXELS = 5000, 784
_NEAR = 0.05
_TRAINED = TrainSpec()


@dataclass(frozen=True)
class Line:
    """One line of the table.

    Attributes:
        what: is measured, with its unit and the precision of ours.
        size: of the problem.
        baseline: what it is measured against.
        ours, theirs: medians, in the unit.
        ratios: how many times better ours is, in each turn.
        wanted: the least median of the ratios; None if there is none.
        share: of the machine's rate of products in float32, or in the precision that ``what`` names.
        wanted_share: the limit to approach.
        agreement: what both came to, in nats.
        at_least: the baseline had not come as far when it ended, so that the ratio is a lower bound.
    """

    what: str
    size: str
    baseline: str
    ours: float
    theirs: float
    ratios: list[float]
    wanted: float | None = None
    share: float | None = None
    wanted_share: float | None = None
    agreement: str = ""
    at_least: bool = False

    @property
    def ratio(self) -> float:
        """The median of the ratios."""
        return statistics.median(self.ratios)


def _operations(stage: str, spec: TrainSpec | AisSpec | IwaeSpec) -> float:
    trained = spec if isinstance(spec, TrainSpec) else _TRAINED
    return work_of(stage, spec, trained, _PIXELS, _IMAGES).operations


def _agreement(comparison: Comparison) -> str:
    difference, error = comparison.difference()
    verdict = "equal" if abs(difference) < 3 * error else "NOT equal"
    return f"{verdict}: {difference:+.2f} ± {error:.2f} nats"


def training(turns: Turns, files: Files) -> list[Line]:
    """Epochs of a perceptron with a Gaussian posterior; its files are not looked at."""
    lines = []
    for precision in ("float32", "bfloat16"):
        spec = TrainSpec(epochs=1, warm_up_epochs=0, shuffle=True, gradient_precision=precision)
        for loader, name, wanted in ((True, "DataLoader loop", 2.5), (False, "loop in memory", 1.3)):
            compared = turns.compare(
                (ours.training, spec, _IMAGES),
                (ours.plain_training, loader, _IMAGES, spec.batch_size),
                repetitions=2 * turns.repetitions,
            )
            lines.append(
                Line(
                    f"training, images/s, {'float32' if precision == 'float32' else 'gradients in bfloat16'}",
                    f"784-200-200-2·50 and back, batch {spec.batch_size}, {_IMAGES:,} images",
                    name,
                    *compared.per_second(_IMAGES),
                    compared.ratios,
                    wanted,
                    compared.share(_operations("train", spec)),
                    0.6,
                )
            )
    return lines


def ais(turns: Turns, files: Files) -> list[Line]:
    """The same chains, with the same settings, from the prior; the baseline as it comes and with weights frozen."""
    lines = []
    for precision, wanted in (("float32", 1.8), ("bfloat16", 4.0)):
        spec = AisSpec(
            points=16, chains=50, distributions=40, adaptation="cumulative", gradient_precision=precision
        )
        for frozen, name in ((False, "autograd over the log joint"), (True, "the same, weights frozen")):
            compared = turns.compare(
                (ours.ais, files, spec),
                (ours.plain_ais, files, spec, frozen),
                precision,
                max(2, turns.repetitions // 2),
            )
            lines.append(
                Line(
                    f"AIS, chains × distributions/s, {precision} gradients",
                    f"{spec.points} images × {spec.chains} chains × {spec.distributions} distributions × "
                    f"{spec.leapfrog_steps} steps",
                    name,
                    *compared.per_second(spec.points * spec.chains * spec.distributions),
                    compared.ratios,
                    None if frozen else wanted,
                    compared.share(_operations("evaluate-ais", spec)),
                    0.7,
                    _agreement(compared),
                )
            )
    return lines


def iwae(turns: Turns, files: Files) -> list[Line]:
    """IWAE of the recognition network."""
    spec = IwaeSpec(points=8, samples=5000)
    compared = turns.compare((ours.iwae, files, spec), (ours.plain_iwae_bound, files, spec))
    return [
        Line(
            "IWAE, samples/s",
            f"{spec.points} images × {spec.samples:,} samples",
            "one image at a time",
            *compared.per_second(spec.points * spec.samples),
            compared.ratios,
            1.5,
            compared.share(_operations("evaluate-iwae", spec)),
            0.7,
            _agreement(compared),
        )
    ]


_GAUSSIAN = LocalSpec(
    family="ffg", points=64, samples=16, steps=300, learning_rate=0.03, tolerance=1e-9, max_cycles=5,
    gradient_precision="bfloat16",
)  # fmt: skip
_FLOW = LocalSpec(
    family="af", points=16, samples=32, steps=500, learning_rate=3e-3, tolerance=1e-9, max_cycles=4,
    gradient_precision="bfloat16",
)  # fmt: skip
# More steps, more samples: what is taken for the optimum, unless a run at hand ends above it.
_LONG = {
    "ffg": _GAUSSIAN.as_dict() | {"samples": 32, "steps": 500, "learning_rate": 0.02, "max_cycles": 3},
    "af": _FLOW.as_dict() | {"steps": 1000, "max_cycles": 3, "seed": 1},
}


def local(turns: Turns, files: Files) -> list[Line]:
    """Time per point until the bound is within 0.05 nats of the optimum, in the mean over points."""
    lines = []
    for spec, gaussian, plain_points, name in (
        (_GAUSSIAN, None, 2, "FFG"),
        (_FLOW, _GAUSSIAN, 1, "AF"),
    ):
        run: LocalRun = turns.ours(ours.local, files, spec, gaussian)
        long: LocalRun = turns.ours(ours.local, files, LocalSpec.model_validate(_LONG[spec.family]), gaussian)
        best = [max(pair) for pair in zip(run.bounds[-1], long.bounds[-1])]
        plain: list[LocalRun] = [
            turns.plain(ours.plain_local, files, spec.family, index, best[index] - _NEAR)
            for index in range(plain_points)
        ]
        seconds = [_until_near(each, [best[index]]) for index, each in enumerate(plain)]
        reached = _until_near(run, best)
        mine = (reached or run.seconds[-1]) / spec.points
        theirs = [near or each.seconds[-1] for near, each in zip(seconds, plain)]
        left = statistics.mean(best) - statistics.mean(run.bounds[-1])
        lines.append(
            Line(
                f"local optimisation, {name}, points/min to within {_NEAR} nats",
                f"{spec.points} images at once, {spec.samples} samples a step; baseline: {plain_points}",
                "one image at a time",
                60 / mine,
                60 / statistics.mean(theirs),
                [each / mine for each in theirs],
                20.0,
                agreement=f"ours within {_NEAR}: {'yes' if reached else f'NO, {left:.2f} left'}; baseline: "
                f"{sum(map(bool, seconds))} of {plain_points} when it ended by its rule",
                at_least=None in seconds,
            )
        )
    return lines


def _until_near(run: LocalRun, best: list[float]) -> float | None:
    """Return the seconds until the mean over points is near that of ``best`` for the first time; None if never."""
    wanted = statistics.mean(best) - _NEAR
    pairs = zip(run.seconds, run.bounds)
    return next((seconds for seconds, bounds in pairs if statistics.mean(bounds) >= wanted), None)


def log_p(turns: Turns, files: Files) -> list[Line]:
    """AIS from q*_FFG, its optimisation included, against long chains from the prior, both ours."""
    spec = AisSpec(
        points=64, chains=16, distributions=100, schedule="sigmoidal", adaptation="preliminary",
        start="local-ffg", gradient_precision="bfloat16",
    )  # fmt: skip
    gaussian = LocalSpec.model_validate(_GAUSSIAN.as_dict() | {"tolerance": 0.01})
    long = AisSpec(points=2, chains=100, distributions=5000, adaptation="preliminary")
    turns.ours(ours.log_p, files, AisSpec.model_validate(spec.as_dict() | {"distributions": 5}), gaussian)
    mine = turns.ours(ours.log_p, files, spec, gaussian)
    theirs = turns.ours(ours.ais, files, long)
    each = mine.seconds / spec.points, theirs.seconds / long.points
    pairs = list(zip(mine.values, theirs.values))
    tighter = statistics.mean(a - b for a, b in pairs)
    squares = [a * a + b * b for a, b in zip(mine.errors, theirs.errors)]
    error = sum(squares) ** 0.5 / len(pairs)
    return [
        Line(
            "log p(x), points/min",
            f"{spec.points} images: q*_FFG, then {spec.chains} chains × {spec.distributions} distributions from it",
            f"our {long.chains} chains × {long.distributions:,} distributions from the prior, {long.points} images",
            60 / each[0],
            60 / each[1],
            [each[1] / each[0]],
            50.0,
            agreement=f"{'as tight' if tighter > -3 * error else 'LESS tight'}: {tighter:+.2f} ± {error:.2f} nats",
        )
    ]


LINES: dict[str, Callable[[Turns, Files], list[Line]]] = {
    "training": training,
    "ais": ais,
    "iwae": iwae,
    "local": local,
    "log-p": log_p,
}
