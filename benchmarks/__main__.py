"""Measure, print the table, write it and the figure.

    python -m benchmarks [--lines training ais iwae local log-p] [--threads 1] [--repetitions 5] [--output FOLDER]

Takes about ten minutes on two cores, most of them for the baselines. docs/benchmarks.md explains each line.
"""

import argparse
import tempfile
import time
from pathlib import Path

import pandas as pd

from benchmarks.lines import LINES, Line
from benchmarks.ours import Files, prepare
from benchmarks.pipeline import pipeline
from benchmarks.report import as_markdown, draw_scaling, machine, write_tables
from benchmarks.scaling import scaling
from benchmarks.timing import PRODUCTS, Turns, product_rate

_TOP = Path(__file__).parents[1]


def _show(line: Line) -> None:
    spread = f"{min(line.ratios):.2f} to {max(line.ratios):.2f}, {len(line.ratios)} turns"
    wanted = f", wanted {line.wanted:g}" if line.wanted else ""
    share = f"; {line.share:.0%} of the product rate, limit {line.wanted_share:.0%}" if line.share else ""
    print(f"{line.what}\n    {line.size}")
    print(f"    ours {line.ours:,.4g}   {line.baseline} {line.theirs:,.4g}")
    print(f"    ratio {'at least ' if line.at_least else ''}{line.ratio:.2f} ({spread}){wanted}{share}")
    if line.agreement:
        print(f"    {line.agreement}")
    print(flush=True)


def _products(turns: Turns) -> pd.DataFrame:
    rows = [
        (*shape, precision, turns.ours(product_rate, precision, shape))
        for shape in PRODUCTS
        for precision in ("float32", "bfloat16")
    ]
    rates = pd.DataFrame(rows, columns=["rows", "inputs", "outputs", "precision", "operations_per_second"])
    print("matrix products, 10^9 operations/s, rows × inputs → outputs:")
    for shape, group in rates.groupby(["rows", "inputs", "outputs"]):
        each = ", ".join(
            f"{row.precision} {row.operations_per_second / 1e9:,.0f}" for row in group.itertuples()
        )
        print(f"    {shape[0]:4d} × {shape[1]:3d} → {shape[2]:3d}: {each}")
    print(flush=True)
    return rates


def _positive(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if not number:
        raise argparse.ArgumentTypeError(f"is {text!r}; write a whole number above zero")
    return number


def main() -> None:
    """Run; see the module."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lines", nargs="*", choices=list(LINES), default=list(LINES))
    parser.add_argument("--no-scaling", action="store_true", help="no figure")
    parser.add_argument(
        "--threads", type=_positive, default=1, help="CPU threads of ours and of the baselines"
    )
    parser.add_argument(
        "--repetitions", type=_positive, default=5, help="turns of short comparisons; others take fewer"
    )
    parser.add_argument("--output", type=Path, default=_TOP / "results" / "bench", help="folder to write to")
    options = parser.parse_args()
    started, on = time.perf_counter(), machine(options.threads)
    print(f"{on}\n")
    lines: list[Line] = []
    with tempfile.TemporaryDirectory() as folder, Turns(options.threads, options.repetitions) as turns:
        files: Files = turns.ours(prepare, Path(folder))
        rates = _products(turns)
        for name in options.lines:
            for line in LINES[name](turns, files):
                _show(line)
                lines.append(line)
        around = pipeline(_TOP)
        write_tables(options.output, lines, around, rates, on)
        if not options.no_scaling:
            draw_scaling(scaling(turns), options.output / "scaling")
    print(as_markdown(lines, around))
    print(f"{time.perf_counter() - started:.0f} s; written to {options.output}")


if __name__ == "__main__":
    main()
