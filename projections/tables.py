"""The tables of a projection: one SQL file beside its rules, from which every copy of them comes.

The file of the projection `work` in its first version is `work_v1.sql`. Its names have no schema,
so migrations run it to make the live tables, a rebuild runs it to make new ones beside them, and
the check for drift runs it to see what the live ones should be. It makes tables and what belongs
to them: keys, indexes, comments, triggers, and the protection that every read model needs.
Released, it is never changed. A version with other tables has a file of its own; one that only
changes rules goes on with the file of the version before.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any, Final

from psycopg import sql

from eventstore.connection.database import translated
from eventstore.connection.queries import load
from eventstore.errors import DatabaseFault, PermissionDenied, SchemaMismatch
from projections.errors import NotInstalled, RulesDiffer, TablesNotMade
from projections.projection import Projection
from projections.session import Connection

__all__ = ["folder_of", "live_rules", "sql_file", "template"]

_SQL: Final = load("projections.sql", "tables.sql")


def sql_file(projection: Projection) -> Path:
    """The file that makes a projection's tables: the newest one that is not newer than its rules.

    It lies in the folder of the class, or of a class from which that takes its rules. Raises
    TablesNotMade when there is none.
    """
    classes = [each for each in type(projection).__mro__ if issubclass(each, Projection)][:-1]
    folders = [folder for folder in map(folder_of, classes) if folder is not None]
    for number in range(projection.version, 0, -1):
        for folder in folders:
            file = folder / f"{projection.name}_v{number}.sql"
            if file.is_file():
                return file
    first = f"{projection.name}_v1.sql"
    raise TablesNotMade(projection.name, first, f"no such file in {folders[0] if folders else '?'}")


@contextmanager
def template(owner: Connection, projection: Projection) -> Iterator[str]:
    """A schema with the empty tables of a projection, as its file makes them, to be copied from.

    It is there for as long as the block runs, in one transaction (or in a savepoint of the
    caller's), so that nobody else sees it and nothing of it is left. Raises TablesNotMade when the
    file does not make exactly the tables that the rules fill.
    """
    file, schema = sql_file(projection), f"projections_template_{token_hex(8)}"
    with owner.transaction():
        with translated():
            before = owner.execute(_SQL["search_path"]).fetchone()
        _both(owner, "begin_template", schema=sql.Identifier(schema))
        _run(owner, projection, file)
        for problem in _problems(owner, projection, schema):
            raise TablesNotMade(projection.name, str(file), problem)
        assert before is not None, "every session has a search path"
        with translated():
            owner.execute(_SQL["set_search_path"], {"path": before[0]})
        yield schema
        names = (sql.Identifier(schema, table.TABLE) for table in projection.tables)
        _both(
            owner,
            "drop_template",
            schema=sql.Identifier(schema),
            tables=sql.SQL(", ").join(names),
        )


def live_rules(conn: Connection, versions: Sequence[Projection]) -> Projection:
    """The one of a projection's versions, given in order, for which its live tables are.

    Raises NotInstalled when it has no tables, and RulesDiffer when they are for another version.
    """
    newest = versions[-1]
    with translated():
        found = conn.execute(_SQL["live_version"], {"projection": newest.name}).fetchone()
    if found is None:
        raise NotInstalled(newest.name)
    for each in versions:
        if each.version == found[0]:
            return each
    raise RulesDiffer(newest.name, found[0], newest.version)


def folder_of(of: type) -> Path | None:
    """Where the module of a class lies; None for one that is in no file."""
    try:
        return Path(inspect.getfile(of)).parent
    except (TypeError, OSError):
        return None


def _run(owner: Connection, projection: Projection, file: Path) -> None:
    """Executes the file; an error in it is told with its line."""
    text = file.read_text(encoding="utf-8")
    try:
        with translated():
            owner.execute(text.encode(), prepare=False)
    except (DatabaseFault, SchemaMismatch, PermissionDenied) as fault:
        diag: Any = getattr(fault.__cause__, "diag", None)
        place = getattr(diag, "statement_position", None)
        line = text.count("\n", 0, int(place) - 1) + 1 if place else None
        reason = getattr(diag, "message_primary", None) or str(fault)
        raise TablesNotMade(
            projection.name, str(file), f"line {line}: {reason}" if line else reason
        ) from fault


def _problems(owner: Connection, projection: Projection, schema: str) -> Iterator[str]:
    """In what the tables that were made are not those that the rules fill, or can't be copied."""
    names = {"schema": schema}
    with translated():
        made = {name: facts for name, *facts in owner.execute(_SQL["made"], names)}
        keys = set(owner.execute(_SQL["keys"], names))
        leaving = owner.execute(_SQL["leaving"], names).fetchall()
    wanted = {table.TABLE: table for table in projection.tables}
    for name, (kind, *_) in made.items():
        if name not in wanted:
            yield f"it makes the {kind} {name}, which is no table of the projection"
        elif kind not in ("table", "partitioned table"):
            yield f"{name} is no plain table but {kind}, which a rebuild can't copy"
    for name, table in wanted.items():
        if name not in made:
            yield f"it makes no table {name}"
            continue
        _, protected, columns, partitioned = made[name]
        wanted_so = table.BY_MONTH and f"RANGE ({table.BY_MONTH})"
        if partitioned != wanted_so:
            has = f"is partitioned by {partitioned}" if partitioned else "is not partitioned"
            yield f"{name} {has}, and its rows are kept by {wanted_so or 'no month'}"
        lacking, unknown = set(table.COLUMNS) - set(columns), set(columns) - set(table.COLUMNS)
        if lacking:
            yield f"{name} has no column {min(lacking)}, which its rows have"
        if unknown:
            yield f"{name} has a column {min(unknown)}, which its rows have not"
        key = ("tenant_id", *table.KEY)
        if (name, ",".join(sorted(key))) not in keys:
            yield f"{name} has no PRIMARY KEY ({', '.join(key)})"
        if not protected:
            yield f"{name} is open to all tenants; add SELECT projections.protect('{name}')"
    for name, constraint, target in leaving:
        yield f"foreign key {constraint} of {name} points to {target}, outside the projection"


def _both(owner: Connection, query: str, **parts: sql.Composable) -> None:
    """Runs a query of two statements, which can't be prepared."""
    with translated():
        owner.execute(sql.SQL(_SQL[query]).format(**parts), prepare=False)
