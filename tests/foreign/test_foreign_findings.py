"""What is said of each point: q* that is not converged there, chains that do not move, too few weights."""

import torch

from inference_gaps.bounds.importance import Bound
from inference_gaps.foreign.findings import Found, find
from inference_gaps.foreign.measure import measure
from inference_gaps.foreign.probes import Check
from tests.foreign.models import QUICK, Linear

POINTS = 40


def _found(**changes: object) -> Found:
    """Estimates of which there is nothing to say."""
    high, error = torch.full((POINTS,), -90.0).double(), torch.full((POINTS,), 0.05).double()
    size = torch.full((POINTS,), 200.0).double()
    estimates = {
        "elbo_amortized": Bound(high - 3, error, size),
        "iwae_amortized": Bound(high - 0.2, error, size),
        "elbo_local_ffg": Bound(high - 1, error, size),
        "ais_local_ffg": Bound(high, error, size),
    }
    made = {
        "estimates": estimates,
        "residuals": {"local_ffg": torch.zeros(POINTS)},
        "acceptance": {"ais_local_ffg": torch.full((POINTS,), 0.6)},
    }
    return Found(**{**made, **changes})  # type: ignore[arg-type]


def _said(found: Found, name: str) -> list[Check]:
    model = Linear()
    return [each for each in find(found, ["ffg"], model.vae(), model.data(8), [], None) if each.name == name]


def test_one_point_that_has_not_converged_is_named_though_the_mean_has() -> None:
    residual = torch.zeros(POINTS)
    residual[7] = 0.53
    found = _found(residuals={"local_ffg": residual})
    assert residual.mean() < 0.02
    (check,) = _said(found, "convergence")
    assert check.level == "warning"
    assert "more than 0.1 nats at 1 point, most at point 7, 0.53" in check.sentence
    flags = found.columns()["flags"]
    assert list(flags[flags != ""].index) == [7]
    assert flags[7] == "q* of local_ffg not converged"
    assert [each.level for each in _said(_found(), "convergence")] == ["passed"]


def test_chains_are_blamed_where_they_do_not_move_and_not_for_single_proposals() -> None:
    """Random step sizes let a proposal diverge now and then; it is rejected, and does no harm."""
    acceptance = torch.full((POINTS,), 0.6)
    acceptance[[2, 9]] = 0.1
    found = _found(acceptance={"ais_local_ffg": acceptance})
    said = _said(found, "chains")
    assert [each.level for each in said] == ["warning"]
    assert said[0].sentence.startswith("At 2 points the chains of ais_local_ffg hardly move")
    assert list(found.columns()["flags"].iloc[[2, 9]]) == ["chains of ais_local_ffg stuck"] * 2
    assert _said(_found(), "chains") == []


def test_a_bound_below_one_that_it_should_lie_above_is_named() -> None:
    found = _found(q=torch.zeros(POINTS, 4), q_star=torch.zeros(POINTS, 4))
    assert [each.level for each in _said(found, "order")] == ["passed"]
    found.estimates["elbo_local_ffg"].value[3] = -95.0
    (check,) = _said(found, "order")
    assert "elbo_local_ffg lies below elbo_amortized by more than four standard errors at 1 point" in (
        check.sentence
    )


def test_a_point_far_from_its_optimum_is_taken_further_than_the_rest() -> None:
    """After two cycles the mean gain is below the tolerance; the point that is ten widths off is not there yet."""
    model = Linear()
    x = model.data(POINTS)

    def encode(rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mean, log_variance = model.encode(rows)
        return mean + 2 * (rows[:, :1] == x[3, 0]), log_variance

    settings = {**QUICK, "steps": 30, "tolerance": 1.0, "max_cycles": 2, "samples": 2000}
    result = measure(model.vae(encode=encode), x, ais=(), progress=False, **settings)  # type: ignore[arg-type]
    best = model.log_marginal(x) - model.approximation_gap()
    assert abs(result.points["elbo_local_ffg"][3] - best[3].item()) < 0.2
