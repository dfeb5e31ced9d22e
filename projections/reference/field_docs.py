"""What the source says of the fields of an event: the docstring below a field, or below its type.

Pydantic could take docstrings into its schemas itself, but would parse the source of every module
of events whenever one is imported. Only who writes documentation needs them.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from itertools import pairwise

from eventstore.event import Event

__all__ = ["field_docs"]


def field_docs(cls: type[Event]) -> dict[str, str]:
    """By field, what it means, in one line; a field of which nothing is said is left out.

    A docstring below the field counts before that of the named type that it has, such as `Share`.
    """
    found: dict[str, str] = {}
    for each in reversed(cls.__mro__):
        if issubclass(each, Event) and each is not Event:
            found |= _of_class(each.__module__, each.__name__)
    return {name: words for name, words in found.items() if name in cls.model_fields}


def _of_class(module: str, name: str) -> dict[str, str]:
    body = next(
        (
            node.body
            for node in _body(module)
            if isinstance(node, ast.ClassDef) and node.name == name
        ),
        [],
    )
    of_types = {
        node.target.id: words
        for node in body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
        if (words := _of_annotation(module, node.annotation))
    }
    return of_types | dict(_below(body))


def _of_annotation(module: str, annotation: ast.expr) -> str | None:
    names = [node.id for node in ast.walk(annotation) if isinstance(node, ast.Name)]
    return next(filter(None, (_of_name(module, name) for name in names)), None)


@cache
def _of_name(module: str, name: str) -> str | None:
    """What is said of a name where it is assigned: in that module, or where that has it from."""
    for assigned, words in _below(_body(module)):
        if assigned == name:
            return words
    for node in _body(module):
        if isinstance(node, ast.ImportFrom) and any(name == alias.name for alias in node.names):
            return _of_name(node.module or "", name)
    return None


def _below(body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    """The names that are assigned with a docstring below, and that in one line."""
    for node, after in pairwise(body):
        target = (
            node.target
            if isinstance(node, ast.AnnAssign)
            else node.targets[0]
            if isinstance(node, ast.Assign)
            else None
        )
        if (
            isinstance(target, ast.Name)
            and isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
            and isinstance(after.value.value, str)
        ):
            yield target.id, " ".join(after.value.value.split())


@cache
def _body(module: str) -> list[ast.stmt]:
    """The statements of a module; none of one whose source is not there."""
    try:
        return ast.parse(inspect.getsource(import_module(module))).body
    except (OSError, TypeError, ImportError):
        return []
