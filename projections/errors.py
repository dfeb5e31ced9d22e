"""What can go wrong between an event and its rows.

ProjectionError (an EventStoreError)
├── EventNotApplied    a projection can't apply an event; it stops there, skipping nothing
├── MissingRow         the event needs a row that no earlier event made
├── RowExists          the event makes a row that is there already
├── IllegalTransition  the event moves a row where its rules do not allow
├── Contradiction      the event says of a row what is not so
├── KeyNotNamed        a handler asked for a row that its event does not name (a bug in it)
├── LeaseLost          another projector holds the projection now; nothing was written
├── LeaseHeld          another process is at the same work
├── RulesDiffer        the rows were made by another version of the rules
├── ShardsDiffer       the events were divided by another field than these rules name
├── RebuildRefused     the tables can't be rebuilt beside the live ones, or not switched
├── ReshardRefused     a projection can't be divided into that many shards now
├── UnknownProjection  no projection of that name
├── UnknownTable       no projection has a table of that name
└── NoSuchRow          the row did not exist at that moment
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from eventstore.errors import EventStoreError

__all__ = [
    "Contradiction",
    "EventNotApplied",
    "IllegalTransition",
    "KeyNotNamed",
    "LeaseHeld",
    "LeaseLost",
    "MissingRow",
    "NoSuchRow",
    "ProjectionError",
    "RebuildRefused",
    "ReshardRefused",
    "RowExists",
    "RulesDiffer",
    "ShardsDiffer",
    "UnknownProjection",
    "UnknownTable",
]


class ProjectionError(EventStoreError):
    """The root of what projections raise."""


class EventNotApplied(ProjectionError):
    """`projection` stops at `position`, because applying that event failed with `reason`."""

    def __init__(
        self, projection: str, position: int, event_type: str, reason: str, *, event_id: UUID
    ) -> None:
        self.projection, self.position = projection, position
        self.event_type, self.event_id, self.reason = event_type, event_id, reason
        super().__init__(
            f"projection {projection} can't apply {event_type} at position {position}: {reason}"
        )


class MissingRow(ProjectionError):
    """No row of `table` has that `key`: the event that makes it is not in the log before this."""

    def __init__(self, table: str, key: tuple[Any, ...]) -> None:
        self.table, self.key = table, key
        super().__init__(f"{table} has no row {_words(key)}")


class RowExists(ProjectionError):
    """A row of `table` with that `key` is there already."""

    def __init__(self, table: str, key: tuple[Any, ...]) -> None:
        self.table, self.key = table, key
        super().__init__(f"{table} already has the row {_words(key)}")


class IllegalTransition(ProjectionError):
    """A row of `table` can't go from `before` to `after`; the event says it was `claimed`."""

    def __init__(
        self, table: str, key: Any, before: str, after: str, claimed: str | None = None
    ) -> None:
        self.table, self.key, self.before, self.after = table, key, before, after
        self.claimed = claimed
        tail = f"; the event says that it was {claimed}" if claimed is not None else ""
        super().__init__(f"{table} {key} is {before} and so can't become {after}{tail}")


class Contradiction(ProjectionError):
    """The event says that `column` of a row is `claimed`, and it is `actual`."""

    def __init__(self, table: str, key: Any, column: str, actual: Any, claimed: Any) -> None:
        self.table, self.key, self.column = table, key, column
        self.actual, self.claimed = actual, claimed
        super().__init__(
            f"{table} {key}: the event says that {column} is {claimed}, and it is {actual}"
        )


class KeyNotNamed(ProjectionError):
    """A handler asked for a row that its event does not name, so nothing loaded it."""

    def __init__(self, table: str, key: Any, event_type: str) -> None:
        self.table, self.key, self.event_type = table, key, event_type
        super().__init__(
            f"{event_type} does not name the {table} row {key}; give the event a field that "
            "does, or add the field to the table's named_by"
        )


class LeaseLost(ProjectionError):
    """`projection` is held by another projector (fencing token moved on); nothing was written."""

    def __init__(self, projection: str, fencing_token: int) -> None:
        self.projection, self.fencing_token = projection, fencing_token
        super().__init__(
            f"projection {projection}: the lease with fencing token {fencing_token} is lost; "
            "another projector goes on from the last checkpoint"
        )


class LeaseHeld(ProjectionError):
    """`holder` is at `work` already; its last sign of life was `silent_seconds` ago.

    A holder that died is followed after `lease_seconds` without a sign of life.
    """

    exit_code = 5

    def __init__(self, work: str, holder: str, silent_seconds: float, lease_seconds: float) -> None:
        self.work, self.holder = work, holder
        self.silent_seconds, self.lease_seconds = silent_seconds, lease_seconds
        super().__init__(
            f"{work} is held by {holder}, last heard of {silent_seconds:.1f} s ago; wait for it, "
            f"or, if it is dead, until {lease_seconds:.0f} s have passed"
        )


class RulesDiffer(ProjectionError):
    """The rows of `projection` were made by version `found` of its rules, this code has `ours`."""

    def __init__(self, projection: str, found: int, ours: int) -> None:
        self.projection, self.found, self.ours = projection, found, ours
        cure = (
            f"run `eventstore projections rebuild {projection}`"
            if found < ours
            else "run a newer release of this code"
        )
        super().__init__(
            f"projection {projection} holds rows of projection_version {found}, "
            f"this code has {ours}: {cure}"
        )


class ShardsDiffer(ProjectionError):
    """The shards of `projection` are by the field `found`, this code would divide by `ours`."""

    def __init__(self, projection: str, found: str | None, ours: str | None) -> None:
        self.projection, self.found, self.ours = projection, found, ours
        super().__init__(
            f"projection {projection} is divided by {found or 'some field'}, this code says "
            f"shard_by {ours}: with a release that says {found or 'which'}, run "
            f"`eventstore projections reshard {projection} --shards 1`, then go on with this one"
        )


class RebuildRefused(ProjectionError):
    """`projection` was not rebuilt, its live tables are as they were; `reason` says why."""

    def __init__(self, projection: str, reason: str) -> None:
        self.projection, self.reason = projection, reason
        super().__init__(f"projection {projection} was not rebuilt: {reason}")


class ReshardRefused(ProjectionError):
    """`projection` has the shards that it had; `reason` says why it can't get others."""

    exit_code = 5

    def __init__(self, projection: str, reason: str) -> None:
        self.projection, self.reason = projection, reason
        super().__init__(f"projection {projection} was not divided anew: {reason}")


class UnknownProjection(ProjectionError):
    """No projection is called `name`."""

    exit_code = 3

    def __init__(self, name: str, known: list[str]) -> None:
        self.name, self.known = name, known
        super().__init__(f"no projection {name!r}; there are {', '.join(known)}")


class UnknownTable(ProjectionError):
    """No projection builds a table called `name`."""

    exit_code = 3

    def __init__(self, name: str, known: list[str]) -> None:
        self.name, self.known = name, known
        super().__init__(f"no table {name!r}; there are {', '.join(known)}")


class NoSuchRow(ProjectionError):
    """`table` had no row `key` at `position`."""

    exit_code = 3

    def __init__(self, table: str, key: tuple[Any, ...], position: int) -> None:
        self.table, self.key, self.position = table, key, position
        super().__init__(f"{table} had no row {_words(key)} at position {position}")


def _words(key: tuple[Any, ...]) -> str:
    return " ".join(map(str, key))
