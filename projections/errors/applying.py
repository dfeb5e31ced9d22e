"""Between an event and its rows: what rules, rows or the database refuse, and what is held."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from projections.errors.base import ProjectionError, key_words

__all__ = [
    "Contradiction",
    "EventNotApplied",
    "IllegalTransition",
    "KeyNotNamed",
    "MissingRow",
    "NotHeld",
    "NotTried",
    "ProjectionPaused",
    "RowClosed",
    "RowExists",
    "TooMuchHeld",
    "Unstorable",
    "WaitsForAnother",
]


class EventNotApplied(ProjectionError):
    """Applying the event at `position` failed with `reason`; the live projection holds it."""

    def __init__(
        self, projection: str, position: int, event_type: str, reason: str, *, event_id: UUID
    ) -> None:
        self.projection, self.position = projection, position
        self.event_type, self.event_id, self.reason = event_type, event_id, reason
        super().__init__(
            f"projection {projection} can't apply {event_type} at position {position}: {reason}"
        )


class NotHeld(ProjectionError):
    """`projection` holds no event at `position`: it is applied, or not yet reached."""

    exit_code = 3

    def __init__(self, projection: str, position: int) -> None:
        self.projection, self.position = projection, position
        super().__init__(
            f"projection {projection} holds no event at position {position}; "
            f"see `eventstore projections failures list {projection}`"
        )


class WaitsForAnother(ProjectionError):
    """The event at `position` did not fail: it waits for the one at `behind`."""

    exit_code = 5

    def __init__(self, projection: str, position: int, behind: int) -> None:
        self.projection, self.position, self.behind = projection, position, behind
        super().__init__(
            f"the event at position {position} waits for the one at {behind}, which failed in "
            f"projection {projection}; deal with that one"
        )


class NotTried(ProjectionError):
    """`holder` has not tried the events at `positions` again within `seconds`; it still may."""

    def __init__(self, projection: str, positions: list[int], holder: str, seconds: float) -> None:
        self.projection, self.positions = projection, positions
        self.holder, self.seconds = holder, seconds
        super().__init__(
            f"projection {projection} is held by {holder}, which within {seconds:.0f} s has not "
            f"tried {', '.join(map(str, positions))} again; it is asked to, so look again later"
        )


class ProjectionPaused(ProjectionError):
    """`projection` goes no further: `failed` events failed, and `held` are held in all."""

    def __init__(self, projection: str, failed: int, held: int) -> None:
        self.projection, self.failed, self.held = projection, failed, held
        super().__init__(
            f"projection {projection} is paused: {failed:,} events failed and {held:,} are held "
            f"in all; see `eventstore projections failures list {projection}`, then cure the "
            f"cause and `... retry {projection} --all`, or discard, or rebuild"
        )


class TooMuchHeld(ProjectionError):
    """Of the rules of `projection`, `failed` events failed in one shard, and `held` wait in all.

    That is more than a verification or comparison keeps; `errors` are the first ones.
    """

    exit_code = 6

    def __init__(self, projection: str, failed: int, held: int, errors: Sequence[str]) -> None:
        self.projection, self.failed, self.held = projection, failed, held
        self.errors = tuple(errors)
        first = f"; the first: {errors[0]}" if errors else ""
        super().__init__(
            f"the rules of {projection} could not apply {failed:,} events of the log, and with "
            f"those that wait for them {held:,} are left out, so nothing was compared: mend the "
            f"rules, and try them on the first events with `given(...)` of projections.testing"
            f"{first}"
        )


class MissingRow(ProjectionError):
    """No row of `table` has that `key`: the event that makes it is not in the log before this."""

    def __init__(self, table: str, key: tuple[Any, ...]) -> None:
        self.table, self.key = table, key
        super().__init__(f"{table} has no row {key_words(key)}")


class RowExists(ProjectionError):
    """A row of `table` with that `key` is there already."""

    def __init__(self, table: str, key: tuple[Any, ...]) -> None:
        self.table, self.key = table, key
        super().__init__(f"{table} already has the row {key_words(key)}")


class IllegalTransition(ProjectionError):
    """A row of `table` can't go from `before` to `after`; the event says it was `claimed`."""

    def __init__(
        self, table: str, key: Any, before: str, after: str, claimed: str | None = None
    ) -> None:
        self.table, self.key, self.before, self.after = table, key, before, after
        self.claimed = claimed
        tail = f"; the event says that it was {claimed}" if claimed is not None else ""
        super().__init__(f"{table} {key} is {before} and so can't become {after}{tail}")


class RowClosed(ProjectionError):
    """Nothing more can happen to a row of `table`: it is `state`, such as expired, `since` then."""

    def __init__(self, table: str, key: Any, state: str, since: datetime) -> None:
        self.table, self.key, self.state, self.since = table, key, state, since
        super().__init__(f"{table} {key} is {state} since {since.isoformat()}")


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


class Unstorable(ProjectionError):
    """A row has a value that the database could not be told; `reason` says which kind."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"a row can't be stored: {reason}")
