"""``config/datasets.yaml`` and the data sets that ship with the project."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from inference_gaps.errors import UserError
from inference_gaps.replication.config.datasets import find_dataset, load_datasets
from inference_gaps.replication.data.preparation import read_parts
from inference_gaps.replication.specs.data import DatasetSpec

TOP = Path(__file__).parents[2]
FILE = TOP / "config" / "datasets.yaml"
DATASETS = load_datasets(FILE)


def test_every_file_is_pinned() -> None:
    files = [file for described in DATASETS.values() for file in described.files]
    assert all(file.sha256 or file.archive_sha256 for file in files)


def test_splits_of_the_paper() -> None:
    splits = {
        name: {split: (cut.part, cut.start, cut.stop) for split, cut in DATASETS[name].splits.items()}
        for name in ("mnist", "fashion-mnist", "cifar10")
    }
    assert splits["mnist"] == {"train": ("train", 0, None), "test": ("test", 0, None)}
    assert splits["fashion-mnist"] == {
        "train": ("train", 0, 55000),
        "validation": ("train", 55000, None),
        "test": ("test", 0, None),
    }
    assert splits["cifar10"] == {
        "train": ("train", 5000, None),
        "validation": ("train", 0, 5000),
        "test": ("test", 0, None),
    }


@pytest.mark.parametrize("name", [name for name, described in DATASETS.items() if described.embedded])
def test_embedded_images(name: str) -> None:
    described = DATASETS[name]
    parts = read_parts(described, TOP / described.folder)
    counts = (2000, 250, 250) if name == "photo-patches" else (4000, 500, 500)
    assert tuple(len(parts[part]) for part in ("train", "validation", "test")) == counts
    every = np.concatenate(list(parts.values()))
    assert len(np.unique(every, axis=0)) >= len(every) - 20
    # No image of one split is in another.
    seen = {row.tobytes() for row in parts["train"]}
    assert not seen & {row.tobytes() for part in ("validation", "test") for row in parts[part]}


def test_embedded_files_are_small_and_carry_no_time() -> None:
    files = [path for path in (TOP / "data" / "embedded").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 6_000_000
    for path in files:
        if path.suffix == ".gz":
            assert path.read_bytes()[3:8] == bytes(5)
            assert gzip.decompress(path.read_bytes())[:3] == b"\0\0\x08"


def test_photo_patches_keep_their_side_of_one_half() -> None:
    levels = read_parts(DATASETS["photo-patches"], TOP / "data/embedded/photo-patches")["train"]
    assert set(np.unique(levels)) <= {8 * step + 4 for step in range(32)}


def test_unknown_name() -> None:
    with pytest.raises(UserError, match=r"has no data set fashion-mnits; the nearest is fashion-mnist\."):
        find_dataset(FILE, "fashion-mnits")
    with pytest.raises(UserError, match=r"has no data set imagenet; choose one of mnist, fashion-mnist, .*"):
        find_dataset(FILE, "imagenet")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("datasets: [", r"datasets\.yaml, line 1 is not valid YAML"),
        ("mnist: {}", "has no key datasets that maps names to data sets"),
        ("datasets: {own: {title: Own}}", r"datasets\.own is not a valid DatasetSpec; correct licence,"),
    ],
)
def test_wrong_file(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "datasets.yaml").write_text(text)
    with pytest.raises(UserError, match=sentence):
        load_datasets(tmp_path / "datasets.yaml")
    with pytest.raises(UserError, match="does not exist; run the command in the top folder of the project"):
        load_datasets(tmp_path / "missing.yaml")


@pytest.mark.parametrize("address", ["file:///etc/", "ftp://a.example/", "data/"])
def test_addresses_are_of_the_web(address: str) -> None:
    with pytest.raises(ValueError, match="sources"):
        DatasetSpec.model_validate({**DATASETS["mnist"].as_dict(), "sources": [address]})
