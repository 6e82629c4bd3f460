"""Write the verdicts and the gaps of a finished run into README.md, between its two marks.

    python scripts/readme_results.py [PRESET]

A test holds README.md against what this writes, so that no number there is typed by hand.
"""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from inference_gaps.analysis.published import published_columns, read_published
from inference_gaps.artifacts import read_values
from inference_gaps.config.loading import load_configuration
from inference_gaps.posteriors.registry import label_of

__all__ = ["BEGIN", "END", "results_of"]

BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"
_QUANTITIES = {
    "log_p_best": "log p(x)",
    "approximation_gap": "approximation",
    "amortization_gap": "amortization",
}


def _signed(value: float, digits: int) -> str:
    return f"{value:.{digits}f}".replace("-", "−")


def _interval(low: float, value: float, high: float) -> str:
    half = (high - low) / 2
    digits = 2 if half < 10 else 1
    return f"{_signed(value, digits)} ± {half:.{digits}f}"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    rule = ["---"] * len(head)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *rows))


def _verdicts(claims: pd.DataFrame, titles: Mapping[str, str], datasets: Mapping[str, str]) -> str:
    rows = []
    for name, title in titles.items():
        of_it = claims[claims["claim"] == name]
        (verdict,) = of_it.loc[of_it["level"] == "claim", "verdict"]
        cells = [f"{name} {title}", f"**{verdict}**"]
        for dataset in datasets:
            here = of_it[of_it["dataset"] == dataset]
            found = here.loc[here["level"] == "dataset", "verdict"]
            judged = here[(here["level"] == "statistic") & (here["judged"].astype(str) == "True")].dropna(
                subset=["value"]
            )
            numbers = "; ".join(_interval(low, value, high) for low, value, high in zip(
                judged["ci_low"], judged["value"], judged["ci_high"], strict=True
            ))  # fmt: skip
            cells.append(f"{found.iloc[0]}: {numbers}" if numbers else "")
        rows.append(cells)
    return _table(["claim of the paper", "verdict", *datasets.values()], rows)


def _gaps(table: pd.DataFrame, published: pd.DataFrame) -> str:
    columns = published_columns(published, 2)
    rows = []
    for _, lines in table.groupby("model", sort=False):
        # All seeds together, where there are several.
        one = lines[lines["n_seeds"] == lines["n_seeds"].max()].set_index("quantity")
        dataset, title, family = one.iloc[0][["dataset", "dataset_title", "trained_with"]]
        theirs = columns[(dataset, family)]
        cells = [f"{title}, {label_of(family)}"]
        for quantity in _QUANTITIES:
            value, low, high = (float(one[column][quantity]) for column in ("value", "ci_low", "ci_high"))
            shown = _signed(value, 2) if quantity == "log_p_best" else _interval(low, value, high)
            cells += [_signed(float(theirs["value"][quantity]), 2), shown]
        rows.append(cells)
    head = ["model"]
    for words in _QUANTITIES.values():
        head += [f"{words}: published", "here"]
    return _table(head, rows)


def results_of(top: Path, preset: str) -> str:
    """Return the two tables, verdicts by claim and gaps by model, of what lies in ``results/preset``."""
    claims, _ = read_values(top / "results" / preset / "claims.csv")
    table, _ = read_values(top / "results" / preset / "table2.csv")
    datasets = dict(zip(table["dataset"], table["dataset_title"], strict=True))
    chosen = load_configuration(top, {"preset": preset}).claims.claims
    verdicts = _verdicts(claims, {name: claim.title for name, claim in chosen.items()}, datasets)
    return f"{verdicts}\n\n{_gaps(table, read_published(top / 'paper' / 'published.csv'))}"


def main() -> None:
    """Rewrite README.md."""
    top = Path(__file__).parents[1]
    preset = sys.argv[1] if len(sys.argv) > 1 else "laptop"
    readme = top / "README.md"
    before, _, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    readme.write_text(f"{before}{BEGIN}\n{results_of(top, preset)}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
