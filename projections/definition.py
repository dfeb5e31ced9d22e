"""What made the rows of a build, as a hash: rules and tables."""

from __future__ import annotations

import inspect
from hashlib import sha256
from sys import modules
from typing import Final

from eventstore.database import translated
from eventstore.queries import load
from projections.projection import Projection
from projections.session import Connection

__all__ = ["definition_of"]

_SQL: Final = load("projections.sql", "builds.sql")


def definition_of(conn: Connection, projection: Projection) -> str:
    """A hash that changes with the rules' modules, their settings, and the live tables' structure.

    A build that was broken off is resumed only if it is the same, or its rows would be of two
    kinds. What the rules import from elsewhere is not in it; for that there is the version.
    """
    tables = [table.TABLE for table in projection.tables]
    with translated():
        structure = conn.execute(_SQL["structure"], {"tables": tables}).fetchone()
    parts = [
        projection.name,
        projection.version,
        projection.shard_by,
        projection.event_types,
        [(table.TABLE, table.KEY, table.NAMED_BY, table.COLUMNS) for table in projection.tables],
        sorted(vars(projection).items()),
        structure,
        *(_source(name) for name in sorted(_modules(projection))),
    ]
    return sha256(repr(parts).encode()).hexdigest()


def _modules(projection: Projection) -> set[str]:
    classes = [*type(projection).__mro__, *projection.tables]
    return {
        each.__module__
        for each in classes
        if (issubclass(each, Projection) and each is not Projection) or each in projection.tables
    }


def _source(module: str) -> str:
    try:
        return inspect.getsource(modules[module])
    except (OSError, TypeError, KeyError):
        return ""  # made at a prompt
