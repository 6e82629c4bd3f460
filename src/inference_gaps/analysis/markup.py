"""A table in the paper's layout as Markdown and as LaTeX."""

import itertools

from inference_gaps.analysis.paper_table import PaperTable
from inference_gaps.posteriors.registry import FAMILIES

__all__ = ["to_latex", "to_markdown"]

_STARRED = "q\\*<sub>{}</sub>"
_MARKDOWN = {
    "log_p_best": "log p̂(x)",
    "log_p_estimator": "from",
    "log_p_paper": "log p̂(x)",
    **{f"elbo_local_{entry.key}": f"L[{_STARRED.format(entry.label)}]" for entry in FAMILIES.values()},
    "elbo_amortized": "L[q]",
    "approximation_gap": "Approximation gap",
    "amortization_gap": "Amortization gap",
    "inference_gap": "Inference gap",
    "approximation_gap_paper": "Approximation gap",
    "inference_gap_paper": "Inference gap",
    "iwae_amortized": "IWAE, q",
    **{f"iwae_local_{entry.key}": f"IWAE, {_STARRED.format(entry.label)}" for entry in FAMILIES.values()},
    "ais_prior": "AIS from the prior",
    "ais_local_ffg": f"AIS from {_STARRED.format('FFG')}",
    "bdmc_prior": "from the prior",
    "bdmc_local_ffg": f"from {_STARRED.format('FFG')}",
}
_LATEX_SIGNS = {
    **{sign: "\\" + sign for sign in "&%$#_{}"},
    "−": "$-$",
    "±": "$\\pm$",
    "†": "\\textsuperscript{\\dag}",
    "‡": "\\textsuperscript{\\ddag}",
    "§": "\\textsuperscript{\\S}",
    "×": "$\\times$",
    "÷": "$\\div$",
}


def _latex_text(text: str) -> str:
    return "".join(_LATEX_SIGNS.get(sign, sign) for sign in text)


def _latex_label(quantity: str) -> str:
    label = _MARKDOWN[quantity].replace("log p̂(x)", "$\\log\\hat p(x)$").replace("L[q]", "$\\mathcal{L}[q]$")
    for entry in FAMILIES.values():
        starred, latex = _STARRED.format(entry.label), f"q^*_{{\\mathrm{{{entry.label}}}}}"
        label = label.replace(f"L[{starred}]", f"$\\mathcal{{L}}[{latex}]$").replace(starred, f"${latex}$")
    return label


def to_markdown(table: PaperTable) -> str:
    """Return ``table`` as Markdown: a heading, one table, the notes as a list."""
    headings = [
        "published" if column.published else f"{column.group}, {column.heading}" for column in table.columns
    ]
    lines = [f"# {table.title}", "", "| | " + " | ".join(headings) + " |"]
    lines.append("|---|" + "---:|" * len(headings))
    for section in table.sections:
        lines.append(f"| **{section.title}** |" + " |" * len(headings))
        for quantity, cells in section.rows:
            text = " | ".join(cell.replace("*", "\\*") for cell in cells)
            lines.append(f"| {_MARKDOWN[quantity]} | {text} |")
    lines += ["", *(f"- {note.replace('*', chr(92) + '*')}" for note in table.notes), ""]
    return "\n".join(lines)


def _spanning(labels: list[str]) -> str:
    groups = [(label, len(list(run))) for label, run in itertools.groupby(labels)]
    return " & ".join(f"\\multicolumn{{{width}}}{{c}}{{{_latex_text(label)}}}" for label, width in groups)


def to_latex(table: PaperTable) -> str:
    """Return ``table`` as a LaTeX ``tabular`` (packages booktabs and amsmath), the notes below it."""
    count = len(table.columns)
    headings = ["published" if column.published else column.heading for column in table.columns]
    lines = [
        f"% {table.title}",
        f"\\begin{{tabular}}{{l{'r' * count}}}",
        "\\toprule",
        f" & {_spanning([column.group for column in table.columns])} \\\\",
        " & " + " & ".join(_latex_text(heading) for heading in headings) + " \\\\",
    ]
    for section in table.sections:
        lines += [
            "\\midrule",
            f"\\multicolumn{{{count + 1}}}{{l}}{{\\emph{{{_latex_text(section.title)}}}}} \\\\",
        ]
        for quantity, cells in section.rows:
            lines.append(
                f"{_latex_label(quantity)} & " + " & ".join(_latex_text(cell) for cell in cells) + " \\\\"
            )
    lines += ["\\bottomrule", "\\end{tabular}", ""]
    lines += [f"\\par\\footnotesize {_latex_text(note)}" for note in table.notes]
    return "\n".join(lines) + "\n"
