"""Every stage command is handed artifacts that are damaged, of another kind, or of another model."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

from inference_gaps.replication.artifacts.files import (
    read_tensors,
    read_values,
    write_tensors,
    write_values,
)
from inference_gaps.replication.artifacts.records import record_file
from inference_gaps.replication.cli import main
from tests import synthetic_study
from tests.command_lines import arguments
from tests.faults.conftest import AIS, LOCAL, POINTS, SIMULATED
from tests.faults.folders import contents
from tests.synthetic_study import make_table, write_study

# What each command reads (by flag), and what it is asked for.
COMMANDS: dict[str, tuple[dict[str, str], dict[str, object]]] = {
    "train": ({"data": "data.safetensors"}, {"spec": {"epochs": 1, "warm_up_epochs": 0, "batch_size": 9}}),
    "take-checkpoint": ({"model": "model.safetensors"}, {"spec": {"epoch": 1}}),
    "simulate-data": ({"model": "model.safetensors"}, {"spec": {"points": 2}}),
    "optimise-local": (
        {"data": "data.safetensors", "model": "model.safetensors", "start": "local-ffg.safetensors"},
        {"spec": LOCAL | {"family": "af", "start": "local-ffg"}},
    ),
    "evaluate-iwae": (
        {"data": "data.safetensors", "model": "model.safetensors", "posterior": "local-ffg.safetensors"},
        {"spec": {"points": POINTS, "samples": 3}},
    ),
    "evaluate-ais": (
        {"data": "data.safetensors", "model": "model.safetensors", "start": "local-ffg.safetensors"},
        {"spec": AIS | {"start": "local-ffg"}},
    ),
    "evaluate-bdmc": (
        {"data": "simulated.safetensors", "model": "model.safetensors"},
        {"spec": AIS | SIMULATED},
    ),
    "evaluate-exact": ({"data": "data.safetensors", "model": "model.safetensors"}, {"spec": {"points": 2}}),
    "evaluate-units": (
        {"data": "data.safetensors", "model": "model.safetensors"},
        {"spec": {"points": 5, "samples": 3}},
    ),
    "compare-local": (
        {"data": "data.safetensors", "model": "model.safetensors", "start": "local-ffg.safetensors"},
        {"spec": {"points": 2, "copies": 2, "max_windows": 1, "samples": 4}},
    ),
    "evaluate-convergence": (
        {"data": "data.safetensors", "model": "model.safetensors", "start": "local-ffg.safetensors"},
        {"spec": {"points": 2, "samples": [2, 3], "distributions": [3, 4], "chains": 2}},
    ),
}


def command_line(stages: Path, command: str, **instead: object) -> list[str]:
    reads, options = COMMANDS[command]
    files = {flag: stages / name for flag, name in reads.items()}
    flags: dict[str, object] = {**files, "output": stages / "out", **options}
    if command == "train":
        flags["metrics"] = stages / "out.csv"
    if command == "optimise-local":
        flags["residuals"] = stages / "out.csv"
    return arguments(command, **(flags | instead))


def assert_refused(stages: Path, line: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Make sure that a command fails with the sentence, leaves no traceback and changes nothing."""
    before = contents(stages)
    capsys.readouterr()
    assert main(line) == 1
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    assert sentence in said.err, said.err
    assert contents(stages) == before


@pytest.mark.parametrize("command", COMMANDS)
def test_the_command_works_as_these_tests_call_it(command: str, stages: Path) -> None:
    assert main(command_line(stages, command)) == 0


WRONG: list[tuple[str, str]] = [
    ("iwae.csv", "was made by 'inference-gaps evaluate-iwae', not by"),
    ("missing.safetensors", "does not exist"),
    ("raw", "It is not known what made"),
    ("raw/images.gz", "cannot be read as a tensor file of this project"),
    ("data.safetensors", "was made by 'inference-gaps prepare-data', not by"),
    ("model.safetensors", "was made by 'inference-gaps train', not by"),
    ("local-ffg.safetensors", "was made by 'inference-gaps optimise-local', not by"),
    ("simulated.safetensors", "was made by 'inference-gaps simulate-data', not by"),
]


@pytest.mark.parametrize(
    ("command", "flag", "wrong", "sentence"),
    [
        (command, flag, wrong, sentence)
        for command, (reads, _) in COMMANDS.items()
        for flag, right in reads.items()
        for wrong, sentence in WRONG
        if wrong != right and not (flag == "data" and wrong in ("data.safetensors", "simulated.safetensors"))
    ],
)
def test_another_kind_of_artifact(
    command: str, flag: str, wrong: str, sentence: str, stages: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert_refused(stages, command_line(stages, command, **{flag: stages / wrong}), sentence, capsys)


def test_values_in_place_of_weights(stages: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Both are made by one command."""
    line = command_line(stages, "evaluate-iwae", model=stages / "metrics.csv")
    assert_refused(stages, line, "metrics.csv cannot be read as a tensor file of this project", capsys)


@pytest.mark.parametrize(
    ("command", "instead", "sentence"),
    [
        ("evaluate-iwae", {"data": "other-shape.safetensors"}, "holds images of 1 x 3 x 2, but the model"),
        ("evaluate-ais", {"data": "other-shape.safetensors"}, "was trained on images of 1 x 2 x 3"),
        ("evaluate-iwae", {"model": "wider.safetensors"}, "q* with 2 latent dimensions, but the model has 3"),
        (
            "evaluate-bdmc",
            {"model": "wider.safetensors"},
            "simulated from 2 latent dimensions, but the model has 3",
        ),
        ("evaluate-ais", {"start": "local-af.safetensors"}, "which holds a flow; name a q* of family ffg"),
        ("optimise-local", {"start": "local-af.safetensors"}, "which holds a flow; name a q* of family ffg"),
        ("evaluate-convergence", {"start": "local-af.safetensors"}, "which holds a flow"),
        ("compare-local", {"start": "local-af.safetensors"}, "which holds a flow"),
        ("evaluate-bdmc", {"data": "data.safetensors"}, "has no split simulated; it has train"),
        ("train", {"data": "simulated.safetensors"}, "has no split train; it has simulated"),
        ("evaluate-iwae", {"data": "simulated.safetensors"}, "has no split train; it has simulated"),
    ],
)
def test_an_artifact_of_another_model(
    command: str, instead: dict[str, str], sentence: str, stages: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {flag: stages / name for flag, name in instead.items()}
    assert_refused(stages, command_line(stages, command, **files), sentence, capsys)


def rewritten(path: Path, change: "Damage") -> None:
    tensors, provenance = read_tensors(path)
    change(tensors, provenance)
    write_tensors(path, tensors, provenance)


Damage = Callable[[dict[str, torch.Tensor], dict], object]

MODEL, LOCAL_FFG, DATA = "model.safetensors", "local-ffg.safetensors", "data.safetensors"
NO_MODEL, NO_LOCAL, NO_DATA = (
    "does not hold a model",
    "does not hold a local posterior",
    "does not hold a data set",
)
NAN, INFINITY = float("nan"), float("inf")
DAMAGE: list[tuple[str, Damage, str]] = [
    (MODEL, lambda t, p: next(iter(t.values())).fill_(NAN), "holds numbers that are not finite"),
    (LOCAL_FFG, lambda t, p: t["mean"].fill_(INFINITY), "holds numbers that are not finite, in mean"),
    (MODEL, lambda t, p: t.popitem(), NO_MODEL),
    (MODEL, lambda t, p: p.pop("data"), NO_MODEL),
    (MODEL, lambda t, p: p["data"].update(shape="abc"), NO_MODEL),
    (MODEL, lambda t, p: p["data"].update(shape=None), NO_MODEL),
    (MODEL, lambda t, p: p["spec"].update(epochs=-1), NO_MODEL),
    (LOCAL_FFG, lambda t, p: t.pop("residual"), NO_LOCAL),
    (LOCAL_FFG, lambda t, p: t.update(mean=t["mean"][:2]), NO_LOCAL),
    (LOCAL_FFG, lambda t, p: t.update(mean=torch.tensor(1.0)), NO_LOCAL),
    (LOCAL_FFG, lambda t, p: p["spec"].update(family="af"), NO_LOCAL),
    (LOCAL_FFG, lambda t, p: p["spec"].update(points="4"), NO_LOCAL),
    (DATA, lambda t, p: p.pop("data"), NO_DATA),
    (DATA, lambda t, p: p["data"].update(counts=[1]), NO_DATA),
    (DATA, lambda t, p: p["data"].update(encoding="8 bits"), NO_DATA),
    (DATA, lambda t, p: p["data"].update(shape=[1, 5, 7]), NO_DATA),
    (DATA, lambda t, p: t.update(train=t["train"][:3]), NO_DATA),
]


@pytest.mark.parametrize(("name", "change", "sentence"), DAMAGE)
def test_content_that_does_not_fit_its_kind(
    name: str, change: Damage, sentence: str, stages: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rewritten(stages / name, change)
    assert_refused(stages, command_line(stages, "evaluate-iwae"), sentence, capsys)


def test_latent_variables_that_are_not_numbers(stages: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rewritten(stages / "simulated.safetensors", lambda tensors, _: tensors["latents"].fill_(NAN))
    assert_refused(stages, command_line(stages, "evaluate-bdmc"), "not finite, in latents", capsys)


@pytest.mark.parametrize(
    "provenance",
    ["", "[1]", "{}", "null", "[" * 50_000, '{"command": 1, "fingerprint": "", "spec": {}}'],
    ids=["empty", "list", "nothing", "null", "deep", "types"],
)
def test_a_tensor_file_that_does_not_say_what_made_it(
    provenance: str, stages: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record_file(stages / "model.safetensors").unlink()
    save_file({"a": torch.zeros(1)}, stages / "model.safetensors", metadata={"provenance": provenance})
    assert_refused(stages, command_line(stages, "evaluate-iwae"), "cannot be read as a tensor file", capsys)


def header(content: str, size: int | None = None) -> bytes:
    raw = content.encode()
    return (len(raw) if size is None else size).to_bytes(8, "little") + raw


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 7,
        header("{}", size=2**63),
        header("{}", size=100_000_000_000),
        header('{"a": {"dtype": "F32", "shape": [1000000000000], "data_offsets": [0, 4000000000000]}}'),
        header('{"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}') + b"\0" * 4,
        header('{"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 0]}}') + b"\0" * 4,
        header('{"a": {"dtype": "F99", "shape": [1], "data_offsets": [0, 4]}}') + b"\0" * 4,
        header("[" * 10_000),
        header("not JSON"),
        b"\x80\x04\x95\x0f\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94.",
        b"PK\x03\x04" + b"\0" * 200,
    ],
    ids=["empty", "short", "header 2^63", "header 100 GB", "4 TB of numbers", "negative shape", "reversed",
         "type", "deep", "text", "pickle", "zip"],
)  # fmt: skip
def test_a_file_that_is_no_tensor_file(
    content: bytes, stages: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record_file(stages / "model.safetensors").unlink()
    (stages / "model.safetensors").write_bytes(content)
    assert_refused(
        stages, command_line(stages, "evaluate-iwae"), "model.safetensors cannot be read as a tensor", capsys
    )


@pytest.mark.parametrize("name", ["data.safetensors", "model.safetensors", "local-ffg.safetensors"])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.9, 0.999])
def test_truncated_tensors(name: str, share: float, stages: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = (stages / name).read_bytes()
    (stages / name).write_bytes(content[: int(share * len(content))])
    assert_refused(
        stages, command_line(stages, "evaluate-iwae"), f"{name} is not what 'inference-gaps ", capsys
    )


def replaced(old: bytes, new: bytes) -> Callable[[Path], None]:
    """Change the text of a values file."""

    def change(path: Path) -> None:
        assert old in path.read_bytes()
        path.write_bytes(path.read_bytes().replace(old, new))

    return change


def reframed(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[Path], None]:
    """Change the values, as a program would that writes such files but makes a mistake."""

    def write(path: Path) -> None:
        frame, provenance = read_values(path)
        write_values(path, change(frame), provenance)

    return write


IWAE, AIS_PRIOR, BDMC = "train/iwae-amortised.csv", "train/ais-prior.csv", "simulated/bdmc-prior.csv"
NO_VALUES = "iwae-amortised.csv is not what 'inference-gaps evaluate-iwae' wrote"


@pytest.mark.parametrize(
    ("name", "change", "sentence"),
    [
        (IWAE, replaced(b"\n0,", b"\n0;"), NO_VALUES),
        (IWAE, replaced(b"elbo", b"\xff\xfe"), NO_VALUES),
        (IWAE, lambda path: path.write_bytes(b""), NO_VALUES),
        (IWAE, lambda path: path.write_bytes(path.read_bytes()[:50]), NO_VALUES),
        (IWAE, reframed(lambda frame: frame.drop(columns="value")), "lacks the column value"),
        (IWAE, reframed(lambda frame: frame.drop(columns="bound")), "lacks the column bound"),
        (
            IWAE,
            reframed(lambda frame: frame.assign(value="high")),
            "something else than numbers in its column value",
        ),
        (
            IWAE,
            reframed(lambda frame: frame.assign(value=True)),
            "something else than numbers in its column value",
        ),
        (IWAE, reframed(lambda frame: pd.concat([frame, frame])), "holds a data point more than once"),
        (IWAE, reframed(lambda frame: frame[frame["bound"] == "elbo"]), "holds no iwae values"),
        (AIS_PRIOR, reframed(lambda frame: frame.drop(columns="acceptance")), "lacks the column acceptance"),
        (AIS_PRIOR, reframed(lambda frame: frame.iloc[:-1]), "are not of the same data points"),
        (BDMC, reframed(lambda frame: frame.drop(columns="reverse")), "lacks the column reverse"),
        (BDMC, reframed(lambda frame: frame.assign(reverse=np.nan)), "have a value that is not finite"),
    ],
)
def test_damaged_values(
    name: str,
    change: Callable[[Path], object],
    sentence: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    spec = write_study(tmp_path, ["mnist"], [0])
    change(tmp_path / "results/quick/models/mnist-ffg/seed-0" / name)
    before = contents(tmp_path)
    capsys.readouterr()
    assert make_table(tmp_path, spec) == 1
    assert sentence in capsys.readouterr().err
    assert contents(tmp_path) == before


def test_values_of_another_stage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = write_study(tmp_path, ["mnist"], [0])
    run = tmp_path / "results/quick/models/mnist-ffg/seed-0"
    write_values(run / "train/ais-prior.csv", *read_values(run / "train/iwae-amortised.csv"))
    assert make_table(tmp_path, spec) == 1
    assert (
        "was made by 'inference-gaps evaluate-iwae', not by 'inference-gaps evaluate-ais'"
        in capsys.readouterr().err
    )


def test_values_that_are_not_finite_are_counted_or_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = write_study(tmp_path, ["mnist"], [0])
    path = tmp_path / "results/quick/models/mnist-ffg/seed-0/train/ais-prior.csv"
    frame, provenance = read_values(path)
    write_values(path, frame.assign(value=np.where(frame["point"] == 0, np.nan, frame["value"])), provenance)
    assert make_table(tmp_path, spec) == 0
    table, _ = read_values(tmp_path / "results/quick/table2.csv")
    assert (table.loc[table["model"] == "mnist-ffg", "n_excluded"].dropna().astype(int) == 1).any()
    write_values(path, frame.assign(value=np.nan), provenance)
    before = contents(tmp_path)
    capsys.readouterr()
    assert make_table(tmp_path, spec) == 1
    assert "have a value that is not finite, most often in ais_prior" in capsys.readouterr().err
    assert contents(tmp_path) == before


BAD_SPECS: list[tuple[object, str]] = [
    ("nowhere.json", "neither a JSON object nor a readable file: nowhere.json"),
    ("[1, 2]", "neither a JSON object nor a readable file"),
    ("{", "--spec is not valid JSON: EOF while parsing"),
    ('{"points": 1,}', "--spec is not valid JSON: trailing comma"),
    ("{'points': 1}", "--spec is not valid JSON"),
    ('{"points": 1, "points": 2}', "--spec: points is given twice; keep one of the two"),
    ('{"points": NaN}', "--spec: points is the number nan; it must be a whole number"),
    ('{"points": Infinity}', "--spec: points is the number inf"),
    ('{"points": 1e400}', "--spec: points is the number inf"),
    ('{"points": 9223372036854775808}', "--spec: points is the number 9223372036854775808; it must be"),
    (f'{{"points": {"9" * 5000}}}', "--spec is not valid JSON: number out of range"),
    ('{"points": "3"}', "--spec: points is the text '3'; write 3 without quotes"),
    ('{"points": 0}', "--spec: points is the number 0; it must be a whole number, at least 1"),
    ('{"points": null}', "--spec: points is empty (null)"),
    ('{"point": 1}', "--spec: point is not a key; the nearest is points"),
    ('{"points": {"a": 1}}', "--spec: points is a mapping of keys to values; it must be a whole number"),
    ('{"points": 0, "seed": -1}', "--spec has 2 problems.\n  --spec: points is"),
    ('{"architecture": {"kind": "mlp"}}', "--spec: architecture is not a key"),
    (f'{{"points": {"[" * 5000}{"]" * 5000}}}', "--spec is not valid JSON: recursion limit exceeded"),
    ('{"points": "\\ud800"}', "--spec is not valid JSON"),
    ("x" * 5000, "neither a JSON object nor a readable file: " + "x" * 200 + "…"),
    ("{\udcff}", "--spec is not text in UTF-8"),
    ("", "which is not a file; name a file that holds a JSON object"),
    ("nul\0", "neither a JSON object nor a readable file"),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(BAD_SPECS)))
def test_specifications(number: int, stages: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec, sentence = BAD_SPECS[number]
    assert_refused(stages, command_line(stages, "evaluate-iwae", spec=spec), sentence, capsys)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\xff\xfe{}", "which is not text in UTF-8"),
        (b"", "--spec is not valid JSON"),
        (b"[]", "--spec: it holds an empty list; it must be a mapping of keys to values"),
        (b"points: 4\n", "--spec is not valid JSON"),
        (b" " * ((16 << 20) + 1), "which is larger than 16 MiB"),
    ],
)
def test_files_of_specifications(
    content: bytes, sentence: str, stages: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (stages / "spec.json").write_bytes(content)
    assert_refused(stages, command_line(stages, "evaluate-iwae", spec=stages / "spec.json"), sentence, capsys)


@pytest.mark.parametrize("family", [[], {}])
def test_a_family_that_is_no_text(family: object, stages: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert_refused(
        stages,
        command_line(stages, "optimise-local", spec={"family": family}),
        "--spec: family is an",
        capsys,
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_a_specification_of_another_stage(
    command: str, stages: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = {"title": "a table", "rows": []}
    assert_refused(stages, command_line(stages, command, spec=spec), "--spec: title is not a key", capsys)


def test_a_report_cannot_fetch_files_by_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    spec = {"preset": "quick", "description": "", "tables": [], "figures": ["../../etc/passwd"]}
    line = arguments(
        "write-report", spec=spec, results="results/quick", figures="figures/quick", output="x.pdf"
    )
    assert main(line) == 1
    assert (
        "--spec: figures[0] is the text '../../etc/passwd'; it must be text, a name"
        in capsys.readouterr().err
    )


def test_the_published_values(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = write_study(tmp_path, ["mnist"], [0])
    for content, sentence in (
        (b"", "cannot be read as CSV"),
        (b"a,b\n1,2\n", "lacks the column table"),
        (b"\xff\xfe", "cannot be read as CSV"),
    ):
        file = tmp_path / "published.csv"
        file.write_bytes(content)
        with pytest.MonkeyPatch.context() as patches:
            patches.setattr(synthetic_study, "PUBLISHED", file)
            capsys.readouterr()
            assert make_table(tmp_path, spec) == 1
            assert sentence in capsys.readouterr().err
