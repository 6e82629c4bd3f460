"""Reading YAML so that a mistake in it becomes a sentence."""

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

__all__ = ["read_yaml"]

_MOST_BYTES = 1 << 20
# Aliases can make a short file unfold without end, and validation would follow.
_MOST_VALUES = 50_000
_DEEPEST = 50
# Python refuses to print numbers of thousands of digits, also in the middle of a sentence about them.
_MOST_DIGITS = 40
# 010 is 8, and 1:30 is 90.
_OTHER_BASE = re.compile(r"[-+]?(0[0-7_]+|[0-9_]+(:[0-9]+)+)$")


class _Loader(yaml.SafeLoader):
    """A safe loader that notes what YAML itself passes over in silence, and stops at what would never end."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.problems: list[tuple[int, str]] = []

    def content(self) -> Any:
        """Return the content of the one document; ``None`` if there is none.

        Raises:
            yaml.YAMLError: it is not valid, or not of a size that a person writes.
        """
        node = self.get_single_node()
        if node is None:
            return None
        self._measure(node, {}, 0)
        return self.construct_document(node)

    def _measure(self, node: yaml.Node, known: dict[yaml.Node, int | None], depth: int) -> int:
        """Return how many values ``node`` unfolds to; ``known``: the same, ``None`` while it is counted."""
        if depth > _DEEPEST:
            raise yaml.MarkedYAMLError(
                problem=f"it nests more than {_DEEPEST} levels deep", problem_mark=node.start_mark
            )
        if node not in known:
            known[node] = None
            children = node.value if isinstance(node, yaml.CollectionNode) else []
            if isinstance(node, yaml.MappingNode):
                children = [child for pair in children for child in pair]
            known[node] = 1 + sum(self._measure(child, known, depth + 1) for child in children)
        size = known[node]
        if size is None:
            raise yaml.MarkedYAMLError(problem="an alias stands inside itself", problem_mark=node.start_mark)
        if size > _MOST_VALUES:
            raise yaml.MarkedYAMLError(
                problem=f"its aliases unfold to more than {_MOST_VALUES} values", problem_mark=node.start_mark
            )
        return size

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Make the value of a node; a 30th of February is an error of YAML, too."""
        try:
            return super().construct_object(node, deep)
        except (ValueError, KeyError, AttributeError, OverflowError) as error:
            kind = node.tag.rsplit(":", 1)[-1]
            problem = f"a value that looks like one of kind '{kind}' is none"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark) from error

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        """Make a number, and note if it is not the one that a person reads."""
        number = super().construct_yaml_int(node)
        if abs(number) >= 10**_MOST_DIGITS:
            raise yaml.MarkedYAMLError(
                problem=f"found a number of more than {_MOST_DIGITS} digits", problem_mark=node.start_mark
            )
        if _OTHER_BASE.match(node.value) and len(node.value) < 40:
            self._note(
                node, f"YAML reads {node.value} as the number {number}; write {number}, or use quotes."
            )
        return number

    def construct_yaml_str(self, node: yaml.ScalarNode) -> str:
        """Make a text; YAML can write half of a character, which no file and no command line can hold."""
        text = super().construct_yaml_str(node)
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise yaml.MarkedYAMLError(problem="found half a character", problem_mark=node.start_mark)
        return text

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Make a mapping, and note keys given twice, of which YAML lets the last one win."""
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    self._note(key, f"{key.value} is given twice; keep one of the two.")
                seen.add(key.value)
        return super().construct_mapping(node, deep)

    def _note(self, node: yaml.Node, problem: str) -> None:
        self.problems.append((node.start_mark.line + 1, problem))


_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_yaml_int)
_Loader.add_constructor("tag:yaml.org,2002:str", _Loader.construct_yaml_str)


def read_yaml(path: Path, name: str) -> tuple[Any, list[str]]:
    """Return the content of a YAML file and the problems of reading it, one sentence each.

    Args:
        path: the file.
        name: how sentences call it, such as ``config/config.yaml``.
    """
    text, problems = _text_of(path, name)
    if problems:
        return None, problems
    try:
        loader = _Loader(text)
        content = loader.content()
    except yaml.reader.ReaderError as error:
        return None, [f"{name} holds a character that YAML does not allow: {error.reason}."]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark else ""
        return None, [f"{name}{line} is not valid YAML: {error.problem}."]
    except RecursionError:
        return None, [f"{name} is not valid YAML here: it nests more than {_DEEPEST} levels deep."]
    if content is None:
        return None, [f"{name} is empty; restore it from the project."]
    return content, [f"{name}, line {line}: {problem}" for line, problem in loader.problems]


def _text_of(path: Path, name: str) -> tuple[str, list[str]]:
    try:
        if path.exists() and not path.is_file():
            return "", [f"{name} is not a file; restore it from the project."]
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            return "", [f"{name} is larger than {_MOST_BYTES >> 20} MiB; restore it from the project."]
        return content.decode("utf-8-sig"), []
    except FileNotFoundError:
        return "", [f"{name} does not exist; restore it from the project."]
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return "", [f"{name}, line {line} is not text in UTF-8; save the file as such."]
    except OSError as error:
        return "", [f"{name} cannot be read ({error.strerror}); make it a readable file."]
