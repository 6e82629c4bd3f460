"""Write the verdicts and the gaps of a finished run, and the last benchmark, into README.md between their marks.

    python scripts/readme_results.py [PRESET]

A test holds README.md against what this writes, so that no number in these tables is typed by hand.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from inference_gaps.errors import UserError
from inference_gaps.replication.analysis.claims_layout import details, overview
from inference_gaps.replication.analysis.paper_table import PaperTable, paper_table
from inference_gaps.replication.analysis.published import read_published
from inference_gaps.replication.analysis.table import read_table
from inference_gaps.replication.artifacts.files import read_values
from inference_gaps.specs.claims import ClaimsSpec
from inference_gaps.specs.table import TableSpec

__all__ = ["between_marks", "parts"]

_QUANTITIES = {
    "log_p_best": "log p(x)",
    "approximation_gap": "approximation gap",
    "amortization_gap": "amortization gap",
}


def _table(head: list[str], rows: Iterable[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows))


def _verdicts(spec: ClaimsSpec, table: pd.DataFrame) -> str:
    """One line per claim: its verdict, and by data set the verdict with the statistics that decide it."""
    titles = [dataset.title for dataset in spec.datasets]
    rows = []
    for claim, of_claim in zip(overview(spec, table), details(spec, table), strict=True):
        judged = [record for record in of_claim["statistics"] if record["verdict"] != "shown"]
        numbers = [
            "; ".join(each["value"] for each in judged if each["dataset"] == title) for title in titles
        ]
        cells = [": ".join(filter(None, pair)) for pair in zip(claim["verdicts"], numbers, strict=True)]
        rows.append([f"{claim['id']} {claim['title']}", f"**{claim['verdict']}**", *cells])
    return _table(["claim of the paper", "verdict", *titles], rows)


def _gaps(table: PaperTable) -> str:
    """One line per model: what is published, and what this run has, side by side."""
    tightest = dict(table.sections[0].rows)
    head = [words for name in _QUANTITIES.values() for words in (f"{name}: published", "here")]
    rows = [
        [f"{here.group}, {here.heading}"]
        + [tightest[quantity][index + step] for quantity in _QUANTITIES for step in (1, 0)]
        for index, here in enumerate(table.columns)
        if not here.published
    ]
    return _table(["model", *head], rows)


def _results_of(top: Path, preset: str) -> str:
    """Return the two tables, verdicts by claim and gaps by model, of what lies in ``results/preset``."""
    claims, judged = read_values(top / "results" / preset / "claims.csv")
    table, made_by = read_table(top / "results" / preset / "table2.csv")
    published = read_published(top / "paper" / "published.csv")
    gaps = paper_table(TableSpec.model_validate(made_by["spec"]), table, published)
    return f"{_verdicts(ClaimsSpec.model_validate(judged['spec']), claims)}\n\n{_gaps(gaps)}"


def parts(top: Path, preset: str) -> dict[str, str]:
    """Return what README.md shows between the marks of each name."""
    bench = (top / "docs" / "benchmarks" / "bench.md").read_text(encoding="utf-8")
    return {"results": _results_of(top, preset), "bench": bench.strip()}


def between_marks(text: str, name: str) -> tuple[str, str, str]:
    """Return the text up to the first mark of ``name``, what stands between the marks, and the rest."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, _, rest = text.partition(begin)
    shown, _, after = rest.partition(end)
    return before + begin, shown.strip(), end + after


def main() -> None:
    """Rewrite README.md."""
    top = Path(__file__).parents[1]
    readme = top / "README.md"
    text = readme.read_text(encoding="utf-8")
    try:
        shown = parts(top, sys.argv[1] if len(sys.argv) > 1 else "laptop")
    except UserError as error:
        sys.exit(f"readme_results: {error}")
    for name, content in shown.items():
        before, _, after = between_marks(text, name)
        text = f"{before}\n{content}\n{after}"
    readme.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
