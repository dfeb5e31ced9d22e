"""JSON Schemas: whether a value is one, and how another value breaks it. Pure: nothing is fetched.

A schema stands for itself: what it refers to is in it, or is a dialect of JSON Schema, as nobody
can tell what another place on the network will say tomorrow. The library behind this is loaded
when it is first needed, because few processes state schemas.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from jsonschema import ValidationError
    from jsonschema.protocols import Validator
    from referencing import Registry, Resource
    from referencing._core import Resolver

__all__ = ["breach", "problem"]

_REFERENCES: Final = ("$ref", "$dynamicRef", "$recursiveRef")


def problem(schema: dict[str, Any]) -> str | None:
    """Why `schema` is no JSON Schema that stands for itself, in words; None when it is one."""
    from jsonschema import SchemaError

    dialect = _dialect(schema)
    if dialect is None:
        return f"no JSON Schema of a known dialect: its $schema is {schema['$schema']!r}"
    try:
        dialect.check_schema(schema)
        lost = next(_lost(_resource(schema), _registry().resolver_with_root(_resource(schema))), "")
    except SchemaError as error:
        return f"no JSON Schema: {_words(error)}"
    except RecursionError:
        return "no JSON Schema that can be checked: it is nested too deeply"
    return f"a JSON Schema that refers to what is not in it: {lost}" if lost else None


def breach(schema: dict[str, Any], value: Any) -> tuple[str, str] | None:
    """Where and how `value` breaks a schema that has no `problem`; None when it obeys it.

    Where is a JSON path, empty for the value as a whole.
    A `pattern` is matched by Python's `re`, in whatever time that takes.
    """
    from jsonschema.exceptions import best_match

    dialect = _dialect(schema)
    assert dialect is not None, "it has no problem"
    try:
        # Given a registry, the library does not fetch what that lacks.
        error = best_match(dialect(schema, registry=_registry()).iter_errors(value))
    except RecursionError:
        return "", "it can't be checked: the schema refers to itself without end"
    return None if error is None else _place_and_words(error)


def _dialect(schema: dict[str, Any]) -> type[Validator] | None:
    """What knows the dialect that a schema names, 2020-12 if none; None for one not known here."""
    from jsonschema import Draft3Validator, Draft202012Validator
    from jsonschema.validators import validator_for

    if "$schema" not in schema:
        return Draft202012Validator
    if not isinstance(schema["$schema"], str):
        return None
    # The third draft has references where all others have types, and nobody uses it.
    found = validator_for(schema, default=Draft3Validator)
    return None if found is Draft3Validator else found


def _registry() -> Registry[Any]:
    """The dialects themselves, and no way to anything else."""
    from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped]

    known: Registry[Any] = REGISTRY
    return known


def _resource(schema: dict[str, Any]) -> Resource[Any]:
    from referencing import Resource
    from referencing.jsonschema import DRAFT202012

    return Resource.from_contents(schema, default_specification=DRAFT202012)


def _lost(part: Resource[Any], resolver: Resolver[Any]) -> Iterator[str]:
    """The references in a part of a schema that lead nowhere."""
    from referencing.exceptions import Unresolvable

    if isinstance(part.contents, Mapping):
        for reference in filter(None, map(part.contents.get, _REFERENCES)):
            try:
                found = resolver.lookup(reference).contents
            except (Unresolvable, ValueError, TypeError):  # or no pointer into what is there
                found = None
            if not isinstance(found, (Mapping, bool)):
                yield reference
    for inner in part.subresources():
        yield from _lost(inner, resolver.in_subresource(inner))


def _words(error: ValidationError | Any) -> str:
    """An error of the library in a line."""
    return ": ".join(filter(None, _place_and_words(error)))


def _place_and_words(error: ValidationError | Any) -> tuple[str, str]:
    message = error.message if len(error.message) <= 300 else error.message[:300] + "…"
    return (error.json_path if error.absolute_path else ""), message
