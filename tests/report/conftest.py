"""One synthetic study for all tests of tables, figures and the report."""

from pathlib import Path

import pytest

from inference_gaps.replication.specs.tables import TableSpec
from tests.synthetic_study import (
    TITLES,
    make_table,
    plot_gaps,
    plot_samples,
    plot_schematic,
    plot_training,
    write_study,
)


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TableSpec]:
    """A whole study, its table and figures made: three data sets, two families, one seed."""
    top = tmp_path_factory.mktemp("study")
    spec = write_study(top, list(TITLES), [0])
    assert make_table(top, spec) == 0
    assert plot_gaps(top) == 0
    assert plot_schematic(top) == 0
    assert plot_training(top, spec) == 0
    assert plot_samples(top, spec) == 0
    return top, spec


@pytest.fixture
def small_study(tmp_path: Path) -> tuple[Path, TableSpec]:
    """The values of one data set alone, of which a test may change what it likes."""
    return tmp_path, write_study(tmp_path, ["mnist"], [0])
