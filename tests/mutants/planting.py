"""Putting a bug into a function of the package while a block runs."""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, FunctionType
from typing import Any

__all__ = ["innermost", "planted"]


def innermost(function: Callable[..., Any]) -> FunctionType:
    """Return the function that was written, without decorators such as ``torch.no_grad`` and without binding."""
    unwrapped = inspect.unwrap(getattr(function, "__func__", function))
    if not isinstance(unwrapped, FunctionType):
        raise TypeError(f"{function!r} is not a function that was written in Python.")
    return unwrapped


def _compiled(function: FunctionType, tree: ast.Module) -> CodeType:
    """Compile the one definition in ``tree``, and return the code of the function itself."""
    definition = tree.body[0]
    assert isinstance(definition, ast.FunctionDef)
    # Decorators stay as they are, around the function whose code is swapped.
    definition.decorator_list = []
    module = compile(tree, f"<mutant of {function.__qualname__}>", "exec")
    (code,) = (each for each in module.co_consts if isinstance(each, CodeType))
    if code.co_freevars != function.__code__.co_freevars:
        raise ValueError(
            f"{function.__qualname__} closes over variables that its source alone does not have."
        )
    return code


@contextmanager
def planted(function: Callable[..., Any], old: str, new: str) -> Iterator[None]:
    """Replace ``old`` by ``new`` in the source of ``function`` while the block runs.

    The code of the function object itself is swapped, so that every module that imported it runs the mutant.

    Args:
        function: a function or method of the package.
        old: text as it stands in the file, over several lines if need be.
        new: what takes its place.

    Raises:
        ValueError: ``old`` does not occur exactly once, or the mutant is the same program.
    """
    target = innermost(function)
    source = inspect.getsource(target)
    if source.count(old) != 1:
        raise ValueError(f"{old!r} occurs {source.count(old)} times in {target.__qualname__}, not once.")
    before, after = (ast.parse(textwrap.dedent(text)) for text in (source, source.replace(old, new)))
    if ast.dump(before) == ast.dump(after):
        raise ValueError(f"With {new!r} for {old!r}, {target.__qualname__} is the same program.")
    original, mutant = target.__code__, _compiled(target, after)
    target.__code__ = mutant
    try:
        yield
    finally:
        target.__code__ = original
