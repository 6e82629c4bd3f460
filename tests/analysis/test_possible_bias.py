"""An effect within its possible bias, by BDMC or by the local optimisation, is inconclusive."""

from pathlib import Path

import pytest

from inference_gaps.replication.artifacts.files import read_values, write_values
from tests.analysis.judged import AMORTIZATION, BLAME, claims, line, row, statistic, write


def test_an_effect_within_the_bdmc_gap_is_inconclusive(tmp_path: Path) -> None:
    """AIS from q* is the tightest bound, and off by two nats on simulated data; the effect is one nat."""
    af = row("mnist-af")
    layout = write(tmp_path, (af, {"ais-local-ffg": -0.5, "elbo-amortised": 3.5}))
    spec = claims([statistic(BLAME)], [af])
    assert line(layout, spec)["verdict"] == "replicated"
    path = layout.bdmc("mnist-af", 0, "local-ffg")
    frame, provenance = read_values(path)
    write_values(path, frame.assign(reverse=frame["forward"] + 2.0), provenance)
    found = line(layout, spec)
    assert found["value"] == pytest.approx(1.0)
    assert found["estimators"] == "ais_local_ffg"
    assert found["bdmc_gap"] == pytest.approx(2.0)
    assert found["verdict"] == "inconclusive"
    assert found["reason"] == "within the 2.02 nats left open, mostly by BDMC"
    # The amortization gap does not rest on AIS.
    assert line(layout, claims([statistic([AMORTIZATION])], [af]))["bdmc_gap"] == 0


def test_iwae_may_be_as_low_as_ais_with_its_gap_says(tmp_path: Path) -> None:
    """log p(x) is that of IWAE; AIS from q* ends half a nat lower, and may itself be two nats too low."""
    af = row("mnist-af")
    layout = write(tmp_path, (af, {"ais-local-ffg": -0.5, "iwae-local-ffg": -1.0, "elbo-amortised": 3.5}))
    path = layout.bdmc("mnist-af", 0, "local-ffg")
    frame, provenance = read_values(path)
    for gap, left in ((2.0, 1.5), (0.1, 0.0)):
        write_values(path, frame.assign(reverse=frame["forward"] + gap), provenance)
        found = line(layout, claims([statistic(BLAME)], [af]))
        assert found["estimators"] == "iwae_local_ffg"
        assert found["bdmc_gap"] == pytest.approx(left)


def test_a_bdmc_gap_below_zero_is_inconclusive(tmp_path: Path) -> None:
    af = row("mnist-af")
    layout = write(tmp_path, (af, {}))
    path = layout.bdmc("mnist-af", 0, "local-ffg")
    frame, provenance = read_values(path)
    below = statistic(
        [{"quantity": "bdmc_local_ffg", "model": "mnist-af"}], comparison="below", threshold=0.4
    )
    for gap, verdict in ((0.0, "replicated"), (-5.0, "inconclusive"), (5.0, "not replicated")):
        noise = 1e-3 * (-1.0) ** frame["point"]
        write_values(path, frame.assign(reverse=frame["forward"] + gap + noise), provenance)
        assert line(layout, claims([below], [af]))["verdict"] == verdict


def test_an_effect_within_the_residual_of_q_star_is_inconclusive(tmp_path: Path) -> None:
    af = row("mnist-af")
    layout = write(tmp_path, (af, {}), residual=1.0)
    found = line(layout, claims([statistic(BLAME)], [af]))
    # L[q*] is counted twice: once in each gap.
    assert found["residual"] == pytest.approx(2.0)
    assert found["verdict"] == "inconclusive"
    assert "residual" in found["reason"]
