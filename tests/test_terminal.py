"""What commands print: in any encoding, and to a reader that goes away."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = [sys.executable, "-m", "inference_gaps"]


def printed(*arguments: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*PROGRAM, *arguments], capture_output=True, env={**os.environ, **variables}, check=False
    )


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_output_in_any_encoding(encoding: str) -> None:
    table = Path("results/laptop/selfcheck.csv")
    for line in (["show-selfcheck", "--preset", "laptop"], ["explain", str(table)]):
        done = printed(*line, PYTHONIOENCODING=encoding, PYTHONUTF8="0")
        assert done.returncode == 0, done.stderr
        done.stdout.decode(encoding)
        assert b"?" not in done.stdout


@pytest.mark.parametrize("command", ["plan-cost", "check"])
def test_a_reader_that_goes_away(command: str) -> None:
    read, write = os.pipe()
    process = subprocess.Popen(
        [*PROGRAM, command, "--preset", "laptop"], stdout=write, stderr=subprocess.PIPE
    )
    os.close(write)
    os.close(read)
    assert process.communicate()[1] == b""
    assert process.returncode == 141
