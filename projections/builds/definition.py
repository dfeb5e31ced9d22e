"""What made the rows of a build, as a hash: rules and tables."""

from __future__ import annotations

import inspect
from hashlib import sha256
from sys import modules

from projections.builds.sql_fold import fold_file
from projections.projection import Projection
from projections.tables import sql_file

__all__ = ["definition_of"]


def definition_of(projection: Projection) -> str:
    """A hash that changes with the rules' modules, their settings, and the SQL beside them.

    A build that was broken off is resumed only if it is the same, or its rows would be of two
    kinds. What the rules import from elsewhere is not in it; for that there is the version.
    Raises TablesNotMade and FoldNotStated.
    """
    in_sql = fold_file(projection)
    parts = [
        projection.name,
        projection.version,
        projection.shard_by,
        projection.event_types,
        [(table.TABLE, table.KEY, table.NAMED_BY, table.COLUMNS) for table in projection.tables],
        sorted(vars(projection).items()),
        sql_file(projection).read_bytes(),
        in_sql and in_sql.read_bytes(),
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
