"""Tables as Markdown and as LaTeX: in the paper's layout, or with one line per model."""

import itertools

import pandas as pd

from inference_gaps.replication.analysis.model_table import LOCAL, ModelTable, model_table
from inference_gaps.replication.analysis.paper_table import Block, PaperTable, paper_table
from inference_gaps.replication.analysis.table import ACTIVE_UNITS
from inference_gaps.replication.specs.tables import TableSpec
from inference_gaps.specs.families import FAMILIES

__all__ = ["laid_out", "to_latex", "to_markdown"]

_STARRED = "q\\*<sub>{}</sub>"
_MARKDOWN = {
    "log_p_best": "log p̂(x)",
    "log_p_estimator": "from",
    "log_p_paper": "log p̂(x)",
    **{f"elbo_local_{entry.key}": f"L[{_STARRED.format(entry.label)}]" for entry in FAMILIES.values()},
    LOCAL: "L[q\\*]",
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
    ACTIVE_UNITS: "Active units",
    "bdmc_prior": "from the prior",
    "bdmc_local_ffg": f"from {_STARRED.format('FFG')}",
}
_LATEX_SIGNS = {
    **{sign: "\\" + sign for sign in "&%$#_{}"},
    "−": "$-$",
    "±": "$\\pm$",
    "≥": "$\\geq$",
    "†": "\\textsuperscript{\\dag}",
    "‡": "\\textsuperscript{\\ddag}",
    "§": "\\textsuperscript{\\S}",
    "×": "$\\times$",
    "÷": "$\\div$",
}


def laid_out(
    spec: TableSpec, table: pd.DataFrame, published: pd.DataFrame, reproductions: pd.DataFrame
) -> PaperTable | ModelTable:
    """Lay a tidy table out: like the paper's where the paper has one, and otherwise with one line per model."""
    if spec.published is None:
        return model_table(spec, table, reproductions)
    return paper_table(spec, table, published, reproductions)


def _latex_text(text: str) -> str:
    return "".join(_LATEX_SIGNS.get(sign, sign) for sign in text)


def _latex_label(quantity: str) -> str:
    label = _MARKDOWN[quantity].replace("log p̂(x)", "$\\log\\hat p(x)$").replace("L[q]", "$\\mathcal{L}[q]$")
    label = label.replace("L[q\\*]", "$\\mathcal{L}[q^*]$")
    for entry in FAMILIES.values():
        starred, latex = _STARRED.format(entry.label), f"q^*_{{\\mathrm{{{entry.label}}}}}"
        label = label.replace(f"L[{starred}]", f"$\\mathcal{{L}}[{latex}]$").replace(starred, f"${latex}$")
    return label


def to_markdown(table: PaperTable | ModelTable) -> str:
    """Return ``table`` as Markdown: a heading, its rows (in the paper's layout by data set), a list of notes."""
    if isinstance(table, ModelTable):
        rows = [*_models_markdown(table), ""]
    else:
        rows = [line for block in table.blocks for line in (*_block_markdown(block), "")]
    notes = [f"- {_escaped(note)}" for note in table.notes]
    return "\n".join([f"# {table.title}", "", *rows, *notes, ""])


def _escaped(text: str) -> str:
    return text.replace("*", "\\*")


def _block_markdown(block: Block) -> list[str]:
    headings = [f"{column.model}: {column.heading}" for column in block.columns]
    lines = [
        f"| **{_escaped(block.title)}** | " + " | ".join(headings) + " |",
        "|---|" + "---:|" * len(headings),
    ]
    for section in block.sections:
        lines.append(f"| **{section.title}** |" + " |" * len(headings))
        for quantity, cells in section.rows:
            text = " | ".join(_escaped(cell) for cell in cells)
            lines.append(f"| {_MARKDOWN[quantity]} | {text} |")
    return lines


def _models_markdown(table: ModelTable) -> list[str]:
    headings = [_MARKDOWN[quantity] for quantity in table.quantities]
    lines = ["| | " + " | ".join(headings) + " |", "|---|" + "---:|" * len(headings)]
    for group in table.groups:
        lines.append(f"| **{_escaped(group.title)}** |" + " |" * len(headings))
        lines += [f"| {_escaped(name)} | " + " | ".join(cells) + " |" for name, cells in group.rows]
    return lines


def _spanning(labels: list[str]) -> str:
    groups = [(label, len(list(run))) for label, run in itertools.groupby(labels)]
    return " & ".join(f"\\multicolumn{{{width}}}{{c}}{{{_latex_text(label)}}}" for label, width in groups)


def to_latex(table: PaperTable | ModelTable) -> str:
    """Return ``table`` as LaTeX (packages booktabs and amsmath), the notes below it.

    It is one ``tabular``, or in the paper's layout one per data set.
    """
    lines = [f"% {table.title}"]
    if isinstance(table, ModelTable):
        lines += _tabular(len(table.quantities), _models_latex(table))
    else:
        lines += [
            line for block in table.blocks for line in _tabular(len(block.columns), _block_latex(block))
        ]
    lines += [f"\\par\\footnotesize {_latex_text(note)}" for note in table.notes]
    return "\n".join(lines) + "\n"


def _tabular(columns: int, rows: list[str]) -> list[str]:
    begin = [f"\\begin{{tabular}}{{l{'r' * columns}}}", "\\toprule"]
    return [*begin, *rows, "\\bottomrule", "\\end{tabular}", ""]


def _latex_group(title: str, columns: int) -> list[str]:
    return ["\\midrule", f"\\multicolumn{{{columns}}}{{l}}{{\\emph{{{_latex_text(title)}}}}} \\\\"]


def _models_latex(table: ModelTable) -> list[str]:
    lines = [" & " + " & ".join(_latex_label(quantity) for quantity in table.quantities) + " \\\\"]
    for group in table.groups:
        lines += _latex_group(group.title, len(table.quantities) + 1)
        for name, cells in group.rows:
            lines.append(" & ".join(_latex_text(text) for text in (name, *cells)) + " \\\\")
    return lines


def _block_latex(block: Block) -> list[str]:
    headings = [column.heading for column in block.columns]
    lines = [
        f"{_latex_text(block.title)} & {_spanning([column.model for column in block.columns])} \\\\",
        " & " + " & ".join(_latex_text(heading) for heading in headings) + " \\\\",
    ]
    for section in block.sections:
        lines += _latex_group(section.title, len(block.columns) + 1)
        for quantity, cells in section.rows:
            lines.append(
                f"{_latex_label(quantity)} & " + " & ".join(_latex_text(cell) for cell in cells) + " \\\\"
            )
    return lines
