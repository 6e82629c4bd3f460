"""Write what finished runs found into README.md, between marks that name what and which preset.

    python scripts/readme_results.py

A test holds README.md against what this writes, so that no number in these tables is typed by hand.
"""

import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from inference_gaps.errors import UserError
from inference_gaps.replication.analysis.claims_layout import overview
from inference_gaps.replication.analysis.paper_table import OURS, PAPER, Block, PaperTable, paper_table
from inference_gaps.replication.analysis.published import read_published
from inference_gaps.replication.analysis.reproductions import read_reproductions
from inference_gaps.replication.analysis.table import read_table
from inference_gaps.replication.analysis.table_text import signed
from inference_gaps.replication.analysis.verdicts import (
    DIRECTION_ONLY,
    INCONCLUSIVE,
    NOT_REPLICATED,
    NOT_RUN,
    REPLICATED,
)
from inference_gaps.replication.artifacts.files import read_provenance, read_values
from inference_gaps.replication.specs.claims import ClaimsSpec
from inference_gaps.replication.specs.tables import TableSpec

__all__ = ["between_marks", "marks", "parts"]

_QUANTITIES = {
    "log_p_best": "log p(x)",
    "approximation_gap": "approximation gap",
    "amortization_gap": "amortization gap",
}


def _table(head: list[str], rows: Iterable[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows))


_Runs = Mapping[str, tuple[ClaimsSpec, pd.DataFrame]]


def _counting(runs: _Runs) -> dict[str, tuple[str, str]]:
    """Return the verdict that counts on each claim, by its id, and its preset: of the first run that has one."""
    found: dict[str, tuple[str, str]] = {}
    for preset, (spec, table) in runs.items():
        for claim in overview(spec, table):
            if claim["verdict"] != NOT_RUN:
                found.setdefault(claim["id"], (claim["verdict"], preset))
    return found


def _summary(counting: Mapping[str, tuple[str, str]]) -> str:
    """How many claims have which verdict, in a sentence."""
    phrases = []
    for verdict in (REPLICATED, DIRECTION_ONLY, INCONCLUSIVE, NOT_REPLICATED):
        by: dict[str, list[str]] = {}
        for name, (found, preset) in counting.items():
            if found == verdict:
                by.setdefault(preset, []).append(name)
        which = "; ".join(f"{', '.join(names)} by `{preset}`" for preset, names in by.items())
        phrases.append(f"**{sum(map(len, by.values()))} {verdict}**" + (f" ({which})" if which else ""))
    return f"{len(counting)} claims of the paper are judged: {', '.join(phrases)}."


def _verdicts(runs: _Runs, counting: Mapping[str, tuple[str, str]]) -> str:
    """One line per claim: its verdict by each run, and a number per data set that decided in the first of them."""
    titles = {dataset.name: dataset.title for spec, _ in runs.values() for dataset in spec.datasets}
    found: dict[str, list[str]] = {}
    shown: dict[str, tuple[str, dict[str, pd.Series]]] = {}
    for preset, (spec, table) in runs.items():
        for claim in overview(spec, table):
            name, verdict = f"{claim['id']} {claim['title']}", claim["verdict"]
            counts = counting.get(claim["id"]) == (verdict, preset)
            found.setdefault(name, []).append(f"**{verdict}**" if counts else verdict)
            if not counts:
                continue
            of_claim = table[(table["claim"] == claim["id"]) & (table["level"] == "statistic")]
            deciding = {
                dataset.name: line
                for dataset, of_dataset in zip(spec.datasets, claim["verdicts"], strict=True)
                if (line := _deciding(of_claim[of_claim["dataset"] == dataset.name], of_dataset)) is not None
            }
            names = list(dict.fromkeys(str(line["statistic"]) for line in deciding.values()))
            shown[name] = (names[0] if len(names) == 1 else names[0].rpartition(",")[0], deciding)
    columns = [name for name in titles if any(name in deciding for _, deciding in shown.values())]
    rows = [
        [name, *found[name], shared]
        + [_plus_minus(deciding[column]) if column in deciding else "" for column in columns]
        for name, (shared, deciding) in sorted(shown.items())
    ]
    head = ["claim of the paper", *(f"`{preset}`" for preset in runs), "number that decides, in nats"]
    return _table([*head, *(titles[name] for name in columns)], rows)


def _deciding(lines: pd.DataFrame, verdict: str) -> pd.Series | None:
    """Return the first judged statistic of a data set that has the verdict of the whole."""
    found = lines[lines["judged"].eq(True) & (lines["verdict"] == verdict) & lines["value"].notna()]
    return None if found.empty else found.iloc[0]


def _plus_minus(line: pd.Series) -> str:
    """Return mean ± half of the 95 % interval between images."""
    return f"{signed(line['value'])} ± {(line['ci_high'] - line['ci_low']) / 2:.2f}"


def _gaps(table: PaperTable) -> str:
    """One line per model: the paper's values and those of our run, side by side."""
    head = [words for name in _QUANTITIES.values() for words in (f"{name}: paper", "our run")]
    rows = [
        [f"{block.title}, {model}"]
        + [_value(block, model, quantity, source) for quantity in _QUANTITIES for source in (PAPER, OURS)]
        for block in table.blocks
        for model in dict.fromkeys(column.model for column in block.columns)
    ]
    return _table(["model", *head], rows)


def _value(block: Block, model: str, quantity: str, source: str) -> str:
    """Return a cell of the first section, empty where there is no such column."""
    cells = zip(block.columns, dict(block.sections[0].rows)[quantity], strict=True)
    return next((text for column, text in cells if (column.model, column.source) == (model, source)), "")


def _judged(top: Path, preset: str) -> tuple[ClaimsSpec, pd.DataFrame]:
    claims, made_by = read_values(top / "results" / preset / "claims.csv")
    return ClaimsSpec.model_validate(made_by["spec"]), claims


def parts(top: Path, preset: str) -> dict[str, str]:
    """Return what README.md shows between the marks of each name, of what lies in ``results/preset``.

    Of a claim that was not run there, it shows the run that the report of this preset shows beside it.
    """
    beside = read_provenance(top / "results" / preset / "report.json")["spec"]["beside"]
    table, made_by = read_table(top / "results" / preset / "table2.csv")
    published = read_published(top / "paper" / "published.csv")
    reproductions = read_reproductions(top / "paper" / "reproductions.csv")
    gaps = paper_table(TableSpec.model_validate(made_by["spec"]), table, published, reproductions)
    runs = {name: _judged(top, name) for name in ([preset, beside] if beside else [preset])}
    counting = _counting(runs)
    return {"summary": _summary(counting), "verdicts": _verdicts(runs, counting), "gaps": _gaps(gaps)}


def marks(text: str) -> list[tuple[str, str]]:
    """Return what the marks of a text name: ``summary``, ``verdicts`` or ``gaps``, and a preset."""
    return re.findall(r"<!-- (\w+) of (\S+): begin -->", text)


def between_marks(text: str, name: str, preset: str) -> tuple[str, str, str]:
    """Return the text up to the first mark of a name and preset, what stands between the marks, and the rest."""
    begin, end = f"<!-- {name} of {preset}: begin -->", f"<!-- {name} of {preset}: end -->"
    before, _, rest = text.partition(begin)
    shown, _, after = rest.partition(end)
    return before + begin, shown.strip(), end + after


def main() -> None:
    """Rewrite README.md."""
    top = Path(__file__).parents[1]
    readme = top / "README.md"
    text = readme.read_text(encoding="utf-8")
    for name, preset in marks(text):
        try:
            shown = parts(top, preset)[name]
        except UserError as error:
            sys.exit(f"readme_results: {error}")
        before, _, after = between_marks(text, name, preset)
        text = f"{before}\n{shown}\n{after}"
    readme.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
