"""Reading YAML so that a mistake in it becomes a sentence."""

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

__all__ = ["read_yaml"]

# 010 is 8, and 1:30 is 90.
_OTHER_BASE = re.compile(r"[-+]?(0[0-7_]+|[0-9_]+(:[0-9]+)+)$")


class _Loader(yaml.SafeLoader):
    """A safe loader that notes what YAML itself passes over in silence."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.problems: list[tuple[int, str]] = []

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        """Make a number, and note if it is not the one that a person reads."""
        number = super().construct_yaml_int(node)
        if _OTHER_BASE.match(node.value):
            self._note(
                node, f"YAML reads {node.value} as the number {number}; write {number}, or use quotes."
            )
        return number

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
        content = loader.get_single_data()
    except yaml.reader.ReaderError as error:
        return None, [f"{name} holds a character that YAML does not allow: {error.reason}."]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark else ""
        return None, [f"{name}{line} is not valid YAML: {error.problem}."]
    except (ValueError, RecursionError) as error:  # Such as a 30th of February.
        return None, [f"{name} holds a value that cannot be read: {error}."]
    if content is None:
        return None, [f"{name} is empty; restore it from the project."]
    return content, [f"{name}, line {line}: {problem}" for line, problem in loader.problems]


def _text_of(path: Path, name: str) -> tuple[str, list[str]]:
    try:
        if path.exists() and not path.is_file():
            return "", [f"{name} is not a file; restore it from the project."]
        content = path.read_bytes()
        return content.decode("utf-8-sig"), []
    except FileNotFoundError:
        return "", [f"{name} does not exist; restore it from the project."]
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return "", [f"{name}, line {line} is not text in UTF-8; save the file as such."]
    except OSError as error:
        return "", [f"{name} cannot be read ({error.strerror}); make it a readable file."]
