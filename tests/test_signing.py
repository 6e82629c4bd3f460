"""What made a text, a picture or a document stands in it, and no bit of either can change unnoticed."""

import io
import json
import random
from pathlib import Path

import pytest
import typst
from matplotlib.figure import Figure
from PIL import Image

from inference_gaps.errors import UserError
from inference_gaps.replication.artifacts.files import read_provenance, write_signed
from inference_gaps.replication.artifacts.signing import signature, signed

PROVENANCE = {"command": "plot-gaps", "fingerprint": "0123", "spec": {"title": "a -- b --> ü"}}


def drawing(suffix: str) -> bytes:
    figure, file = Figure(figsize=(1, 1)), io.BytesIO()
    figure.subplots().plot([0, 1])
    figure.savefig(file, format=suffix, metadata={"CreationDate": None} if suffix == "pdf" else None)
    return file.getvalue()


CONTENTS = {
    ".html": lambda: "<!DOCTYPE html>\n<p>ü <!-- a remark --></p>\n".encode(),
    ".md": lambda: "# Title\n\n| ü |\n".encode(),
    ".tex": lambda: b"\\begin{tabular}{l}\n\\end{tabular}\n",
    ".png": lambda: drawing("png"),
    ".pdf": lambda: drawing("pdf"),
    ".json": lambda: json.dumps({"b": [1.5, None], "a": "ü"}).encode(),
}


@pytest.mark.parametrize("suffix", CONTENTS)
def test_what_is_written_is_read(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"file{suffix}"
    write_signed(path, CONTENTS[suffix](), PROVENANCE)
    found = read_provenance(path)
    assert found == {**PROVENANCE, "sha256": found["sha256"]}


@pytest.mark.parametrize("suffix", CONTENTS)
def test_no_byte_changes_unnoticed(suffix: str) -> None:
    content = signed(suffix, CONTENTS[suffix](), PROVENANCE)
    rng = random.Random(0)
    for at in {rng.randrange(len(content)) for _ in range(300)}:
        altered = bytearray(content)
        altered[at] ^= 1 << rng.randrange(8)
        if suffix == ".json" and _same(content, bytes(altered)):
            continue
        with pytest.raises((ValueError, KeyError, TypeError)):
            signature(suffix, bytes(altered))


def _same(one: bytes, other: bytes) -> bool:
    try:
        return json.loads(one) == json.loads(other)
    except ValueError:
        return False


@pytest.mark.parametrize("suffix", CONTENTS)
def test_truncated_and_foreign_files_are_sentences(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"file{suffix}"
    content = signed(suffix, CONTENTS[suffix](), PROVENANCE)
    for wrong in (content[:-40], content[: len(content) // 2], b"", CONTENTS[suffix]()):
        path.write_bytes(wrong)
        with pytest.raises(
            UserError, match=r"does not say what made it .*; delete it and run its stage again"
        ):
            read_provenance(path)


def test_programs_still_read_what_is_signed(tmp_path: Path) -> None:
    write_signed(tmp_path / "picture.png", drawing("png"), PROVENANCE)
    with Image.open(tmp_path / "picture.png") as image, Image.open(io.BytesIO(drawing("png"))) as plain:
        image.load()
        assert image.tobytes() == plain.tobytes()
        assert "inference-gaps" in image.text
    write_signed(tmp_path / "drawing.pdf", drawing("pdf"), PROVENANCE)
    (tmp_path / "text.typ").write_text('#image("drawing.pdf") #image("picture.png")')
    assert typst.compile(str(tmp_path / "text.typ"), format="pdf").startswith(b"%PDF")
    assert json.loads(signed(".json", b'{"a": 1}', PROVENANCE))["a"] == 1
