"""What other reproductions printed: read as data, in our names, and named by models of the configuration."""

from pathlib import Path

import pytest

from inference_gaps.errors import UserError
from inference_gaps.replication.analysis.reproductions import (
    read_reproductions,
    reproduced,
    reproduction_notes,
)
from inference_gaps.replication.config.loading import load_configuration
from tests.synthetic_study import REPRODUCTIONS

TOP = Path(__file__).parents[2]


def test_gaps_are_differences_of_what_was_printed() -> None:
    found = reproduced(read_reproductions(REPRODUCTIONS), "mnist_flow_anneal_e22d22")
    # The tightest of the IWAE bounds stands for log p(x), L[q*] is that of the flow.
    assert found["log_p_best"] == -87.9844
    assert found["approximation_gap"] == pytest.approx(-87.9844 + 89.4232)
    assert found["amortization_gap"] == pytest.approx(-89.4232 + 90.89908)
    assert found["inference_gap"] == pytest.approx(-87.9844 + 90.89908)


def test_gaps_that_were_printed_are_taken_as_they_are() -> None:
    found = reproduced(read_reproductions(REPRODUCTIONS), "frozen_e22d22")
    assert found.to_dict() == {"amortization_gap": 1.75, "approximation_gap": 1.27, "inference_gap": 3.02}


def test_every_model_that_the_configuration_names_was_reproduced_alike() -> None:
    frame = read_reproductions(REPRODUCTIONS)
    models = load_configuration(TOP).experiments.models
    named = {name: model for name, model in models.items() if model.reproduced_as}
    assert len(named) > 10
    for name, model in named.items():
        lines = frame[frame["model"] == model.reproduced_as]
        assert set(lines["dataset"]) == {model.dataset}, name
        assert set(lines["trained_with"].str.lower()) == {model.posterior.family}, name
        for part in ("encoder_hidden", "decoder_hidden"):
            widths = "-".join(map(str, getattr(model.architecture, part))) or "none"
            assert set(lines[part]) == {widths}, name
        assert set(lines["annealing"]) == {"no" if name.endswith("no-warmup") else "yes"}, name


def test_a_model_that_nobody_has_is_a_sentence() -> None:
    with pytest.raises(UserError, match="No reproduction has a model mnist; correct reproduced_as"):
        reproduced(read_reproductions(REPRODUCTIONS), "mnist")


def test_without_models_there_is_nothing_to_say() -> None:
    assert reproduction_notes(read_reproductions(REPRODUCTIONS), []) == []
