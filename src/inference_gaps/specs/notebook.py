"""What a notebook is executed on."""

from typing import Annotated

from pydantic import Field

from inference_gaps.specs.base import Name, Spec

__all__ = ["NotebookSpec"]

_BELOW_RESULTS = r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*(/[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*)*$"


class NotebookSpec(Spec):
    """The preset whose results a notebook reads, and which of them: paths below ``results/<preset>``."""

    preset: Name
    reads: list[Annotated[str, Field(pattern=_BELOW_RESULTS)]] = []
