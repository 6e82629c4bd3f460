"""The authors' procedure of local optimisation: their rule, copies that do not know of each other, exact optima."""

import math

import pytest
import torch
from torch import Tensor

from benchmarks.authors_local import authors_local_optimisation, bound_terms
from inference_gaps.bounds.authors_local import Patience, authors_optimum, bound_of_copies, passes_of
from inference_gaps.specs.bounds import ProceduresSpec
from tests.linear_gaussian import LinearGaussian

# Ten times the authors' rate, so that two dimensions are soon through.
SPEC = ProceduresSpec(copies=10, learning_rate=0.01, window=20, patience=3, max_windows=200)


def _quietly(window: int, bound: float) -> None:
    pass


def _model() -> LinearGaussian:
    return LinearGaussian(2, 4, sigma=1.0)


@pytest.mark.parametrize(
    ("losses", "ends_at"),
    [
        ([5.0, 4.0, 4.0, 4.5, 4.2, 4.1], 5),  # the fourth window without a lower one
        ([5.0, 4.0, 4.1, 4.1, 3.9, 4.0, 4.0, 4.0, 4.0], 8),  # a lower one starts the count anew
        ([5.0, 4.9, 4.8, 4.7, 4.6], None),
        ([math.inf, 4.0, 4.0, 4.0, 4.0, 4.0], 5),
    ],
)
def test_it_stops_after_so_many_windows_without_a_lower_loss(
    losses: list[float], ends_at: int | None
) -> None:
    rule = Patience(3)
    ended = [index for index, loss in enumerate(losses) if rule.ends(loss)]
    assert (ended[0] if ended else None) == ends_at


@pytest.mark.parametrize("per_copy", [True, False])
def test_it_is_the_procedure_written_plainly(per_copy: bool) -> None:
    """With the authors' numbers, from the same random numbers: the same parameters after the same steps."""
    x = _model().sample(2, torch.Generator().manual_seed(1))
    spec = ProceduresSpec(copies=5, max_windows=3)
    seen: list[dict[str, Tensor]] = []

    class Enough(Exception):
        pass

    def watch(parameters: dict[str, Tensor]) -> None:
        seen.append({name: tensor.clone() for name, tensor in parameters.items()})
        if len(seen) == spec.max_windows:
            raise Enough

    with pytest.raises(Enough):
        authors_local_optimisation(
            _model(), x, torch.Generator().manual_seed(2), watch, samples=5, per_copy=per_copy
        )
    copies, samples = (5, 1) if per_copy else (1, 5)
    found = authors_optimum(_model(), x, copies, samples, spec, torch.Generator().manual_seed(2), _quietly)
    assert found.steps == 300
    assert not found.stopped
    torch.testing.assert_close(found.mean, seen[-1]["mean"], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(found.log_variance, seen[-1]["log_variance"], rtol=1e-5, atol=1e-6)
    assert passes_of(spec, found.steps) == 2 * 300 * 5


def test_a_copy_does_not_know_of_the_others() -> None:
    """Its image and its noise alone say where it ends: another image beside it changes nothing."""
    x = _model().sample(2, torch.Generator().manual_seed(1))
    other = torch.stack([x[0], 3 * x[1]])
    spec = SPEC.model_copy(update={"max_windows": 3})
    ends = [
        authors_optimum(_model(), images, 4, 1, spec, torch.Generator().manual_seed(2), _quietly).mean
        for images in (x, other)
    ]
    torch.testing.assert_close(ends[0][0], ends[1][0])
    assert not torch.allclose(ends[0][1], ends[1][1])
    # Copies of one image have noise of their own.
    assert (ends[0][0].std(0) > 0).all()


def test_one_set_reaches_the_optimum_and_copies_with_one_sample_stay_below() -> None:
    """L[q*] of the factorised Gaussian is known here; with a constant rate, a single sample leaves copies short."""
    x = _model().sample(6, torch.Generator().manual_seed(1))
    best = _model().log_marginal(x) - _model().gaussian_gap()
    half = torch.randn(6, 2000, 2, generator=torch.Generator().manual_seed(3))
    noise = torch.cat([half, -half], dim=1)
    short, errors = {}, {}
    for name, copies, samples in (("shared", 1, 40), ("copies", 40, 1)):
        rng = torch.Generator().manual_seed(2)
        found = authors_optimum(_model(), x, copies, samples, SPEC, rng, _quietly)
        assert found.stopped
        terms = bound_of_copies(_model(), x, found.mean, found.log_variance, noise)
        short[name] = (best - terms.mean(1)).mean().item()
        errors[name] = terms.unflatten(1, (2, -1)).mean(1).std(1).norm().item() / len(x) / 2000**0.5
    assert -4 * errors["shared"] < short["shared"] < 4 * errors["shared"] + 0.01
    assert short["shared"] + 0.01 < short["copies"] < 0.5


def test_sample_i_goes_to_copy_i_modulo_their_number() -> None:
    x = _model().sample(3, torch.Generator().manual_seed(1))
    rng = torch.Generator().manual_seed(4)
    mean, log_variance = torch.randn(3, 5, 2, generator=rng), torch.randn(3, 5, 2, generator=rng)
    noise = torch.randn(3, 15, 2, generator=rng)
    expected = bound_terms(_model(), x, {"mean": mean, "log_variance": log_variance}, noise)
    torch.testing.assert_close(bound_of_copies(_model(), x, mean, log_variance, noise), expected)
