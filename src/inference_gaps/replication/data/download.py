"""Files from mirrors: resumed where they broke off, kept only if they are what was pinned."""

import hashlib
import http
import http.client
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import IO

from inference_gaps.errors import UserError
from inference_gaps.replication.data.raw_files import find_file, verify
from inference_gaps.replication.jobs.progress_bar import progress_bar
from inference_gaps.replication.specs.data import DatasetSpec, FileSpec

__all__ = ["fetch_dataset", "fetch_file"]

_STALL_SECONDS = 30.0
_PAUSE_SECONDS = 2.0
# A mirror may break off any number of times as long as each attempt brings something.
_FRUITLESS_ATTEMPTS = 3
_CHUNK = 1 << 16
_MAX_BYTES = 4 << 30
_TEMPORARY = (http.HTTPStatus.REQUEST_TIMEOUT, http.HTTPStatus.TOO_MANY_REQUESTS)


class _Mismatch(Exception):
    """What a mirror serves is not the file that is wanted; its message is the reason."""


def fetch_dataset(dataset: DatasetSpec, folder: Path, stall: float = _STALL_SECONDS) -> list[Path]:
    """Bring every file of a data set into ``folder``.

    Args:
        dataset: names the files, their digests and the mirrors.
        folder: where the files go; what is there already and right is kept.
        stall: seconds without a byte after which a transfer counts as broken.

    Returns:
        The path of each file.

    Raises:
        UserError: there is nothing to download, no mirror could deliver a file, or it cannot be written.
    """
    if dataset.embedded:
        raise UserError(
            f"{dataset.title} ships with the project in {dataset.folder}; nothing is to be fetched."
        )
    if not dataset.sources or not dataset.files:
        raise UserError(f"{dataset.title} has no address to download it from. {_own_folder(dataset)}")
    return [fetch_file(file, dataset, folder, stall) for file in dataset.files]


def fetch_file(file: FileSpec, dataset: DatasetSpec, folder: Path, stall: float = _STALL_SECONDS) -> Path:
    """Bring one file into ``folder``; see :func:`fetch_dataset`."""
    present = find_file(folder, file)
    if present is not None and _is_right(present, file):
        return present
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"The folder {folder} cannot be made ({error.strerror}); name another.") from error
    problems = []
    for source in dataset.sources:
        url = f"{source.rstrip('/')}/{file.name}"
        try:
            return _fetch_from(url, file, folder, stall)
        except _Mismatch as mismatch:
            problems.append(f"\n  {url}: {mismatch}")
    raise UserError(
        f"{file.name} of {dataset.title} could not be downloaded from any of its {len(problems)} addresses. "
        f"Run the same command again later (what has arrived is kept), or get the file in another way. "
        f"{_own_folder(dataset)}" + "".join(problems)
    )


def _own_folder(dataset: DatasetSpec) -> str:
    return (
        f"Put it into a folder {dataset.folder} and name the folder above that one: data_folder in "
        f"config/config.yaml, or make DATA=..."
    )


def _is_right(path: Path, file: FileSpec) -> bool:
    try:
        verify(path, file)
    except UserError:
        return False
    return True


class _WebRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirections to the web alone; urllib would follow one to FTP, too."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """Return the request that follows.

        Raises:
            _Mismatch: the new address is not one of the web.
        """
        if urllib.parse.urlsplit(newurl).scheme not in ("http", "https"):
            raise _Mismatch(f"it redirects to {newurl[:200]}, which is not an address of the web")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


_web = urllib.request.build_opener(_WebRedirects)


def _fetch_from(url: str, file: FileSpec, folder: Path, stall: float) -> Path:
    # The address is part of the name: mirrors compress differently, and halves of two mirrors are no file.
    part = folder / f"{file.name}.{hashlib.sha256(url.encode()).hexdigest()[:8]}.part"
    resumed = part.is_file() and part.stat().st_size > 0
    _transfer_all(url, part, stall)
    try:
        verify(part, file)
    except UserError as error:
        part.unlink()
        if resumed:
            # The beginning may be from another day, when the address served something else.
            return _fetch_from(url, file, folder, stall)
        raise _Mismatch(f"it serves another file than the one that is wanted ({error})") from error
    path = folder / file.name
    try:
        part.replace(path)
    except OSError as error:
        raise UserError(
            f"{path} cannot be written ({error.strerror}); move away what is there. What was downloaded is kept."
        ) from error
    return path


def _transfer_all(url: str, part: Path, stall: float) -> None:
    """Transfer until the file is whole, resuming each time that the mirror breaks off."""
    fruitless = 0
    while True:
        before = part.stat().st_size if part.exists() else 0
        try:
            _transfer(url, part, before, stall)
            return
        except urllib.error.HTTPError as error:
            answer = " ".join(f"it answers {error.code} {error.reason}".split())
            if error.code < 500 and error.code not in _TEMPORARY:
                raise _Mismatch(answer) from error
            problem = answer
        except (OSError, http.client.HTTPException) as error:
            problem = f"it could not be reached or broke off ({getattr(error, 'reason', None) or error})"
        except ValueError as error:
            raise _Mismatch(f"it answers with something that is not valid ({error})") from error
        after = part.stat().st_size if part.exists() else 0
        fruitless = 0 if after > before else fruitless + 1
        if fruitless == _FRUITLESS_ATTEMPTS:
            raise _Mismatch(problem)
        time.sleep(_PAUSE_SECONDS)


def _transfer(url: str, part: Path, have: int, stall: float) -> None:
    """Transfer what is missing beyond the first ``have`` bytes.

    Raises:
        OSError: the transfer broke off or stalled.
    """
    # Without identity, a server may compress on the fly, and positions in the file would mean nothing.
    headers = {"Accept-Encoding": "identity", "User-Agent": "inference-gaps"}
    if have:
        headers["Range"] = f"bytes={have}-"
    try:
        with _web.open(urllib.request.Request(url, headers=headers), timeout=stall) as response:
            start, total = _extent(response, have)
            _receive(response, part, start, total)
    except urllib.error.HTTPError as error:
        if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE or not have:
            raise
        # Nothing lies beyond what is there: whole, unless the length that is named says otherwise.
        length = re.fullmatch(r"bytes \*/(\d+)", error.headers.get("Content-Range", ""))
        if length and int(length[1]) != have:
            part.unlink()
            raise ConnectionError("what was there is longer than the file") from error


def _extent(response: http.client.HTTPResponse, have: int) -> tuple[int, int | None]:
    """Return where the bytes that follow begin, and the length of the whole file if the server says it."""
    if response.status == http.HTTPStatus.PARTIAL_CONTENT:
        content_range = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
        if content_range is None or int(content_range[1]) != have:
            raise _Mismatch("it sends another range than the one that was asked for")
        return have, None if content_range[2] == "*" else int(content_range[2])
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if length.isdecimal() else None


def _receive(response: http.client.HTTPResponse, part: Path, start: int, total: int | None) -> None:
    if total is not None and total > _MAX_BYTES:
        raise _Mismatch(f"it announces {total} bytes, more than {_MAX_BYTES >> 30} GiB")
    received = start
    name = part.name.rsplit(".", 2)[0]
    options = {"initial": start, "unit_scale": True, "unit_divisor": 1024}
    with _opened(part, start) as file, progress_bar(total or 0, f"fetch {name}", "B", **options) as bar:
        while chunk := response.read1(_CHUNK):
            received += len(chunk)
            if received > _MAX_BYTES:
                raise _Mismatch(f"it sends more than {_MAX_BYTES >> 30} GiB")
            _write(file, chunk, part)
            bar.update(len(chunk))
    if total is not None and received < total:
        raise ConnectionError(f"{received} of {total} bytes arrived")


def _opened(part: Path, start: int) -> IO[bytes]:
    try:
        return part.open("ab" if start else "wb", buffering=0)
    except OSError as error:
        raise UserError(f"{part} cannot be written ({error.strerror}); make its folder writable.") from error


def _write(file: IO[bytes], chunk: bytes, part: Path) -> None:
    # A full disk is no fault of the mirror: trying others would not help.
    try:
        file.write(chunk)
    except OSError as error:
        raise UserError(
            f"{part} cannot be written ({error.strerror}); free some space and run again."
        ) from error
