"""Members of a tar archive, read in memory; nothing is ever extracted to disk."""

import io
import tarfile
from collections.abc import Iterator
from pathlib import PurePosixPath

from inference_gaps.errors import UserError

__all__ = ["tar_members"]

_MAX_MEMBER_BYTES = 64 << 20
_END_OF_ARCHIVE = bytes(1024)


def tar_members(content: bytes, label: str) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the content of every regular file of an uncompressed tar archive, in its order.

    Args:
        content: the archive.
        label: how sentences call it.

    Raises:
        UserError: not a tar archive, truncated, or with a member that has no place in a data set: a link or
            device, an absolute path or one with ``..``, a file above 64 MiB or with holes, or a name given twice.
    """
    if not content.endswith(_END_OF_ARCHIVE):
        raise UserError(f"{label} is not a tar archive, or it is truncated; replace it by the original.")
    names: set[str] = set()
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
            for member in archive:
                if member.isdir():
                    continue
                name = str(PurePosixPath(member.name))
                _refuse_unsafe(member, label, name in names)
                names.add(name)
                file = archive.extractfile(member)
                if file is not None:
                    yield name, file.read()
    # Long chains of extended headers are read by recursion; sizes may be beyond any number of bytes.
    except (tarfile.TarError, ArithmeticError, EOFError, LookupError, ValueError, RecursionError) as error:
        raise UserError(
            f"{label} is not a readable tar archive ({error}); replace it by the original."
        ) from error


def _refuse_unsafe(member: tarfile.TarInfo, label: str, known: bool) -> None:
    path = PurePosixPath(member.name)
    if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE):
        problem = "is a link or a special file"
    elif path.is_absolute() or ".." in path.parts:
        problem = "has a path that leads out of the archive"
    elif member.size > _MAX_MEMBER_BYTES:
        problem = f"is larger than {_MAX_MEMBER_BYTES >> 20} MiB"
    elif member.issparse():
        problem = "has holes, which take no room in the archive but do in memory"
    elif known:
        problem = "is in it twice"
    else:
        return
    raise UserError(
        f"{label} is refused: its member {member.name!r} {problem}. "
        f"Pack plain files below <split>/<class>/ only."
    )
