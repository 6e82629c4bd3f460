"""What the authors' procedure of local optimisation changes, from values of ``compare-local``."""

from collections.abc import Sequence

from inference_gaps.replication.analysis.table_text import estimate
from inference_gaps.replication.artifacts.checks import values_of
from inference_gaps.replication.artifacts.layout import Layout
from inference_gaps.replication.specs.documents import ComparedModelSpec
from inference_gaps.summary.intervals import mean_interval

__all__ = ["procedure_effects"]

_DIFFERENCES = {"D2": ("copies", "shared"), "D4": ("shared", "ours")}
"""By number of a deviation: L[q*] of the first less that of the second is its effect."""
_WORDS = {
    "D2": "L[q*], one copy per sample − one set per image, both by the authors' start and rule",
    "D4": "L[q*], one set by the authors' start, rate, gradient and rule − ours",
}
_COLUMNS = ("point", "value", "standard_error", "steps", "passes")


def procedure_effects(compared: Sequence[ComparedModelSpec], layout: Layout) -> dict[str, str]:
    """Return, by the number of a deviation, what was measured of it: nats, with 95 % intervals between images.

    The differences are those of each image. A procedure that did not end by its rule is marked *cut off*.

    Raises:
        UserError: a file is missing, damaged, or of another kind.
    """
    found: dict[str, list[str]] = {}
    for each in compared:
        path = layout.procedures(each.model, each.seed, each.split)
        values, made_by = values_of(path, "compare-local", _COLUMNS, ("procedure",))
        table = values.pivot_table(index="point", columns="procedure", values="value")
        stopped = {"ours": True, **made_by["summary"]["stopped"]}
        steps = {
            name: f"{count:,}" + ("" if stopped[name] else " (cut off)")
            for name, count in values.groupby("procedure")["steps"].first().items()
        }
        rate = made_by["spec"]["learning_rate"]
        for number, (first, second) in _DIFFERENCES.items():
            interval = mean_interval((table[first] - table[second]).to_numpy())
            shown = estimate(interval.mean, interval.low, interval.high, 3)
            found.setdefault(number, []).append(
                f"{each.dataset_title}, {each.label or each.model}: {shown} at {len(table)} images, "
                f"after {steps[first]} and {steps[second]} steps, the authors' at rate {rate:g}"
            )
    return {number: f"{_WORDS[number]}: {'; '.join(parts)}" for number, parts in found.items()}
