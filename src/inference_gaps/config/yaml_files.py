"""Reading YAML so that a mistake in it becomes a sentence."""

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

__all__ = ["read_yaml"]


class _Loader(yaml.SafeLoader):
    """A safe loader that remembers keys given twice; YAML itself lets the last one win in silence."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.duplicates: list[tuple[int, str]] = []

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    self.duplicates.append((key.start_mark.line + 1, key.value))
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path, name: str) -> tuple[Any, list[str]]:
    """Return the content of a YAML file and the problems of reading it, one sentence each.

    Args:
        path: the file.
        name: how sentences call it, such as ``config/config.yaml``.
    """
    try:
        loader = _Loader(path.read_text(encoding="utf-8"))
        content = loader.get_single_data()
    except FileNotFoundError:
        return None, [f"{name} does not exist; restore it from the project."]
    except (OSError, UnicodeDecodeError) as error:
        return None, [f"{name} cannot be read: {error}."]
    except yaml.reader.ReaderError as error:
        return None, [f"{name} holds a character that YAML does not allow: {error.reason}."]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark else ""
        return None, [f"{name}{line} is not valid YAML: {error.problem}."]
    if content is None:
        return None, [f"{name} is empty; restore it from the project."]
    return content, [
        f"{name}, line {line}: {key} is given twice; keep one of the two." for line, key in loader.duplicates
    ]
