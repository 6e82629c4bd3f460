"""What all specifications have in common."""

import json
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from inference_gaps.errors import UserError

__all__ = ["Spec"]


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
            UserError: not JSON, or not a valid specification of this stage.
        """
        text = argument
        if not argument.lstrip().startswith("{"):
            try:
                text = Path(argument).read_text(encoding="utf-8")
            except OSError as error:
                raise UserError(
                    f"--spec is neither a JSON object nor a readable file: {argument} ({error.strerror})."
                ) from error
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"]) or "the whole object"
            raise UserError(f"--spec is not a valid {cls.__name__}: at {place}: {first['msg']}.") from error
