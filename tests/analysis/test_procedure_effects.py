"""Effects of the authors' local optimisation: which differences, paired by image, under which number."""

from pathlib import Path

import pandas as pd

from inference_gaps.replication.analysis.procedures import procedure_effects
from inference_gaps.replication.artifacts.files import write_values
from inference_gaps.replication.artifacts.fingerprints import make_provenance
from inference_gaps.replication.artifacts.layout import Layout
from inference_gaps.replication.specs.documents import ComparedModelSpec
from inference_gaps.specs.bounds import ProceduresSpec


def write(layout: Layout, shared: list[float], copies: list[float]) -> None:
    """Bounds of two images a hundred nats apart, ours at exactly -100 and -200."""
    frames = [
        pd.DataFrame(
            {
                "procedure": name,
                "point": [0, 1],
                "value": values,
                "standard_error": 0.1,
                "steps": steps,
                "passes": 9,
            }
        )
        for name, values, steps in (
            ("ours", [-100.0, -200.0], 600),
            ("shared", shared, 5000),
            ("copies", copies, 7000),
        )
    ]
    path = layout.procedures("digits", 0, "train")
    path.parent.mkdir(parents=True)
    provenance = make_provenance("compare-local", ProceduresSpec(points=2).as_dict(), {}, None)
    provenance["summary"] = {"stopped": {"shared": True, "copies": False}}
    write_values(path, pd.concat(frames), provenance)


def test_each_deviation_has_its_difference_at_the_same_images(tmp_path: Path) -> None:
    layout = Layout("tiny", tmp_path)
    write(layout, shared=[-100.1, -200.3], copies=[-101.1, -201.5])
    of = ComparedModelSpec(model="digits", label="FFG", seed=0, dataset_title="Digits", trained_with="ffg")
    found = procedure_effects([of], layout)
    assert list(found) == ["D2", "D4"]
    # Means of -1 and -1.2, of -0.1 and -0.3; Student's t with one degree of freedom is 12.7.
    assert found["D2"].endswith(
        "Digits, FFG: −1.100 [−2.371, 0.171] at 2 images, after 7,000 (cut off) and 5,000 steps, the authors' at "
        "rate 0.001"
    )
    assert found["D4"].endswith(
        "Digits, FFG: −0.200 [−1.471, 1.071] at 2 images, after 5,000 and 600 steps, the authors' at rate 0.001"
    )


def test_nothing_compared_has_no_effects(tmp_path: Path) -> None:
    assert procedure_effects([], Layout("tiny", tmp_path)) == {}
