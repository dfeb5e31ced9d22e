"""The recorders of the package `eventsourcing` over this store, for the cases that it ships.

An originator is a stream, a notification id is a position, and a tracking record is an event of a
stream of its own, in the same append. Two things differ by design: the versions of an originator
may begin with any number, but then have no gaps; and ids may have gaps, and those of two inserts
may stand between each other, since a reader stops at the watermark instead.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Sequence
from itertools import groupby, islice
from typing import Any, Final
from uuid import UUID

from eventsourcing.persistence import (
    ApplicationRecorder,
    IntegrityError,
    Notification,
    ProcessRecorder,
    StoredEvent,
    Tracking,
)
from eventsourcing.persistence import Subscription as Notifications

from eventstore import Append, Event, EventRegistry, EventStore, RecordedEvent, Subscription
from eventstore.errors import AppendRefused
from eventstore.reading import read

__all__ = ["EVENTS", "AggregateEvents", "ApplicationEvents", "ProcessEvents"]

EVENTS: Final = EventRegistry()


class Stored(Event, event_type="adapted.stored", registry=EVENTS):
    number: int
    topic: str
    state: str


class Tracked(Event, event_type="adapted.tracked", registry=EVENTS):
    notification_id: int


class ApplicationEvents(ApplicationRecorder):
    def __init__(self, store: EventStore) -> None:
        self.store = store

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        appends = self._appends(stored_events)
        return self._append(appends) if appends else []

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        found = self.store.read_stream(_stream(originator_id), backwards=desc)
        events = map(_notification, found)
        wanted = (
            StoredEvent(one.originator_id, one.originator_version, one.topic, one.state)
            for one in events
            if (gt is None or one.originator_version > gt)
            and (lte is None or one.originator_version <= lte)
        )
        return list(islice(wanted, limit))

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        after = 0 if start is None else start - inclusive_of_start
        found = self.store.read_all(after, stop, event_types=[Stored.event_type])
        wanted = (one for one in map(_notification, found) if not topics or one.topic in topics)
        return list(islice(wanted, limit))

    def max_notification_id(self) -> int | None:
        mark = self.store.watermark()
        last = self.store.database.read(
            lambda connection: read.page_before(
                connection, mark + 1, 1, tenant=self.store.tenant, registry=EVENTS
            )
        )
        return last.last.position if last else None

    def subscribe(
        self, gt: int | None = None, topics: Sequence[str] = ()
    ) -> Notifications[ApplicationRecorder]:
        return _Following(self, gt, topics)

    def _append(self, appends: Sequence[Append]) -> list[int]:
        try:
            receipts = self.store.append_many(appends)
        except AppendRefused as refused:
            raise IntegrityError(str(refused)) from refused
        return [position for receipt in receipts for position in receipt.positions]

    def _appends(self, stored_events: Sequence[StoredEvent]) -> list[Append]:
        grouped = groupby(stored_events, key=lambda each: each.originator_id)
        return [self._of_one(_stream(originator_id), list(them)) for originator_id, them in grouped]

    def _of_one(self, stream_id: str, events: list[StoredEvent]) -> Append:
        """The events of one originator, under the stream_version that their versions follow."""
        versions = [each.originator_version for each in events]
        begin = versions[0]
        if versions != list(range(begin, begin + len(versions))):
            raise IntegrityError(f"{stream_id}: {versions} have gaps")
        first = next(self.store.read_stream(stream_id, limit=1), None)
        if first is not None:
            begin = _stored(first).number
        if versions[0] < begin:
            raise IntegrityError(f"{stream_id} begins with {begin}")
        return Append(
            stream_id,
            [
                Stored(
                    number=each.originator_version,
                    topic=each.topic,
                    state=b64encode(each.state).decode(),
                )
                for each in events
            ],
            expected_version=versions[0] - begin,
        )


class AggregateEvents(ApplicationEvents):
    """Which gives no notification ids."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> None:
        super().insert_events(stored_events)


class ProcessEvents(ApplicationEvents, ProcessRecorder):
    """What was processed, and what came of it, in one append."""

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        tracking: Tracking | None = kwargs.get("tracking")
        appends = self._appends(stored_events)
        if tracking is None:
            return self._append(appends) if appends else []
        return self._append([*appends, self._tracked(tracking)])[: len(stored_events)]

    def insert_tracking(self, tracking: Tracking) -> None:
        self._append([self._tracked(tracking)])

    def max_tracking_id(self, application_name: str) -> int | None:
        last = self._last_tracked(application_name)
        return None if last is None else _tracked(last).notification_id

    def _tracked(self, tracking: Tracking) -> Append:
        last = self._last_tracked(tracking.application_name)
        if last is not None and _tracked(last).notification_id >= tracking.notification_id:
            raise IntegrityError(f"{tracking} comes after {_tracked(last)}")
        return Append(
            f"tracking-{tracking.application_name}",
            [Tracked(notification_id=tracking.notification_id)],
            expected_version=last.stream_version if last is not None else 0,
        )

    def _last_tracked(self, application_name: str) -> RecordedEvent | None:
        stream = self.store.read_stream(f"tracking-{application_name}", backwards=True, limit=1)
        return next(stream, None)


class _Following(Notifications[ApplicationEvents]):
    def __init__(self, recorder: ApplicationEvents, gt: int | None, topics: Sequence[str]) -> None:
        super().__init__(recorder, gt, topics)
        self._subscription: Subscription = recorder.store.subscribe(
            gt or 0, event_types=[Stored.event_type]
        )

    def stop(self) -> None:
        super().stop()
        self._subscription.close()

    def __next__(self) -> Notification:
        for recorded in self._subscription:
            notification = _notification(recorded)
            if not self._topics or notification.topic in self._topics:
                return notification
        raise StopIteration


def _stream(originator_id: UUID | str) -> str:
    return f"adapted-{originator_id}"


def _notification(recorded: RecordedEvent) -> Notification:
    event = _stored(recorded)
    return Notification(
        originator_id=UUID(recorded.stream_id.partition("-")[2]),
        originator_version=event.number,
        topic=event.topic,
        state=b64decode(event.state),
        id=recorded.position,
    )


def _stored(recorded: RecordedEvent) -> Stored:
    assert isinstance(recorded.event, Stored)
    return recorded.event


def _tracked(recorded: RecordedEvent) -> Tracked:
    assert isinstance(recorded.event, Tracked)
    return recorded.event
