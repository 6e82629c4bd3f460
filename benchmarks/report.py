"""The table in print, as CSV and as Markdown, and the figure."""

import os
import platform
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import pandas as pd

from benchmarks.lines import Line
from benchmarks.pipeline import PipelineLine
from inference_gaps.replication.figures.style import TEXT_WIDTH, figure_style

__all__ = ["as_markdown", "draw_scaling", "machine", "table", "write_tables"]

_LOOK = {
    "plain": ("plain code, float32", "#8c8c8c", "^", ":"),
    "float32": ("float32", "#0072b2", "o", "-"),
    "bfloat16": ("gradients in bfloat16", "#000000", "s", "-"),
}
_TICKS = [digit * 10.0**power for power in range(1, 9) for digit in (1, 2, 5)]


def machine(threads: int) -> str:
    """Say what was measured on: processor, cores, threads, and how busy it was before."""
    cpu = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        names = [
            line for line in information.read_text(encoding="utf-8").splitlines() if "model name" in line
        ]
        cpu = names[0].partition(": ")[2] if names else cpu
    load = f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "load unknown"
    return f"{cpu}, {os.cpu_count()} cores, {threads} thread{'s' if threads > 1 else ''} each, {load} at the start"


def table(lines: Sequence[Line]) -> pd.DataFrame:
    """Return the lines as a table, one row each."""
    return pd.DataFrame(
        [
            {
                "what": line.what,
                "baseline": line.baseline,
                "ours": line.ours,
                "theirs": line.theirs,
                "ratio_median": line.ratio,
                "ratio_min": min(line.ratios),
                "ratio_max": max(line.ratios),
                "turns": len(line.ratios),
                "ratio_is_at_least": line.at_least,
                "ratio_wanted": line.wanted,
                "share_of_products": line.share,
                "share_wanted": line.wanted_share,
                "agreement": line.agreement,
                "size": line.size,
            }
            for line in lines
        ]
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def as_markdown(lines: Sequence[Line], pipeline: Sequence[PipelineLine]) -> str:
    """Return the table for a page: ratios are medians, their range behind them."""
    rows = [
        "| what | ours | baseline | ratio (range) | wanted | share of product rate (limit) | same result |",
        "|---|---:|---|---:|---:|---:|---|",
    ]
    for line in lines:
        spread = f" ({min(line.ratios):.3g} – {max(line.ratios):.3g})" if len(line.ratios) > 1 else ""
        wanted = f"{line.wanted:g}" if line.wanted else ""
        least = "≥ " if line.at_least else ""
        share = f"{line.share:.0%} ({line.wanted_share:.0%})" if line.share and line.wanted_share else ""
        rows.append(
            f"| {line.what} | {_number(line.ours)} | {line.baseline}: {_number(line.theirs)} | "
            f"**{least}{line.ratio:.3g}**{spread} | {wanted} | {share} | {line.agreement} |"
        )
    rows += [f"| {line.what} | {line.found} | | | {line.allowed} | | |" for line in pipeline]
    return "\n".join(rows) + "\n"


def write_tables(
    folder: Path, lines: Sequence[Line], pipeline: Sequence[PipelineLine], rates: pd.DataFrame, on: str
) -> None:
    """Write ``bench.csv``, ``pipeline.csv``, ``products.csv`` and ``bench.md``."""
    folder.mkdir(parents=True, exist_ok=True)
    table(lines).assign(machine=on).to_csv(folder / "bench.csv", index=False)
    pd.DataFrame([vars(line) for line in pipeline]).to_csv(folder / "pipeline.csv", index=False)
    rates.to_csv(folder / "products.csv", index=False)
    (folder / "bench.md").write_text(f"{on}\n\n{as_markdown(lines, pipeline)}", encoding="utf-8")


def draw_scaling(measured: pd.DataFrame, prefix: Path) -> None:
    """Draw rates against size, one panel per quantity, and write ``prefix`` + ``.pdf``, ``.png`` and ``.csv``."""
    mpl.use("agg")
    from matplotlib import pyplot as plt

    quantities = list(dict.fromkeys(measured["quantity"]))
    with figure_style():
        figure, axes = plt.subplots(
            1, len(quantities), figsize=(TEXT_WIDTH, 2.3), sharey=True, layout="constrained"
        )
        for axis, quantity in zip(axes, quantities):
            for procedure, (label, colour, marker, dashes) in _LOOK.items():
                chosen = measured[(measured["quantity"] == quantity) & (measured["procedure"] == procedure)]
                axis.plot(
                    chosen["size"],
                    chosen["per_second"],
                    dashes,
                    color=colour,
                    marker=marker,
                    ms=3.5,
                    label=label,
                )
                if procedure != "plain":
                    axis.plot(chosen["size"], chosen["limit"], "--", color=colour, lw=0.6)
            axis.set(xscale="log", yscale="log", xlabel=quantity)
            axis.set_xticks(sorted(set(measured[measured["quantity"] == quantity]["size"])))
            axis.get_xaxis().set_major_formatter(mpl.ticker.ScalarFormatter())
            axis.set_yticks([tick for tick in _TICKS if axis.get_ylim()[0] <= tick <= axis.get_ylim()[1]])
            axis.get_yaxis().set_major_formatter(mpl.ticker.StrMethodFormatter("{x:,.0f}"))
            axis.minorticks_off()
        axes[0].set_ylabel("chains × distributions per second")
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=3)
        for suffix, hidden in (("pdf", {"CreationDate": None}), ("png", {"Software": None})):
            figure.savefig(f"{prefix}.{suffix}", metadata=hidden)
        plt.close(figure)
    measured.to_csv(f"{prefix}.csv", index=False)
