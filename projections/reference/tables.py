"""What the database says of its own tables, from its catalogue and its comments.

Nothing here differs from one database to the next of the same schema: no OID, no size, no date, and
of a partitioned table only the parent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from eventstore.connection.database import translated
from eventstore.connection.queries import load
from projections.session import Connection

__all__ = [
    "Column",
    "Constraint",
    "ForeignKey",
    "Index",
    "Policy",
    "Right",
    "Table",
    "Trigger",
    "read_schemas",
    "read_tables",
]

_SQL: Final = load("projections.sql", "reference.sql")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Column:
    """A column; `default` is an expression, also that of a generated one."""

    name: str
    type: str
    nullable: bool
    default: str | None
    comment: str | None


@dataclass(frozen=True, slots=True)
class Constraint:
    """A primary key, a unique key, an exclusion or a check, as `kind` says."""

    name: str
    kind: str
    columns: Sequence[str]
    definition: str
    comment: str | None


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A reference to the rows of another table, or of the same one."""

    name: str
    columns: Sequence[str]
    table: str
    """The name of the table that is referred to."""
    table_columns: Sequence[str]
    on_delete: str
    """What becomes of a row when the one is deleted that it refers to."""
    deferrable: bool
    comment: str | None


@dataclass(frozen=True, slots=True)
class Index:
    """An index that belongs to no constraint; `definition` is all that comes after USING."""

    name: str
    unique: bool
    definition: str
    comment: str | None


@dataclass(frozen=True, slots=True)
class Right:
    """What a role may do with a table, or with some of its columns."""

    role: str
    privileges: Sequence[str]
    columns: Sequence[str]
    """Empty: the whole table."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Which rows some roles see (`using`) and may write (`check`; as `using` when null)."""

    name: str
    command: str
    roles: Sequence[str]
    permissive: bool
    using: str | None
    check: str | None


@dataclass(frozen=True, slots=True)
class Trigger:
    """What a trigger does is its own comment, or that of its function."""

    name: str
    definition: str
    comment: str | None


@dataclass(frozen=True, slots=True)
class Table:
    """A table or view, and all that belongs to it."""

    schema: str
    name: str
    projection: str | None
    """The projection whose live table it is; null for tables of the log and of the engine."""
    kind: str
    comment: str | None
    owner: str
    partitioned_by: str | None
    """Such as RANGE (created_at)."""
    parts_partitioned_by: str | None
    """The same of its partitions, when these have partitions of their own."""
    row_security: bool
    """Whether policies decide about rows, also for the owner."""
    columns: Sequence[Column]
    constraints: Sequence[Constraint]
    foreign_keys: Sequence[ForeignKey]
    indexes: Sequence[Index]
    rights: Sequence[Right]
    policies: Sequence[Policy]
    triggers: Sequence[Trigger]

    @property
    def key(self) -> Sequence[str]:
        """The columns of its primary key."""
        return next((each.columns for each in self.constraints if each.kind == "primary key"), ())


def read_tables(conn: Connection) -> list[Table]:
    """Every table and view of the log and of the projections, by schema and name."""
    with conn.transaction(), translated():
        conn.execute(_SQL["look_in"])
        found = conn.execute(_SQL["tables"]).fetchall()
        about = {"tables": [oid for oid, *_ in found]}

        def parts(query: str, make: Callable[..., T]) -> dict[Any, list[T]]:
            grouped: dict[Any, list[T]] = defaultdict(list)
            for oid, *facts in conn.execute(_SQL[query], about):
                grouped[oid].append(make(*facts))
            return grouped

        of_tables = (
            parts("columns", Column),
            parts("constraints", Constraint),
            parts("foreign_keys", ForeignKey),
            parts("indexes", Index),
            parts("rights", Right),
            parts("policies", Policy),
            parts("triggers", Trigger),
        )
    return [
        Table(*facts, *(of_table.get(oid, []) for of_table in of_tables)) for oid, *facts in found
    ]


def read_schemas(conn: Connection) -> dict[str, str | None]:
    """What the log's schema and that of the projections are for, by name."""
    with translated():
        return dict(conn.execute(_SQL["schemas"]).fetchall())
