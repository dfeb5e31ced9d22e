"""How projections are tested: given these events, then there are these rows. In memory.

For example, where `moved` takes the registered package from draft to analyzing:

    given(Packaging(), registered, moved).then(Package(id=..., status="analyzing", ...))
    given(Packaging(), registered).refuses(registered, RowExists)
    given(Packaging(), registered).holds(illegal_move, renamed)  # which names the same package

A fold that is stated in SQL as well is run in a database, which stays as it is:

    same_in_sql(url, Orders(), told(opened, shipped))
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar
from uuid import UUID

from eventstore import Event, RecordedEvent
from eventstore.encoding.codec import encode
from eventstore.registry import default_registry
from projections.apply.holding import Held, Holding
from projections.builds.same_in_sql import same_in_sql
from projections.errors import EventNotApplied
from projections.projection import Projection, State
from projections.row import Key, Row

__all__ = ["FIRST_MOMENT", "Given", "given", "recorded", "same_in_sql", "told"]

FIRST_MOMENT: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""occurred_at of position 0; each position is a second later."""

R = TypeVar("R", bound=Row)


def recorded(
    event: Event,
    position: int = 1,
    *,
    tenant: str = "default",
    agent: str | None = "tester",
    correlation_id: UUID | None = None,
) -> RecordedEvent:
    """The event as the log would return it, through the bytes that the log would hold."""
    data = encode(event)
    moment = FIRST_MOMENT + timedelta(seconds=position)
    return RecordedEvent(
        position=position,
        tenant_id=tenant,
        event_id=event.event_id,
        stream_id="story-1",
        category="story",
        stream_version=position,
        event_type=event.event_type,
        schema_version=event.schema_version,
        correlation_id=correlation_id or event.event_id,
        causation_id=None,
        agent=agent,
        target_agent=None,
        retention_class=event.retention,
        data=data,
        data_hash=hashlib.sha256(data).digest(),
        metadata=b"{}",
        occurred_at=moment,
        recorded_at=moment,
        registry=default_registry,
    )


def told(*events: Event) -> list[RecordedEvent]:
    """The events as the log would return them, at positions from 1."""
    return [recorded(event, position) for position, event in enumerate(events, 1)]


class Given:
    """What a projection makes of a story; positions count from 1."""

    def __init__(self, projection: Projection, events: tuple[Event, ...]) -> None:
        self.projection, self.events = projection, events
        self.state = self._fold()

    def then(self, *expected: Row) -> Given:
        """Asserts that the tables of these rows hold exactly them, and that a replay agrees.

        The columns that the engine fills are not compared.
        """
        for table in {type(row) for row in expected}:
            wanted = sorted((row for row in expected if type(row) is table), key=_order)
            found = sorted(self.rows(table), key=_order)
            assert found == wanted, f"{table.TABLE}: {found} is not {wanted}"
        assert _whole(self._fold()) == _whole(self.state), "a replay of the same events differs"
        return self

    def refuses(self, event: Event, cause: type[Exception]) -> EventNotApplied:
        """Asserts that the next event is refused with that cause, and changes nothing."""
        before = _whole(self.state)
        refusal: EventNotApplied | None = None
        try:
            self.projection.apply(self.state, recorded(event, len(self.events) + 1))
        except EventNotApplied as error:
            refusal = error
        assert refusal is not None, f"{event!r} was applied"
        assert isinstance(refusal.__cause__, cause), repr(refusal.__cause__)
        assert _whole(self.state) == before, "a refused event changed the rows"
        return refusal

    def holds(self, event: Event, *waiting: Event) -> EventNotApplied:
        """Asserts that the next event fails and that those after it wait for it, changing nothing.

        Returns why it failed.
        """
        before, state, holding = _whole(self.state), self._fold(), Holding()
        first = len(self.events) + 1
        for position, each in enumerate((event, *waiting), first):
            outcome = holding.apply(self.projection, state, recorded(each, position))
            assert isinstance(outcome, Held), f"{each!r} was applied"
            if position == first:
                assert outcome.error is not None
                refusal = outcome.error
            else:
                assert outcome.behind == first, f"{each!r} failed itself: {outcome.error!r}"
        assert _whole(state) == before, "events that are held changed the rows"
        return refusal

    def row(self, table: type[R]) -> R:
        """The only row of a table."""
        (only,) = self.rows(table)
        return only

    def rows(self, table: type[R]) -> list[R]:
        """The rows of a table, by key."""
        there: list[R] = [row for row in self.state[table].values() if row is not None]  # type: ignore[misc]
        return sorted(there, key=_order)

    def _fold(self) -> State:
        state = self.projection.empty()
        for position, event in enumerate(self.events, 1):
            self.projection.apply(state, recorded(event, position))
        return state


def given(projection: Projection, *events: Event) -> Given:
    """What a projection makes of these events, in this order."""
    return Given(projection, events)


def _whole(state: State) -> dict[str, dict[Key, dict[str, Any]]]:
    """A copy of every row with all of its columns, which comparing two rows leaves out."""
    return {
        table.TABLE: {key: dict(vars(row)) for key, row in rows.items() if row is not None}
        for table, rows in state.items()
    }


def _order(row: Row) -> str:
    own = [column for column in row.KEY if column not in Row.__annotations__]
    return str([getattr(row, column) for column in own])
