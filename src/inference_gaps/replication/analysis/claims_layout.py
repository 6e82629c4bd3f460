"""The table of verdicts as texts: for Markdown and the report."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from inference_gaps.replication.analysis.claims import EFFECT
from inference_gaps.replication.analysis.table_text import ESTIMATOR_WORDS, estimate, signed
from inference_gaps.replication.analysis.verdicts import NOT_RUN, VERDICTS
from inference_gaps.replication.specs.claims import ClaimSpec, ClaimsSpec

__all__ = ["claims_markdown", "deciding", "details", "effects", "overview", "summary"]

_STATUS = {"verified": "", "recalled": " (recalled)", "uncertain": " (uncertain)"}
_COMBINATIONS = {
    "all": "The weakest verdict counts.",
    "most": "The best verdict that more than half of the parts have or exceed counts.",
}


def overview(spec: ClaimsSpec, table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return one record per claim: id, title, verdict overall, and ``verdicts`` in the order of ``spec.datasets``.

    A data set on which a claim has nothing has an empty text. ``datasets`` says on how many it was judged.
    """
    records = []
    for claim in spec.claims:
        lines = table[table["claim"] == claim.id]
        whole = lines[lines["level"] == "claim"].iloc[0]
        of = lines[lines["level"] == "dataset"].set_index("dataset")["verdict"]
        records.append(
            {
                "id": claim.id,
                "title": claim.title,
                "verdict": whole["verdict"],
                "verdicts": [of.get(dataset.name, "") for dataset in spec.datasets],
                "datasets": f"{whole['n_run']} of {whole['n_parts']}",
            }
        )
    return records


def summary(table: pd.DataFrame) -> str:
    """Say in one sentence how many claims got which verdict."""
    counts = table.loc[table["level"] == "claim", "verdict"].value_counts()
    found = [f"{counts[verdict]} {verdict}" for verdict in VERDICTS if verdict in counts]
    return f"Of {counts.sum()} claims: {', '.join(found)}."


def _number(value: Any, decimals: int = 2) -> str:
    return "" if pd.isna(value) else signed(float(value), decimals)


def _error(value: Any) -> str:
    if pd.isna(value) or value == 0:
        return "–"
    return f"{value:.2f}" if value >= 0.005 else "<0.01"


def _asked(line: pd.Series) -> str:
    words = {"positive": "> 0", "negative": "< 0", "decreasing": "decreasing"}
    return words.get(line["comparison"], f"< {line['threshold']:g}")


def _record(line: pd.Series, titles: Mapping[str, str]) -> dict[str, str]:
    """Return the texts of one statistic that was run."""
    status = _STATUS[line["published_status"]] if pd.notna(line["published_status"]) else ""
    agree = round(line["seeds_agree"] * line["n_seeds"])
    names = "" if pd.isna(line["estimators"]) else str(line["estimators"])
    return {
        "statistic": str(line["statistic"]),
        "dataset": titles[str(line["dataset"])],
        "asked": _asked(line),
        "verdict": str(line["verdict"]) if line["judged"] else "shown",
        "reason": str(line["reason"]),
        "value": _estimate(line),
        "monte_carlo": _error(line["mc_standard_error"]),
        "between_seeds": _error(line["sd_between_seeds"]),
        "agree": f"{agree} of {int(line['n_seeds'])}",
        "bdmc": _error(line["bdmc_gap"]),
        "residual": _error(line["residual"]),
        "published": f"{_number(line['published'])}{status}",
        "relative": _number(line["relative_effect"]),
        "from": "; ".join(ESTIMATOR_WORDS.get(name, name) for name in names.split()),
    }


def deciding(spec: ClaimsSpec, table: pd.DataFrame, experiment: str) -> list[dict[str, str]]:
    """Return claim, statistic, text and verdict ("" if not judged) of the statistics on an experiment."""
    titles = {dataset.name: dataset.title for dataset in spec.datasets}
    resting = {
        (claim.id, statistic.name)
        for claim in spec.claims
        for statistic in claim.statistics
        if any(term.experiment == experiment for term in statistic.terms)
    }
    lines = table[(table["level"] == "statistic") & table["value"].notna()]
    found = []
    for (claim_id, name), of_statistic in lines.groupby(["claim", "statistic"], sort=False):
        if (claim_id, name) not in resting:
            continue
        found += [
            {
                "claim": str(claim_id),
                "statistic": str(name),
                "text": f"{titles[str(line['dataset'])]}: {_estimate(line)}",
                "verdict": str(line["verdict"]) if line["judged"] else "",
            }
            for _, line in of_statistic.iterrows()
        ]
    return found


def effects(table: pd.DataFrame) -> dict[str, str]:
    """Return, by the number of a deviation, what this run measured of it; nothing of one that was not run."""
    lines = table[(table["level"] == EFFECT) & table["value"].notna()]
    return {
        str(number): "; ".join(f"{line['statistic']}: {_estimate(line)}" for _, line in of.iterrows())
        for number, of in lines.groupby("claim", sort=False)
    }


def _estimate(line: pd.Series) -> str:
    return estimate(float(line["value"]), float(line["ci_low"]), float(line["ci_high"]))


def _named(statistics: pd.Series) -> str:
    names = "; ".join(name for name in dict.fromkeys(statistics) if name)
    return f": {names or 'statistics that are only shown'}"


def _not_run(lines: pd.DataFrame, titles: Mapping[str, str]) -> str:
    """Say why statistics have no value, and which that are judged, unless none has one; empty if all have one."""
    missing = lines[lines["value"].isna()].assign(names="")
    if len(missing) < len(lines):
        of_reason = missing["statistic"].where(missing["judged"].astype(bool), "").groupby(missing["reason"])
        missing["names"] = of_reason.transform(_named)
    found = []
    # The same statistics may lack one model for each data set.
    for names, of_names in missing.groupby("names", sort=False):
        places = ", ".join(titles[name] for name in dict.fromkeys(of_names["dataset"]))
        why = "; ".join(dict.fromkeys(of_names["reason"]))
        found.append(f"Not run on {places}, because {why}{names}.")
    return " ".join(found)


def details(spec: ClaimsSpec, table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return, per claim, its words, its rule, one record of texts per statistic that was run, and what was not."""
    titles = {dataset.name: dataset.title for dataset in spec.datasets}
    found = []
    for claim in spec.claims:
        lines = table[table["claim"] == claim.id]
        statistics = lines[lines["level"] == "statistic"]
        found.append(
            {
                "id": claim.id,
                "title": claim.title,
                "claim": claim.claim,
                "where": claim.where,
                "rule": " ".join(filter(None, (_rule(claim), _former(claim, lines)))),
                "verdict": lines.loc[lines["level"] == "claim", "verdict"].iloc[0],
                "statistics": [
                    _record(line, titles) for _, line in statistics[statistics["value"].notna()].iterrows()
                ],
                "not_run": _not_run(statistics, titles),
            }
        )
    return found


def _rule(claim: ClaimSpec) -> str:
    thresholds = {each.dataset: each.threshold for each in claim.statistics}
    word = "Limit" if any(each.comparison == "below" for each in claim.statistics) else "Least effect"
    numbers = " / ".join(f"{value:g}" for value in thresholds.values())
    return f"{_COMBINATIONS[claim.combine]} {word} {numbers} nats: {claim.why[0].lower()}{claim.why[1:]}"


def _former(claim: ClaimSpec, lines: pd.DataFrame) -> str:
    """Say how the rule of a claim was changed, and what the rule before gives; empty if it was not."""
    if claim.former is None:
        return ""
    verdict = lines.loc[lines["level"] == "claim", "former_verdict"].iloc[0]
    return f"{claim.former.words} By the rule before: {verdict}."


def _escaped(text: str) -> str:
    return text.replace("*", "\\*").replace("|", "\\|")


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_escaped(cell) for cell in cells) + " |"


def claims_markdown(spec: ClaimsSpec, table: pd.DataFrame) -> str:
    """Return the verdicts as Markdown: one table of all claims, then each claim with its statistics."""
    headings = ["", "Claim", "Verdict", *(dataset.title for dataset in spec.datasets)]
    lines = [f"# Verdicts on the claims of the paper, preset {spec.preset}", ""]
    if spec.caveat:
        lines += [f"**{spec.caveat}**", ""]
    lines += [summary(table), "", _row(headings), "|" + "---|" * len(headings)]
    for record in overview(spec, table):
        lines.append(
            _row([record["id"], record["title"], f"**{record['verdict']}**", *record["verdicts"]]).replace(
                "\\*\\*", "**"
            )
        )
    columns = {
        "statistic": "Statistic",
        "dataset": "Data",
        "asked": "Claimed",
        "value": f"Our run [{spec.level * 100:g} % interval]",
        "monte_carlo": "Monte-Carlo s.e.",
        "between_seeds": "s.d. between seeds",
        "agree": "Seeds agree",
        "bdmc": "Possible bias, BDMC",
        "residual": "Possible bias, q*",
        "published": "Paper",
        "relative": "Our effect ÷ paper",
        "verdict": "Verdict",
        "reason": "Because",
    }
    for claim in details(spec, table):
        lines += ["", f"## {claim['id']}: {claim['title']}", "", f"{claim['claim']} ({claim['where']})", ""]
        lines.append(claim["rule"])
        if claim["statistics"]:
            lines += ["", _row(list(columns.values())), "|" + "---|" * len(columns)]
        lines += [_row([record[key] for key in columns]) for record in claim["statistics"]]
        if claim["not_run"]:
            lines += ["", claim["not_run"]]
    measured = effects(table)
    if measured:
        lines += ["", "## What deviations from the paper change", ""]
        lines += [f"- {number}: {_escaped(text)} nats." for number, text in measured.items()]
    lines += ["", *_reading(spec), ""]
    return "\n".join(lines)


def _reading(spec: ClaimsSpec) -> list[str]:
    seeds = "all" if spec.seeds_agree == 1 else f"at least {spec.seeds_agree:.0%}"
    return [
        f"Nats; intervals are between images. Replicated: the whole interval and {seeds} of the seeds lie on the "
        f"side of the claim, and the effect is larger than its possible bias (BDMC gap and residual of q\\*) and "
        f"within a factor of {spec.factor:g} of the paper's effect. If that is unknown, doubted or not on the side "
        f"of the claim: at least the least effect.",
        "",
        f"{NOT_RUN.capitalize()}: the experiment is not part of this run.",
    ]
