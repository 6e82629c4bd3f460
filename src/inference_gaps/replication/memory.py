"""What to do when the memory does not suffice: each stage has settings that it grows with."""

__all__ = ["memory_advice"]

_LOWER = {
    "prepare-data": "use a smaller copy of the data set, or shrink its images",
    "train": "lower batch_size, or the widths of the architecture",
    "simulate-data": "lower points (simulated_points in a preset)",
    "optimise-local": "lower samples or points, or flow_hidden for family af",
    "evaluate-iwae": "lower samples or points",
    "evaluate-ais": "lower chains or points",
    "evaluate-bdmc": "lower chains or points",
    "evaluate-exact": "lower points",
    "evaluate-units": "lower samples",
    "compare-local": "lower copies or points",
    "evaluate-convergence": "lower samples, chains or points",
    "plot-samples": "lower images",
}
_OTHERWISE = "close other programs"


def memory_advice(command: str, error: BaseException) -> str:
    """Return the sentences for a lack of memory in ``command``: what was tried, and which setting to lower."""
    detail = " ".join(str(error).split())
    advice = _LOWER.get(command, _OTHERWISE)
    return (
        f"the memory does not suffice{f' ({_short(detail)})' if detail else ''}; {advice}, or let fewer jobs "
        f"run at once (make CORES=1). No output was changed."
    )


def _short(text: str, most: int = 160) -> str:
    return text if len(text) <= most else f"{text[:most]}…"
