"""One sentence for each problem that validation finds: file, key, what is wrong, what to write."""

import difflib
import math
import re
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from inference_gaps.errors import counted
from inference_gaps.specs.base import InvalidSpec

__all__ = ["nearest", "shown", "spec_sentences", "unknown_name", "validated"]

_Model = TypeVar("_Model", bound=BaseModel)
_Schema = dict[str, Any]

_TYPES = {
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping of keys to values",
}
_PATTERNS = {
    "^[0-9a-f]{64}$": "64 hexadecimal digits in lower case",
    "^[a-z0-9][a-z0-9-]{0,99}$": "a name: lower-case letters, digits and hyphens, at most 100",
    "^[a-z0-9](": "a name: lower-case letters, digits, hyphens, underscores and dots, at most 100",
    "^https?:": "an address that starts with http:// or https://",
    "^[A-Za-z0-9]": "the name of a file, without its folder",
    "^([A-Za-z0-9_]": "a folder below another one: no .., no / in front",
}
_MOST_SHOWN = 80
_MOST_DIGITS = 40
_MOST_PROBLEMS = 50


def nearest(name: str, valid: Iterable[str]) -> str:
    """Return how a sentence about an unknown name goes on: the nearest valid one, else all of them."""
    names = sorted(valid)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if close:
        return f"the nearest is {close[0]}"
    return f"choose one of {', '.join(names)}" if names else "there is none to choose from"


def unknown_name(place: str, name: str, kind: str, valid: Iterable[str]) -> str:
    """Return the sentence for a name that nothing has, such as a model that no file defines."""
    return f"{place} is '{shown(name)}', which is not {kind}; {nearest(name, valid)}."


def shown(text: str) -> str:
    """Return a text of the user as one line of a sentence: neither endless nor able to steer a terminal."""
    text = text if text.isprintable() else ascii(text)[1:-1]
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"


def spec_sentences(error: InvalidSpec) -> str:
    """Return what is wrong with a specification, one sentence a line if there are several."""
    first = error.error.errors()[0]
    if first["type"] == "json_invalid":
        reason = first["ctx"]["error"]
        return f'{error.place} is not valid JSON: {reason}; write an object such as {{"points": 10}}.'
    sentences = _sentences(error.spec, error.content, error.error, error.place)
    if len(sentences) == 1:
        return sentences[0]
    return "\n  ".join([f"{error.place} has {len(sentences)} problems.", *sentences])


def validated(model: type[_Model], content: Any, name: str) -> tuple[_Model | None, list[str]]:
    """Validate the content of a file.

    Args:
        model: the shape of the file.
        content: what the file holds.
        name: how sentences call the file.

    Returns:
        The validated content or ``None``, and one sentence for each problem.
    """
    if not isinstance(content, dict):
        return None, [f"{name} holds {_described(content)}, not a mapping of keys to values."]
    try:
        return model.model_validate(content), []
    except ValidationError as error:
        return None, _sentences(model, content, error, name)


def _sentences(model: type[BaseModel], content: Any, error: ValidationError, name: str) -> list[str]:
    schema = model.model_json_schema()
    problems = error.errors()
    sentences = [
        f"{name}: {_sentence(dict(problem), content, schema)}" for problem in problems[:_MOST_PROBLEMS]
    ]
    if len(problems) > _MOST_PROBLEMS:
        more = counted(len(problems) - _MOST_PROBLEMS, "problem")
        sentences.append(f"{name}: {more} more; correct these first.")
    return sentences


def _sentence(problem: dict[str, Any], content: Any, schema: _Schema) -> str:
    location = [part for part in problem["loc"] if part != "[key]"]
    kind, value = problem["type"], problem["input"]
    key = _dotted(location, content)
    expected = _at(schema, location)
    if kind == "invalid_key":
        name = str(location[-1])
        return f"the key {shown(name)} is not text; {nearest(name, _keys(_at(schema, location[:-1])))}."
    if problem["loc"][-1:] == ("[key]",):
        return f"{key} is not a name; use lower-case letters, digits and hyphens."
    if not location:
        return f"it holds {_described(value)}; it must be {_expected(schema)}."
    if kind == "extra_forbidden":
        return f"{key} is not a key; {nearest(str(location[-1]), _keys(_at(schema, location[:-1])))}."
    if kind == "missing":
        return f"{key} is missing; it must be {_expected(expected)}."
    if kind == "union_tag_not_found":
        return f"{key}.kind is missing; it must be {_expected({'enum': list(_tags(expected))})}."
    if kind == "union_tag_invalid":
        place, tag = f"{key}.{problem['ctx']['discriminator'].strip(chr(39))}", str(problem["ctx"]["tag"])
        return unknown_name(place, tag, "a kind of network", _tags(expected))
    if kind == "literal_error" and isinstance(value, str):
        return unknown_name(key, value, "allowed here", _choices(expected))
    if kind == "sentence":
        return f"{key} {problem['msg']}."
    hint = _number_hint(value, expected)
    return f"{key} is {_described(value)}; {hint or f'it must be {_expected(expected)}'}."


def _dotted(location: Sequence[str | int], content: Any) -> str:
    """Join the parts of a location that are keys of the file; pydantic adds names of union members."""
    text = ""
    for position, part in enumerate(location):
        inside = isinstance(content, list | dict) and (
            part in content if isinstance(content, dict) else isinstance(part, int) and part < len(content)
        )
        if not inside and position < len(location) - 1:
            continue
        name = shown(str(part))
        text += f"[{part}]" if isinstance(part, int) else f".{name}" if text else name
        content = content[part] if inside else None
    return text


def _at(schema: _Schema, location: Sequence[str | int]) -> _Schema:
    """Return the part of a JSON schema that describes ``location``."""
    definitions = schema.get("$defs", {})

    def resolved(node: _Schema) -> _Schema:
        if "$ref" in node:
            return resolved(definitions[node["$ref"].rsplit("/", 1)[-1]])
        if "allOf" in node and len(node["allOf"]) == 1:
            return resolved(node["allOf"][0])
        options = [option for option in node.get("anyOf", []) if option.get("type") != "null"]
        return resolved(options[0]) | {"nullable": True} if len(options) == 1 else node

    node = resolved(schema)
    for part in location:
        if isinstance(part, int):
            node = node.get("items", {})
        elif "discriminator" in node:
            node = {"$ref": node["discriminator"]["mapping"].get(part, "")} if part in _tags(node) else {}
        else:
            others = [node.get("additionalProperties"), *node.get("patternProperties", {}).values()]
            other = next((other for other in others if isinstance(other, dict)), {})
            node = node.get("properties", {}).get(part, other)
        node = resolved(node)
    return node


def _keys(schema: _Schema) -> Iterable[str]:
    return schema.get("properties", {})


def _tags(schema: _Schema) -> Iterable[str]:
    return schema.get("discriminator", {}).get("mapping", {})


def _choices(schema: _Schema) -> list[str]:
    return [str(choice) for choice in schema.get("enum", [schema["const"]] if "const" in schema else [])]


def _expected(schema: _Schema) -> str:
    if "anyOf" in schema:
        return "the word all or a list of names"
    choices = _choices(schema)
    if choices:
        text = " or ".join([", ".join(choices[:-1]), choices[-1]] if len(choices) > 1 else choices)
    else:
        text = _TYPES.get(schema.get("type", ""), "a mapping of keys to values") + _range(schema)
    return text + (" or null" if schema.get("nullable") else "")


def _range(schema: _Schema) -> str:
    parts = [
        f"{words} {_number(schema[bound])}"
        for bound, words in (
            ("minimum", "at least"),
            ("exclusiveMinimum", "greater than"),
            ("maximum", "at most"),
            ("exclusiveMaximum", "less than"),
        )
        if bound in schema
    ]
    if schema.get("minItems") or schema.get("maxItems"):
        least, most = schema.get("minItems"), schema.get("maxItems")
        return (
            f" of {least} entries"
            if least == most
            else f" of at least {least} entr{'y' if least == 1 else 'ies'}"
        )
    if schema.get("minLength"):
        parts.append("not empty")
    pattern = schema.get("pattern", "")
    parts += [words for start, words in _PATTERNS.items() if pattern.startswith(start)][:1]
    return f", {' and '.join(parts)}" if parts else ""


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(value)


def _described(value: Any) -> str:
    if value is None:
        return "empty (null)"
    if isinstance(value, bool):
        return f"the truth value {str(value).lower()}"
    if isinstance(value, int) and abs(value) >= 10**_MOST_DIGITS:
        return f"a number of more than {_MOST_DIGITS} digits"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, str):
        return f"the text '{shown(value)}'"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    if isinstance(value, dict):
        return "a mapping of keys to values" if value else "an empty mapping"
    return f"the {type(value).__name__} {shown(str(value))}"


def _number_hint(value: Any, expected: _Schema) -> str:
    """Return what to write for a number that YAML reads as text: it wants 1.0e-3 for 1e-3, and no quotes."""
    if not isinstance(value, str) or expected.get("type") not in ("integer", "number"):
        return ""
    try:
        number = float(value)
    except ValueError:
        return ""
    if len(value) > _MOST_DIGITS or not math.isfinite(number):
        return ""
    if value.strip().isdecimal():
        return f"write {value} without quotes"
    if expected["type"] == "integer" and number.is_integer():
        return f"YAML reads {value} as text, write {int(number)}"
    exponent = re.fullmatch(r"([+-]?\d+)(\.\d*)?[eE]([+-]?)(\d+)", value)
    if exponent is None:
        return f"write {shown(value)} without quotes"
    whole, fraction, sign, power = exponent.groups()
    fraction = fraction if fraction and fraction != "." else ".0"
    return f"YAML reads {value} as text, write {whole}{fraction}e{sign or '+'}{power}"
