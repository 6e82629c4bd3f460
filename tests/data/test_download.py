"""Downloads from a mirror on this machine that breaks off, stalls, and serves the wrong file."""

import gzip
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from inference_gaps.errors import UserError
from inference_gaps.replication.cli import main
from inference_gaps.replication.data import download
from inference_gaps.replication.data.download import fetch_dataset
from inference_gaps.replication.specs.data import DatasetSpec
from tests.data.raw import dataset, grey_levels, idx, sha256
from tests.faults.mounts import file_system

CONTENT = idx(grey_levels(20_000, 2, 3))
FILE = gzip.compress(CONTENT, mtime=0)
HALF = len(FILE) // 2


class Mirror(ThreadingHTTPServer):
    """Serves ``file`` below each path that starts with the name of a fault.

    ``requests`` lists path and ``Range`` of each request.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[tuple[str, str | None]] = []
        self.released = threading.Event()

    def address(self, fault: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{fault}/"


def _wrong_part(handler: "Handler", wanted: str | None) -> None:
    """Break off, then resume with bytes that were not asked for, under the name of those that were."""
    if wanted is None:
        handler.answer(200, FILE[:HALF], Content_Length=len(FILE))
    else:
        header = f"bytes {HALF}-{len(FILE) - 1}/{len(FILE)}"
        handler.answer(206, FILE[: len(FILE) - HALF], Content_Range=header)


def _wrong_range(handler: "Handler", wanted: str | None) -> None:
    """Break off, then resume elsewhere."""
    if wanted is None:
        handler.answer(200, FILE[:HALF], Content_Length=len(FILE))
    else:
        handler.answer(206, FILE, Content_Range=f"bytes 0-{len(FILE) - 1}/{len(FILE)}")


def _redirect(target: str) -> Callable[["Handler", str | None], None]:
    return lambda handler, _: handler.answer(302, b"", Location=target)


LIES: dict[str, Callable[["Handler", str | None], None]] = {
    "too-short": lambda handler, _: handler.answer(200, FILE[:HALF], Content_Length=HALF),
    "too-long": lambda handler, _: handler.answer(200, FILE + b"more", Content_Length=len(FILE) + 4),
    "longer-than-said": lambda handler, _: handler.answer(200, FILE + b"more", Content_Length=len(FILE)),
    "negative": lambda handler, _: handler.answer(200, FILE[:HALF], Content_Length=-5),
    "words": lambda handler, _: handler.answer(200, FILE[:HALF], Content_Length="many"),
    "terabytes": lambda handler, _: handler.answer(200, FILE, Content_Length=1 << 42),
    "wrong-part": _wrong_part,
    "wrong-range": _wrong_range,
    "no-range": lambda handler, wanted: handler.answer(
        206 if wanted else 200, FILE[:HALF], Content_Length=len(FILE)
    ),
    "page": lambda handler, _: handler.answer(
        200, b"<!DOCTYPE html><html>Log in</html>", Content_Type="text/html"
    ),
    "nothing": lambda handler, _: handler.answer(200, b"", Content_Length=0),
    "other-file": lambda handler, _: handler.answer(200, gzip.compress(CONTENT[:-1] + b"!")),
    "server-error": lambda handler, _: handler.answer(500, b"sorry"),
    "no-http": lambda handler, _: handler.wfile.write(b"220 mail.example ready\r\n") and None,
    "bad-chunks": lambda handler, _: handler.answer(200, b"zz\r\nabc", Transfer_Encoding="chunked"),
    "to-file": _redirect("file:///etc/passwd"),
    "to-ftp": _redirect("ftp://127.0.0.1/images.gz"),
    "to-data": _redirect("data:text/plain,hello"),
    "to-nowhere": _redirect("http://[half"),
    "to-itself": _redirect("images.gz"),
    "to-good": _redirect("/good/images.gz"),
    "silent": lambda handler, _: handler.server.released.wait(10) and None,
}


class Handler(BaseHTTPRequestHandler):
    """``broken`` breaks off half-way, ``stalled`` stops sending, ``stubborn`` ignores ranges, and so on."""

    server: Mirror

    def do_GET(self) -> None:
        fault = self.path.split("/")[1]
        wanted = self.headers["Range"]
        first_time = (self.path, None) not in self.server.requests
        self.server.requests.append((self.path, wanted))
        if fault in LIES:
            LIES[fault](self, wanted)
            return
        if fault == "missing" or (fault == "busy" and first_time):
            self.send_error(404 if fault == "missing" else 503)
            return
        file = b"an error page" if fault == "wrong" else FILE
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and fault != "stubborn" else 0
        if start >= len(file):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(file)}")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(file) - 1}/{len(file)}")
        self.send_header("Content-Length", str(len(file) - start))
        self.end_headers()
        if fault == "dead" or (fault in ("broken", "stalled", "stubborn") and not wanted):
            self.wfile.write(file[start : start + (0 if fault == "dead" else HALF)])
            self.wfile.flush()
            if fault == "stalled":
                self.server.released.wait(10)
            return
        self.wfile.write(file[start:])

    def answer(self, status: int, body: bytes, **headers: object) -> None:
        """Send what a server should not; ``_`` stands for ``-`` in the name of a header."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the output of the tests clean."""


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    monkeypatch.setattr(download, "_PAUSE_SECONDS", 0.01)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Mirror() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.released.set()
        server.shutdown()
        thread.join()


def described(mirror: Mirror, *faults: str, **pin: Any) -> DatasetSpec:
    file = {"name": "images.gz", "part": "train", **(pin or {"sha256": sha256(CONTENT)})}
    return dataset(files=[file], sources=[mirror.address(fault) for fault in faults])


def only_file(folder: Path) -> bytes:
    assert [path.name for path in folder.iterdir()] == ["images.gz"]
    return (folder / "images.gz").read_bytes()


def test_a_file_is_fetched_once(mirror: Mirror, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    assert fetch_dataset(described(mirror, "good"), folder) == [folder / "images.gz"]
    assert only_file(folder) == FILE
    fetch_dataset(described(mirror, "good"), folder)
    assert mirror.requests == [("/good/images.gz", None)]


def test_a_decompressed_file_is_kept(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / "images").write_bytes(CONTENT)
    assert fetch_dataset(described(mirror, "good"), tmp_path) == [tmp_path / "images"]
    assert mirror.requests == []


def test_a_wrong_file_is_replaced(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / "images.gz").write_bytes(FILE[:-1])
    fetch_dataset(described(mirror, "good"), tmp_path)
    assert only_file(tmp_path) == FILE


def test_a_transfer_that_breaks_off_is_resumed(mirror: Mirror, tmp_path: Path) -> None:
    fetch_dataset(described(mirror, "broken"), tmp_path)
    assert only_file(tmp_path) == FILE
    assert mirror.requests == [("/broken/images.gz", None), ("/broken/images.gz", f"bytes={HALF}-")]


def test_a_stalled_transfer_is_resumed(mirror: Mirror, tmp_path: Path) -> None:
    fetch_dataset(described(mirror, "stalled"), tmp_path, stall=0.3)
    assert only_file(tmp_path) == FILE
    assert mirror.requests[1] == ("/stalled/images.gz", f"bytes={HALF}-")


def test_a_server_without_ranges_starts_again(mirror: Mirror, tmp_path: Path) -> None:
    fetch_dataset(described(mirror, "stubborn"), tmp_path)
    assert only_file(tmp_path) == FILE


def test_a_busy_server_is_asked_again(mirror: Mirror, tmp_path: Path) -> None:
    fetch_dataset(described(mirror, "busy"), tmp_path)
    assert only_file(tmp_path) == FILE


def test_an_interrupted_run_is_resumed_by_the_next(
    mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patches:
        patches.setattr(download.time, "sleep", interrupt)
        with pytest.raises(KeyboardInterrupt):
            fetch_dataset(described(mirror, "broken"), tmp_path)
    assert [path.suffix for path in tmp_path.iterdir()] == [".part"]
    fetch_dataset(described(mirror, "broken"), tmp_path)
    assert only_file(tmp_path) == FILE
    assert mirror.requests[1:] == [("/broken/images.gz", f"bytes={HALF}-")]


def part_of(folder: Path, url: str) -> Path:
    return folder / f"images.gz.{sha256(url.encode())[:8]}.part"


@pytest.mark.parametrize("left_over", [FILE, FILE + b"more", b"something else", bytes(len(FILE))])
def test_whatever_an_earlier_run_left(mirror: Mirror, tmp_path: Path, left_over: bytes) -> None:
    part_of(tmp_path, mirror.address("good") + "images.gz").write_bytes(left_over)
    fetch_dataset(described(mirror, "good"), tmp_path)
    assert only_file(tmp_path) == FILE


def test_the_next_mirror_is_tried_and_never_mixed_in(mirror: Mirror, tmp_path: Path) -> None:
    fetch_dataset(described(mirror, "wrong", "missing", "dead", "good"), tmp_path)
    assert (tmp_path / "images.gz").read_bytes() == FILE
    assert mirror.requests[-1] == ("/good/images.gz", None)
    assert len([path for path, _ in mirror.requests if "dead" in path]) == 3


def test_a_pinned_archive_must_be_the_same_bytes(mirror: Mirror, tmp_path: Path) -> None:
    fetch_dataset(described(mirror, "good", archive_sha256=sha256(FILE)), tmp_path)
    with pytest.raises(UserError, match="it serves another file than the one that is wanted"):
        fetch_dataset(described(mirror, "good", archive_sha256="0" * 64), tmp_path / "other")


def test_all_mirrors_fail(mirror: Mirror, tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        spec = described(mirror, "wrong", "missing", "dead")
        spec = spec.model_copy(update={"sources": [*spec.sources, closed]})
        with pytest.raises(UserError) as caught:
            fetch_dataset(spec, tmp_path)
    message, *problems = str(caught.value).splitlines()
    assert message == (
        "images.gz of Tiny could not be downloaded from any of its 4 addresses. Run the same command again later "
        "(what has arrived is kept), or get the file in another way. Put it into a folder tiny and name the folder "
        "above that one: data_folder in config/config.yaml, or make DATA=..."
    )
    assert "/wrong/images.gz: it serves another file than the one that is wanted (" in problems[0]
    assert problems[1].endswith("/missing/images.gz: it answers 404 Not Found")
    assert problems[2].endswith(
        f"/dead/images.gz: it could not be reached or broke off (0 of {len(FILE)} bytes arrived)"
    )
    assert problems[3].startswith(f"  {closed}images.gz: it could not be reached or broke off (")


@pytest.mark.parametrize(
    ("lie", "sentence"),
    [
        ("too-short", "it serves another file than the one that is wanted ("),
        ("too-long", "it serves another file than the one that is wanted ("),
        ("negative", "it serves another file than the one that is wanted ("),
        ("words", "it serves another file than the one that is wanted ("),
        ("terabytes", "it announces 4398046511104 bytes, more than 4 GiB"),
        ("wrong-part", "it serves another file than the one that is wanted ("),
        ("wrong-range", "it sends another range than the one that was asked for"),
        ("no-range", "it sends another range than the one that was asked for"),
        ("page", "it serves another file than the one that is wanted ("),
        ("nothing", "it serves another file than the one that is wanted ("),
        ("other-file", "it serves another file than the one that is wanted ("),
        ("server-error", "it answers 500 Internal Server Error"),
        ("no-http", "it could not be reached or broke off (220 mail.example ready"),
        ("bad-chunks", "it could not be reached or broke off ("),
        ("to-file", "it answers 302 Found - Redirection to url 'file:///etc/passwd' is not allowed"),
        ("to-ftp", "it redirects to ftp://127.0.0.1/images.gz, which is not an address of the web"),
        ("to-data", "it answers 302 Found - Redirection to url 'data:text/plain,hello' is not allowed"),
        ("to-nowhere", "it answers with something that is not valid ("),
        (
            "to-itself",
            "it answers 302 The HTTP server returned a redirect error that would lead to an infinite loop",
        ),
        ("silent", "it could not be reached or broke off (timed out)"),
    ],
)
def test_a_mirror_that_lies_is_a_sentence_and_the_next_is_tried(
    lie: str, sentence: str, mirror: Mirror, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UserError, match="could not be downloaded from any of its 1 addresses") as caught:
        fetch_dataset(described(mirror, lie), tmp_path / "alone", stall=0.2)
    assert f"/{lie}/images.gz: {sentence}" in str(caught.value)
    assert [path.suffix for path in (tmp_path / "alone").iterdir()] in ([], [".part"])
    fetch_dataset(described(mirror, lie, "good"), tmp_path / "both", stall=0.2)
    assert (tmp_path / "both/images.gz").read_bytes() == FILE


def test_what_comes_after_the_announced_length_is_not_read(mirror: Mirror, tmp_path: Path) -> None:
    fetch_dataset(described(mirror, "longer-than-said"), tmp_path)
    assert only_file(tmp_path) == FILE


def test_a_redirection_within_the_web_is_followed(mirror: Mirror, tmp_path: Path) -> None:
    fetch_dataset(described(mirror, "to-good"), tmp_path)
    assert only_file(tmp_path) == FILE


def test_a_folder_where_the_file_belongs(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / "images.gz").mkdir()
    with pytest.raises(UserError, match=r"images\.gz cannot be written .*move away what is there"):
        fetch_dataset(described(mirror, "good"), tmp_path)
    (tmp_path / "images.gz").rmdir()
    fetch_dataset(described(mirror, "good"), tmp_path)
    assert only_file(tmp_path) == FILE


def test_a_folder_that_cannot_be_written(mirror: Mirror, tmp_path: Path) -> None:
    with (
        file_system(tmp_path / "disk", "ro") as disk,
        pytest.raises(UserError, match=r"images\.gz\..*\.part cannot be written \(Read-only file system\)"),
    ):
        fetch_dataset(described(mirror, "good"), disk)


def test_a_disk_that_fills_up_keeps_what_has_arrived(
    mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "_CHUNK", 4096)
    with file_system(tmp_path / "disk", "size=64k") as disk:
        with pytest.raises(UserError, match=r"No space left on device\); free some space and run again"):
            fetch_dataset(described(mirror, "good"), disk)
        (kept,) = disk.iterdir()
        assert 32768 <= kept.stat().st_size <= 65536
        assert FILE.startswith(kept.read_bytes())


def test_nothing_to_download(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Tiny ships with the project in tiny; nothing is to be fetched"):
        fetch_dataset(dataset(embedded=True), tmp_path)
    with pytest.raises(
        UserError, match=r"Tiny has no address to download it from\. Put it into a folder tiny"
    ):
        fetch_dataset(dataset(), tmp_path)


def test_a_folder_that_cannot_be_made(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UserError, match="file/folder cannot be made"):
        fetch_dataset(described(mirror, "good"), tmp_path / "file" / "folder")


def test_a_file_above_the_limit(mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "_MAX_BYTES", len(FILE) - 1)
    with pytest.raises(UserError, match=f"it announces {len(FILE)} bytes, more than"):
        fetch_dataset(described(mirror, "good"), tmp_path)


def test_a_full_disk_is_no_fault_of_the_mirror(
    mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        def write(self, _: bytes) -> None:
            raise OSError(28, "No space left on device")

        def __enter__(self) -> "Full":
            return self

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(download, "_opened", lambda *_: Full())
    with pytest.raises(UserError, match=r"No space left on device.*; free some space and run again"):
        fetch_dataset(described(mirror, "good", "good"), tmp_path)
    assert len(mirror.requests) == 1


def test_command_line(mirror: Mirror, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = described(mirror, "good").as_json()
    assert main(["fetch-data", "--spec", spec, "--output-folder", str(tmp_path)]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "fetch images.gz: 100%" in captured.err
    assert (
        main(["fetch-data", "--spec", described(mirror, "missing").as_json(), "--output-folder", "/proc/no"])
        == 1
    )
    assert "/proc/no cannot be made" in capsys.readouterr().err
