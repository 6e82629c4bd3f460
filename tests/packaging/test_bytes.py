"""A clone has the bytes of the repository, whatever system it is made on."""

import shutil
import subprocess
from pathlib import Path

from tests.small_project import ROOT


def test_a_clone_that_would_convert_line_ends_does_not(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments], cwd=tmp_path, check=True
        )

    shutil.copy(ROOT / ".gitattributes", tmp_path)
    contents = {"v.csv": b"a,b\n1,2\n", "m.py": b"pass\n", "w.gz": b"a\r\n"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    windows = ["-c", "core.autocrlf=true", "-c", "core.eol=crlf"]
    git("init", "-q")
    git(*windows, "add", ".")
    git("commit", "-q", "-m", "a")
    for name in contents:
        (tmp_path / name).unlink()
    git(*windows, "checkout", "-q", ".")
    assert {name: (tmp_path / name).read_bytes() for name in contents} == contents
