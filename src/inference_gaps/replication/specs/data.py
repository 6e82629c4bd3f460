"""Data sets: where their files are, what they must contain, and how they become splits of binary pixels."""

from typing import Annotated, Literal

from pydantic import Field

from inference_gaps.specs.base import Count, Spec

__all__ = ["Binarisation", "DatasetSpec", "FileSpec", "Part", "PrepareSpec", "SplitSpec"]

Binarisation = Literal["static", "threshold", "grey256", "given"]
Part = Literal["train", "validation", "test"]
_Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Address = Annotated[str, Field(pattern=r"^https?://[^\s]+$")]
# A name, never a path: it is joined to the folder that holds the files.
_FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$")]
# Below the folder of data or downloads, never beside it.
_Folder = Annotated[
    str, Field(pattern=r"^([A-Za-z0-9_][A-Za-z0-9._ -]*)(/[A-Za-z0-9_][A-Za-z0-9._ -]*)*$", max_length=200)
]


class FileSpec(Spec):
    """One file of a data set.

    ``part`` says which part of the images it holds; an archive with a folder per part holds ``all``. ``sha256``
    is the digest of the decompressed content, ``archive_sha256`` that of the file itself.
    """

    name: _FileName
    part: Literal["train", "validation", "test", "all"]
    sha256: _Digest | None = None
    archive_sha256: _Digest | None = None


class SplitSpec(Spec):
    """Rows ``start`` to ``stop`` (exclusive; null is the end) of one part of the files."""

    part: Part
    start: Annotated[int, Field(ge=0, lt=2**31)] = 0
    stop: Count | None = None


class DatasetSpec(Spec):
    """A data set: its files, their format, the folder that ships them or the addresses that serve them.

    ``shape`` is channels, height, width of the files' images. Where ``shrink`` is above 1, each block of as many
    pixels in either direction becomes one, their mean. An ``image-folder`` without files is the folder itself.
    """

    title: str
    note: str = ""
    licence: str
    format: Literal["idx", "cifar-binary", "amat", "image-folder"]
    shape: Annotated[list[Annotated[int, Field(ge=1, le=4096)]], Field(min_length=3, max_length=3)]
    shrink: Annotated[int, Field(ge=1, le=4096)] = 1
    folder: _Folder
    embedded: bool = False
    files: list[FileSpec]
    sources: list[_Address] = []
    splits: Annotated[dict[Part, SplitSpec], Field(min_length=1)]

    @property
    def image_shape(self) -> list[int]:
        """Channels, height, width of what models are fed."""
        channels, height, width = self.shape
        return [channels, height // self.shrink, width // self.shrink]


class PrepareSpec(Spec):
    """One data set, binarised one way."""

    dataset: DatasetSpec
    binarisation: Binarisation
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
