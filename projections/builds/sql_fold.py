"""A projection's fold as SQL statements, which take a range of events at once.

They lie beside the rules, in the file that the class names as `fold_sql`, each as a named query.
They are run in order, over one range of positions after the other. Together they make of a range
what the rules make of its events one by one; or they refuse it, by an error or by giving a row, and
then nothing of the range is kept and the rules are asked.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, LiteralString

from eventstore.connection.database import lost, translated
from eventstore.connection.queries import load, named
from eventstore.errors import EventStoreError, StoreUnavailable
from eventstore.registry import default_registry
from projections.errors import FoldNotStated, SqlRefused
from projections.projection import Projection
from projections.session import Connection
from projections.tables import folder_of

__all__ = ["SqlFold", "fold_file"]

_SQL: Final = load("projections.sql", "sql_fold.sql")


def fold_file(projection: Projection) -> Path | None:
    """The file that states a projection's fold in SQL; None when its class names none.

    Raises FoldNotStated when there is no such file beside the class.
    """
    name = projection.fold_sql
    if name is None:
        return None
    folder = folder_of(type(projection))
    if folder is None or not (folder / name).is_file():
        raise FoldNotStated(projection.name, name, f"no such file in {folder or '?'}")
    return folder / name


class SqlFold:
    """The statements of a projection, over the tables in a schema.

    Raises FoldNotStated when there is no such file, or no statement in it.
    """

    def __init__(self, projection: Projection, schema: str) -> None:
        file = fold_file(projection)
        assert file is not None, "only what is stated is run"
        self._projection, self._schema = projection, schema
        self._statements = named(file.read_text(encoding="utf-8"))
        if not self._statements:
            reason = "no statement in it; each begins with a line `-- name: what_it_does`"
            raise FoldNotStated(projection.name, str(file), reason)
        by_month = [table.TABLE for table in projection.tables if table.BY_MONTH]
        if by_month:
            reason = f"{by_month[0]} is kept by month, and only the rules have its months made"
            raise FoldNotStated(projection.name, str(file), reason)
        self._known = {
            (event.event_type, event.schema_version)
            for event in projection.handlers
            if default_registry.newest(event.event_type) is event
        }

    def knows(self, event_type: str, schema_version: int) -> bool:
        """Whether SQL sees what the rules see: upcasters are theirs, and what nobody can read."""
        return (event_type, schema_version) in self._known

    def apply(self, conn: Connection, after: int, until: int) -> int:
        """Folds the events in `after` < position <= `until`, and says how many there are.

        Inside the caller's transaction, which keeps nothing when this raises SqlRefused.
        """
        span = {"after": after, "until": until, "event_types": list(self._projection.event_types)}
        with translated():
            conn.execute(_SQL["begin_range"], {"schema": self._schema})
            found = conn.execute(_SQL["schema_versions"], span).fetchall()
        for event_type, schema_version, _ in found:
            if not self.knows(event_type, schema_version):
                reason = f"{event_type} is there in schema_version {schema_version}"
                raise SqlRefused(self._projection.name, after, until, reason)
        if found:
            for name, statement in self._statements.items():
                self._run(conn, name, statement, span)
        return sum(count for _, _, count in found)

    def _run(
        self, conn: Connection, name: str, statement: LiteralString, span: dict[str, Any]
    ) -> None:
        try:
            with translated():
                answer = conn.execute(statement, span)
                row = answer.fetchone() if answer.description is not None else None
        except EventStoreError as error:
            if isinstance(error, StoreUnavailable) and lost(error):
                raise
            raise self._refused(span, f"{name}: {getattr(error, 'reason', error)}") from error
        if row is not None:
            raise self._refused(span, f"{name} gave {', '.join(map(str, row))}")

    def _refused(self, span: dict[str, Any], reason: str) -> SqlRefused:
        return SqlRefused(self._projection.name, span["after"], span["until"], reason)
