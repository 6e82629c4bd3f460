"""Binarisation by its definitions, splits, and the prepared file."""

import gzip
from pathlib import Path

import numpy as np
import pytest
import torch

from inference_gaps.errors import UserError
from inference_gaps.replication.artifacts.code import code_of
from inference_gaps.replication.artifacts.files import write_tensors
from inference_gaps.replication.artifacts.fingerprints import fingerprint
from inference_gaps.replication.cli import main
from inference_gaps.replication.data.binarisation import binarise
from inference_gaps.replication.data.preparation import prepare_splits
from inference_gaps.replication.specs.data import DatasetSpec, PrepareSpec
from inference_gaps.replication.storage.prepared_data import load_prepared
from tests.data.raw import dataset, grey_levels, idx, write_images

IMAGES = grey_levels(40, 2, 3)


def prepare(folder: Path, described: DatasetSpec, binarisation: str, seed: int = 0) -> dict[str, np.ndarray]:
    spec = PrepareSpec.model_validate({"dataset": described, "binarisation": binarisation, "seed": seed})
    return prepare_splits(spec, folder)


def test_threshold_is_at_one_half() -> None:
    levels = np.arange(256, dtype=np.uint8)[None]
    assert np.array_equal(
        binarise(levels, "threshold", 0, "train", False), (levels / 255 >= 0.5).astype(np.uint8)
    )


def test_static_draws_once_with_the_grey_level_as_probability() -> None:
    draws = 20_000
    levels = np.tile(np.array([0, 1, 64, 128, 254, 255], np.uint8), (draws, 1))
    bits = binarise(levels, "static", 5, "train", False)
    means, expected = bits.mean(axis=0), levels[0] / 255
    assert means[0] == 0
    assert means[-1] == 1
    # Six standard errors of a Bernoulli mean.
    assert (np.abs(means - expected) <= 6 * np.sqrt(expected * (1 - expected) / draws)).all()
    assert np.array_equal(bits, binarise(levels, "static", 5, "train", False))
    assert not np.array_equal(bits, binarise(levels, "static", 6, "train", False))
    assert not np.array_equal(bits, binarise(levels, "static", 5, "test", False))


def test_static_bits_are_the_same_on_every_machine() -> None:
    bits = binarise(np.full((1, 24), 128, np.uint8), "static", 0, "train", False)
    assert "".join(map(str, bits[0])) == "011001100111010110100100"


def test_grey256_keeps_bytes() -> None:
    assert np.array_equal(binarise(IMAGES, "grey256", 0, "train", False), IMAGES)


@pytest.mark.parametrize(
    ("method", "already_binary", "sentence"),
    [
        ("given", False, "the files hold grey levels; write static, threshold or grey256 instead of given"),
        ("static", True, "the files are binary already; the only binarisation is given"),
    ],
)
def test_binarisation_that_does_not_fit(method: str, already_binary: bool, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        binarise(IMAGES, method, 0, "train", already_binary)  # type: ignore[arg-type]


def test_splits_are_ranges_of_rows(tmp_path: Path) -> None:
    splits = {"train": {"part": "train", "start": 10}, "validation": {"part": "train", "stop": 10}}
    rows = prepare(tmp_path, dataset(tmp_path, IMAGES, splits=splits), "grey256")
    flat = IMAGES.reshape(40, 6)
    assert np.array_equal(rows["train"], flat[10:])
    assert np.array_equal(rows["validation"], flat[:10])


def test_an_image_is_binarised_the_same_whatever_the_splits(tmp_path: Path) -> None:
    whole = prepare(tmp_path, dataset(tmp_path, IMAGES), "static")["train"]
    cut = dataset(tmp_path, IMAGES, splits={"validation": {"part": "train", "start": 30}})
    assert np.array_equal(prepare(tmp_path, cut, "static")["validation"], whole[30:])


def test_several_files_of_a_part_follow_each_other(tmp_path: Path) -> None:
    for name, images in (("b", IMAGES[:15]), ("a", IMAGES[15:])):
        (tmp_path / name).write_bytes(idx(images))
    files = [{"name": name, "part": "train"} for name in ("b", "a")]
    rows = prepare(tmp_path, dataset(files=files), "grey256")
    assert np.array_equal(rows["train"], IMAGES.reshape(40, 6))


def test_larochelle_files_are_given(tmp_path: Path) -> None:
    (tmp_path / "images").write_bytes(b"0 1 1 0 0 1\n1 1 0 0 0 0\n")
    rows = prepare(tmp_path, dataset(format="amat"), "given")
    assert rows["train"].tolist() == [[0, 1, 1, 0, 0, 1], [1, 1, 0, 0, 0, 0]]


def test_a_folder_of_images_of_ones_own(tmp_path: Path) -> None:
    write_images(tmp_path, {f"train/a/{i}.png": image for i, image in enumerate(grey_levels(4, 2, 3))})
    rows = prepare(tmp_path, dataset(format="image-folder", files=[]), "threshold")
    assert rows["train"].shape == (4, 6)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"splits": {"test": {"part": "test"}}},
            "the split test is cut from the part test, which no file holds",
        ),
        (
            {"splits": {"train": {"part": "train", "stop": 41}}},
            "rows 0 to 41 of the part train, which has 40",
        ),
        (
            {"splits": {"train": {"part": "train", "start": 40}}},
            "rows 40 to 40 of the part train, which has 40",
        ),
        ({"files": []}, "Tiny names no files; list them under files"),
        (
            {"files": [{"name": "images.gz", "part": "all"}]},
            r"images\.gz has part all; in the format idx write train",
        ),
        ({"format": "cifar-binary"}, r"images\.gz has part train; in the format cifar-binary write all"),
        ({"shape": [1, 3, 2]}, "holds images of shape 2 x 3, not 1 x 3 x 2"),
    ],
)
def test_wrong_description(tmp_path: Path, changes: dict, sentence: str) -> None:
    dataset(tmp_path, IMAGES)
    with pytest.raises(UserError, match=sentence):
        prepare(tmp_path, dataset(**changes), "threshold")


@pytest.mark.parametrize("binarisation", ["static", "threshold", "grey256"])
def test_the_file_returns_what_was_prepared(tmp_path: Path, binarisation: str) -> None:
    described = dataset(tmp_path, IMAGES, note="made up", sources=["https://one.example/"])
    spec = PrepareSpec.model_validate({"dataset": described, "binarisation": binarisation})
    output = tmp_path / "out.safetensors"
    assert (
        main(["prepare-data", "--spec", spec.as_json(), "--folder", str(tmp_path), "--output", str(output)])
        == 0
    )
    data = load_prepared(output)
    expected = prepare_splits(spec, tmp_path)["train"]
    assert (data.shape, data.dimension, data.title, data.note) == ((1, 2, 3), 6, "Tiny", "made up")
    assert data.split_names == ("train",)
    assert data.split("train").dtype == torch.uint8
    assert np.array_equal(data.split("train").numpy(), expected)
    points = data.points("train", 7)
    assert points.dtype == torch.float32
    scale = 256 if binarisation == "grey256" else 1
    assert np.array_equal(points.numpy(), expected[:7].astype(np.float32) / scale)
    # Mirrors do not count.
    plain = spec.model_copy(update={"dataset": described.model_copy(update={"sources": []})})
    assert data.provenance["fingerprint"] == fingerprint(
        "prepare-data", plain.as_dict(), {}, code_of("prepare-data", ())
    )
    assert data.provenance["data"]["counts"] == {"train": 40}


def test_binary_images_take_one_bit_a_pixel(tmp_path: Path) -> None:
    images = grey_levels(1000, 2, 3)
    spec = PrepareSpec(dataset=dataset(tmp_path, images), binarisation="threshold")
    output = tmp_path / "out.safetensors"
    main(["prepare-data", "--spec", spec.as_json(), "--folder", str(tmp_path), "--output", str(output)])
    assert output.stat().st_size < 1000 + 4000


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    spec = PrepareSpec(dataset=dataset(tmp_path, IMAGES), binarisation="threshold")
    output = tmp_path / "out.safetensors"
    main(["prepare-data", "--spec", spec.as_json(), "--folder", str(tmp_path), "--output", str(output)])
    return output


def test_unknown_split_and_too_many_points(prepared: Path) -> None:
    data = load_prepared(prepared)
    with pytest.raises(UserError, match="Tiny has no split validation; it has train"):
        data.split("validation")
    with pytest.raises(UserError, match="Tiny has 40 images in its split train, fewer than the 41 points"):
        data.points("train", 41)


MADE = {"fingerprint": "0123", "spec": {}, "data": {}}


def test_a_file_of_another_stage_or_a_truncated_one(prepared: Path, tmp_path: Path) -> None:
    other = tmp_path / "model.safetensors"
    write_tensors(other, {"train": torch.zeros(2, 6)}, MADE | {"command": "train"})
    with pytest.raises(UserError, match=r"model\.safetensors was made by 'inference-gaps train', not by"):
        load_prepared(other)
    prepared.write_bytes(prepared.read_bytes()[:-10])
    with pytest.raises(UserError, match="is not what 'inference-gaps prepare-data' wrote"):
        load_prepared(prepared)


def command(folder: Path, *flags: str) -> list[str]:
    return ["prepare-data", "--folder", str(folder), "--output", str(folder / "out.safetensors"), *flags]


def test_command_line_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    folder = Path("data/embedded/mnist-small")
    output = tmp_path / "small.safetensors"
    flags = ["--dataset", "mnist-small", "--binarisation", "threshold", "--folder", str(folder)]
    assert main(["prepare-data", *flags, "--output", str(output)]) == 0
    assert load_prepared(output).split("train").shape == (4000, 784)
    assert main(command(tmp_path, "--dataset", "mnist-smal", "--binarisation", "static")) == 1
    assert "has no data set mnist-smal; the nearest is mnist-small" in capsys.readouterr().err
    assert main(command(tmp_path, "--dataset", "mnist-small")) == 1
    assert "--dataset needs --binarisation" in capsys.readouterr().err
    assert main(command(tmp_path, "--dataset", "mnist-small", "--binarisation", "static", "--seed=-1")) == 1
    assert "seed is the number -1; it must be a whole number" in capsys.readouterr().err


def test_damaged_files_end_the_command_and_leave_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = PrepareSpec(dataset=dataset(tmp_path, IMAGES), binarisation="threshold").as_json()
    (tmp_path / "images.gz").write_bytes(gzip.compress(idx(IMAGES[:-1])))
    assert main(command(tmp_path, "--spec", spec)) == 1
    assert "is damaged, incomplete or another file" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["images.gz"]
