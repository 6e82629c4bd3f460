"""The command line: a Python file or a file of weights, data of the usual kinds, and nothing unpickled."""

import json
import os
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from inference_gaps.errors import UserError
from inference_gaps.foreign.data_files import read_data
from inference_gaps.foreign.loading import load, sha256_of
from inference_gaps.replication.cli import main
from tests.foreign.models import Linear

X = np.random.default_rng(0).normal(size=(8, 12))
NAMES = {"encoder": ["encoder"], "decoder": ["decoder"], "likelihood": "gaussian", "sigma": 0.5}
SCRIPT = """
import inference_gaps as gaps
from tests.foreign.models import Linear

def vae():
    return Linear().vae()

net = Linear()
broken = lambda: 1 / 0
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_vae.py").write_text(SCRIPT)
    np.save("x.npy", X)
    save_file(Linear().state_dict(), "net.safetensors")
    (tmp_path / "names.yaml").write_text(json.dumps(NAMES))
    return tmp_path


def _run(*arguments: str) -> int:
    common = ("--data", "x.npy", "--output", "gaps", "--effort", "quick", "--local", "ffg")
    return main(["measure", *arguments, *(() if "--data" in arguments else common)])


def test_a_python_file_and_a_file_of_weights_give_the_same_numbers(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run("my_vae.py:vae") == 0
    told = capsys.readouterr()
    assert "Running my_vae.py to get its vae." in told.err
    assert "log p(x)" in told.out
    points = pd.read_csv("gaps/points.csv")
    assert len(points) == 8
    assert _run("--model", "net.safetensors", "--map", "names.yaml") == 0
    np.testing.assert_allclose(pd.read_csv("gaps/points.csv")["log_p"], points["log_p"], atol=1e-4)
    files = json.loads(Path("gaps/result.json").read_text())["settings"]["files"]
    assert files["model"] == {"file": "net.safetensors", "sha256": sha256_of("net.safetensors")}
    assert set(files) == {"data", "model", "map"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "Name either a Python file"),
        (("my_vae.py",), "is not FILE.py:NAME"),
        (("other.py:vae",), "is not a file"),
        (("my_vae.py:net",), "net in my_vae.py is Linear"),
        (("my_vae.py:broken",), "ZeroDivisionError"),
        (("my_vae.py:nothing",), "is NoneType"),
        (("my_vae.py:vae", "--map", "names.yaml"), "name that file by --model"),
        (("--model", "net.safetensors"), "does not say what model it holds"),
        (("--model", "absent.pt"), "is not a file"),
        (("my_vae.py:vae", "--local", "gaussian"), "the families of q"),
        (("my_vae.py:vae", "--points", "0"), "points is 0"),
        (("my_vae.py:vae", "--output", "x.npy"), "which is a file"),
    ],
)
def test_what_cannot_be_meant_ends_in_a_sentence(
    folder: Path, arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ("--data", "x.npy", *(() if "--output" in arguments else ("--output", "gaps")))
    assert main(["measure", *arguments, *given]) == 1
    assert words in capsys.readouterr().err


class _Harmful:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("made-by-a-pickle",)


@pytest.mark.parametrize("name", ["x.pt", "x.npy", "x.npz"])
def test_nothing_is_unpickled(folder: Path, name: str) -> None:
    if name == "x.pt":
        torch.save(_Harmful(), name)
    elif name == "x.npy":
        np.save(name, np.array([_Harmful()], dtype=object), allow_pickle=True)
    else:
        np.savez(name, x=np.array([_Harmful()], dtype=object))
    with pytest.raises(UserError, match=r"holds more than tensors|is no readable"):
        read_data(Path(name), 5)
    Path("weights.pt").write_bytes(pickle.dumps(_Harmful(), 2))
    with pytest.raises(UserError, match="nothing is unpickled"):
        load("weights.pt", NAMES)
    assert not Path("made-by-a-pickle").exists()


def test_data_of_the_usual_kinds_are_the_same(folder: Path) -> None:
    np.savez("x.npz", x=X)
    torch.save(torch.from_numpy(X), "x.pt")
    pd.DataFrame(X).to_csv("x.csv", index=False)
    save_file({"test": torch.from_numpy(X), "train": torch.from_numpy(X + 1)}, "x.safetensors")
    for name in ("x.npy", "x.npz", "x.pt", "x.csv", "x.safetensors"):
        np.testing.assert_allclose(read_data(Path(name), 5), X[:5], rtol=1e-6)


def test_images_are_taken_to_zero_to_one(folder: Path) -> None:
    Path("images").mkdir()
    for index in range(3):
        Image.fromarray(np.full((4, 5), 51 * index, dtype=np.uint8)).save(f"images/{index}.png")
    x = read_data(Path("images"), 2)
    assert x.shape == (2, 1, 4, 5)
    assert x.amax((1, 2, 3)).tolist() == pytest.approx([0, 0.2])
    Image.fromarray(np.zeros((4, 4), dtype=np.uint8)).save("images/3.png")
    with pytest.raises(UserError, match="images of one size"):
        read_data(Path("images"), 9)


@pytest.mark.parametrize(
    ("content", "words"),
    [("a,b\n1,x\n", "column b, which holds no numbers"), ("", "no readable"), (None, "does not exist")],
)
def test_data_that_cannot_be_read_end_in_a_sentence(folder: Path, content: str | None, words: str) -> None:
    if content is not None:
        Path("data.csv").write_text(content)
    with pytest.raises(UserError, match=words):
        read_data(Path("data.csv"), 5)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"encoder": ["enc"]}, "no linear layer enc; its layers are"),
        ({"activation": "sine"}, "write one of elu"),
        ({"likelihood": None}, "write bernoulli"),
        ({"layers": 3}, "which is not known"),
        ({"decoder": "decoder"}, "a list of the names"),
        ({"mean": "decoder"}, "name both heads"),
        ({"sigma": None}, "either sigma"),
    ],
)
def test_a_map_that_does_not_fit_ends_in_a_sentence(
    folder: Path, change: dict[str, object], words: str
) -> None:
    with pytest.raises(UserError, match=words):
        load("net.safetensors", {**NAMES, **change})
