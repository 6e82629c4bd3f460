"""What an entry of the registry decides: names, widths, labels; and that asking for them costs no PyTorch."""

import subprocess
import sys

import pytest

from inference_gaps.errors import UserError
from inference_gaps.posteriors.registry import local_family
from inference_gaps.replication.analysis.markup import to_latex, to_markdown
from inference_gaps.replication.analysis.paper_table import OURS, Block, Column, PaperTable, Section
from inference_gaps.replication.analysis.table_text import ESTIMATOR_WORDS
from inference_gaps.specs.bounds import LocalSpec
from inference_gaps.specs.families import FAMILIES, family_named, label_of
from inference_gaps.specs.train import PosteriorSpec


def test_names_and_labels_tell_families_apart() -> None:
    assert list(FAMILIES) == [entry.name for entry in FAMILIES.values()]
    assert len({entry.label for entry in FAMILIES.values()}) == len(FAMILIES)
    for name in FAMILIES:
        assert family_named(label_of(name)) == name
        assert PosteriorSpec(family=name).family == LocalSpec(family=name).family == name


def test_the_width_of_networks_is_the_familys_own_unless_it_is_given() -> None:
    assert LocalSpec(family="coupling").flow_hidden == PosteriorSpec(family="coupling").flow_hidden == 50
    assert PosteriorSpec().flow_hidden == PosteriorSpec(family="af").flow_hidden == 200
    assert PosteriorSpec(family="coupling", flow_hidden=7).flow_hidden == 7
    text = '{"family": "coupling", "points": 3}'
    assert LocalSpec.from_argument(text).as_dict()["flow_hidden"] == 50


def test_a_coupling_flow_of_one_dimension_is_a_sentence() -> None:
    with pytest.raises(UserError, match="'coupling' needs at least 2 latent dimensions, and the model has 1"):
        local_family("coupling", 1, 2, 50)


@pytest.mark.parametrize("name", FAMILIES)
def test_tables_name_every_family_by_its_label(name: str) -> None:
    entry = FAMILIES[name]
    rows = [(f"{kind}_local_{entry.key}", ["1"]) for kind in ("elbo", "iwae")]
    table = PaperTable("T", [Block("Digits", [Column("here", OURS, OURS)], [Section("S", rows)])], [])
    assert f"L[q\\*<sub>{entry.label}</sub>]" in to_markdown(table)
    assert f"IWAE, q\\*<sub>{entry.label}</sub>" in to_markdown(table)
    assert f"$\\mathcal{{L}}[q^*_{{\\mathrm{{{entry.label}}}}}]$" in to_latex(table)
    assert f"IWAE, $q^*_{{\\mathrm{{{entry.label}}}}}$" in to_latex(table)
    assert ESTIMATOR_WORDS[f"iwae_local_{entry.key}"] == f"IWAE, q* {entry.label}"


def test_planning_does_not_load_pytorch() -> None:
    program = "import sys, inference_gaps.replication.study.plan; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "False", done.stderr
