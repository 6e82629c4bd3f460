"""The table of the self-check as texts: for Markdown, the terminal and the report."""

import pandas as pd

from inference_gaps.replication.analysis.selfcheck import (
    AT_LEAST,
    AT_MOST,
    EQUALS,
    FAILURES,
    MOST_NATS,
    MOST_STANDARD_ERRORS,
)
from inference_gaps.replication.analysis.table_text import ESTIMATOR_WORDS, signed
from inference_gaps.specs.families import FAMILIES

__all__ = ["HEADINGS", "selfcheck_cells", "selfcheck_markdown", "selfcheck_summary", "selfcheck_text"]

HEADINGS = ("Model", "Quantity", "From", "Exact", "Estimated", "Error", "s.e.", "Error / s.e.", "Verdict")

_QUANTITIES = {
    "log_p_best": "log p(x), tightest",
    "largest_per_point": "log p(x), largest at each point",
    "elbo_amortized": "L[q]",
    **{f"elbo_local_{entry.key}": f"L[q* {entry.label}]" for entry in FAMILIES.values()},
    "approximation_gap": "approximation gap",
    "amortization_gap": "amortization gap",
    "inference_gap": "inference gap",
    "bdmc_forward": "log p(x), forward AIS, simulated",
    "bdmc_reverse": "log p(x), reverse AIS, simulated",
}
_SIGNS = {EQUALS: "", AT_MOST: "≤ ", AT_LEAST: "≥ "}


def _verdict(line: pd.Series) -> str:
    failed = (line["relation"], line["verdict"]) in FAILURES
    return f"{line['verdict']} – FAILED" if failed else str(line["verdict"])


def selfcheck_cells(table: pd.DataFrame) -> list[tuple[str, ...]]:
    """Return one row of texts per line of the tidy table, in the order of :data:`HEADINGS`.

    An exact value that only bounds the estimate carries a sign that says on which side the estimate must be.
    """
    cells: list[tuple[str, ...]] = []
    for _, line in table.iterrows():
        quantity, estimator = str(line["quantity"]), line["estimator"]
        named = ESTIMATOR_WORDS.get(str(estimator), "")
        cells.append(
            (
                str(line["model"]),
                _QUANTITIES.get(quantity, "log p(x)"),
                "" if quantity.startswith("elbo_") else named,
                _SIGNS.get(line["relation"], "") + signed(line["exact"], 4),
                signed(line["estimated"], 4),
                signed(line["error"], 4),
                f"{line['standard_error']:.4f}{' (loose)' if line['loose'] else ''}",
                signed(line["standard_errors_off"], 1),
                _verdict(line),
            )
        )
    return cells


def selfcheck_summary(table: pd.DataFrame) -> str:
    """Say in one sentence how many estimates hit and what was asked of them."""
    judged = table[table["verdict"] != "not used"]
    failed = sum((line["relation"], line["verdict"]) in FAILURES for _, line in judged.iterrows())
    outcome = "All hold" if not failed else f"{failed} of them do not hold"
    return (
        f"{len(judged)} estimates are compared with exact answers of {table['model'].nunique()} models. "
        f"An equality must hold within {MOST_STANDARD_ERRORS:g} standard errors and {MOST_NATS:g} nats, "
        f"a bound within {MOST_STANDARD_ERRORS:g} standard errors. {outcome}."
    )


def selfcheck_markdown(title: str, table: pd.DataFrame) -> str:
    """Return the table as Markdown, with its sentence."""
    lines = [f"# {title}", "", selfcheck_summary(table), "", f"| {' | '.join(HEADINGS)} |"]
    lines.append("|---|---|---|" + "---:|" * 5 + "---|")
    lines += [
        f"| {' | '.join(cell.replace('*', chr(92) + '*') for cell in row)} |"
        for row in selfcheck_cells(table)
    ]
    return "\n".join(
        [
            *lines,
            "",
            "Nats; means over data points. ≤ and ≥: a bound, and its side of the exact value. (loose): too few "
            "importance weights count for the standard error to be trusted where no answer is known.",
            "",
        ]
    )


def selfcheck_text(table: pd.DataFrame) -> str:
    """Return the table in columns for a terminal."""
    rows = [HEADINGS, *selfcheck_cells(table)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    texts = (3, len(HEADINGS) - 1)

    def aligned(column: int, cell: str) -> str:
        return (
            cell.ljust(widths[column])
            if column < texts[0] or column == texts[1]
            else cell.rjust(widths[column])
        )

    lines = ["  ".join(aligned(i, cell) for i, cell in enumerate(row)).rstrip() for row in rows]
    return "\n".join([*lines, "", selfcheck_summary(table)])
