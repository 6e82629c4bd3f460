"""What all specifications have in common."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from inference_gaps.errors import UserError

__all__ = ["Count", "GradientPrecision", "InvalidSpec", "Name", "Spec"]

_MOST_BYTES = 16 << 20

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,99}$")]
"""A name that becomes part of a path: never one of another folder, never too long for a file system."""

Count = Annotated[int, Field(ge=1, lt=2**31)]
"""How many of something; more than any machine holds is a slip of the keyboard."""

GradientPrecision = Literal["float32", "bfloat16"]
"""Precision of the products of gradients that steer, and enter no estimate."""


class InvalidSpec(UserError):
    """Something that is not the specification that it should be.

    The command line makes sentences of it. They are not made here, because how a mistake
    is worded must not count as code of the stages.

    Attributes:
        place: where it was given, such as ``--spec``.
        spec: what it should be.
        content: what it is: its value, or its text if that is not JSON.
        error: what is wrong with it.
    """

    def __init__(self, place: str, spec: "type[Spec]", content: Any, error: ValidationError) -> None:
        keys = [".".join(map(str, problem["loc"])) or "the whole" for problem in error.errors()]
        super().__init__(f"{place} is not a valid {spec.__name__}; correct {', '.join(keys)}.")
        self.place, self.spec, self.content, self.error = place, spec, content, error


class Spec(BaseModel):
    """A frozen set of named values; unknown names, other types and values out of range are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON types, every default written out."""
        return self.model_dump(mode="json")

    def as_json(self) -> str:
        """Return one canonical line of JSON (sorted keys)."""
        return json.dumps(self.as_dict(), sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_argument(cls, argument: str) -> Self:
        """Parse the value of ``--spec``: a JSON object, or the path of a file that holds one.

        Raises:
            UserError: not JSON, a key given twice, or not a valid specification of this stage.
        """
        text = argument if argument.lstrip().startswith("{") else _content_of(argument)
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise UserError("--spec is not text in UTF-8; write JSON in it.") from error
        try:
            spec = cls.model_validate_json(text)
        except ValidationError as error:
            readable = error.errors()[0]["type"] != "json_invalid"
            raise InvalidSpec("--spec", cls, from_json(text) if readable else text, error) from error
        json.loads(text, object_pairs_hook=_each_once)
        return spec


def _content_of(file: str) -> str:
    try:
        path = Path(file)
        if path.exists() and not path.is_file():
            raise UserError(f"--spec is {file}, which is not a file; name a file that holds a JSON object.")
        with path.open("rb") as content:
            text = content.read(_MOST_BYTES + 1)
        if len(text) > _MOST_BYTES:
            raise UserError(f"--spec is {file}, which is larger than {_MOST_BYTES >> 20} MiB; name another.")
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"--spec is {file}, which is not text in UTF-8; save it as such.") from error
    except (OSError, ValueError) as error:
        shown = file if len(file) <= 200 else f"{file[:200]}…"
        reason = getattr(error, "strerror", None) or error
        raise UserError(
            f"--spec is neither a JSON object nor a readable file: {shown} ({reason})."
        ) from error


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise UserError(f"--spec: {twice} is given twice; keep one of the two.")
    return found
