"""Did this append commit? Asked by its ids, by its key, and after the one who knew has died."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from uuid import uuid4

import pytest

from eventstore import Append, AsyncEventStore, EventStore, events_with_key
from eventstore.connection.database import Connection
from eventstore.errors import DuplicateEventId, InvalidEvent
from tests.integration.log.facts import FACTS, Asked, Said, said
from tests.integration.log.processes import children
from tests.integration.log.raw_append import append
from tests.integration.log.waiting import until


def test_a_receipt_is_found_again(store: EventStore) -> None:
    facts = said(3)
    assert store.receipt_of(facts) is None
    receipt = store.append("s-1", facts)
    store.append("s-1", [Said()])
    assert store.receipt_of(facts) == receipt
    assert store.receipt_of([event.event_id for event in facts]) == receipt
    assert store.committed([*facts, Said(), uuid4()]) == {event.event_id for event in facts}
    assert store.receipt_of([]) is None


def test_what_is_no_append_has_no_receipt(store: EventStore) -> None:
    first, second, new = Said(), Said(), Said()
    store.append_many([Append("s-1", [first]), Append("s-2", [second])])
    with pytest.raises(DuplicateEventId, match="another stream"):
        store.receipt_of([first, second])
    with pytest.raises(DuplicateEventId, match="partly recorded"):
        store.receipt_of([first, new])
    third = Said()
    store.append("s-1", [third])
    with pytest.raises(DuplicateEventId, match="in another order"):
        store.receipt_of([third, first])
    with pytest.raises(InvalidEvent):
        store.receipt_of(["no id"])  # type: ignore[list-item]


def test_another_tenant_has_another_log(store: EventStore, database_url: str) -> None:
    facts = said(2)
    store.append("s-1", facts, batch_key="k")
    with EventStore.open(database_url, tenant="acme", registry=FACTS) as other:
        keyed = events_with_key("k", facts)
        assert other.receipt_of(keyed) is None
        assert other.append("s-9", facts, batch_key="k").stream_version == 2
    assert store.receipt_of(keyed) is not None


def test_a_batch_with_a_key_is_recorded_once(store: EventStore, database_url: str) -> None:
    """Made anew each time, so that only the key says that it is the same."""
    receipt = store.append("s-1", said(3), batch_key="import-42")
    assert store.append("s-1", said(3), batch_key="import-42") == receipt
    assert store.append("s-1", said(2), batch_key="import-42").stream_version == 2
    assert store.append("s-1", said(3), batch_key="import-43").stream_version == 6
    changed = [*said(2), Said(number=9)]
    for events, stream_id, reason in (
        (changed, "s-1", "other content"),
        (said(3), "s-2", "another stream"),
        (said(4), "s-1", "partly recorded"),
    ):
        with pytest.raises(DuplicateEventId, match=reason):
            store.append(stream_id, events, batch_key="import-42")

    async def test() -> None:
        async with await AsyncEventStore.open(database_url, registry=FACTS) as awaited:
            assert await awaited.append("s-1", said(3), batch_key="import-42") == receipt

    asyncio.run(test())
    assert store.stream_version("s-1") == 6


@pytest.mark.parametrize("key", ["", "x" * 256, "a\nb", 7])
def test_a_key_is_printable_text(store: EventStore, key: str) -> None:
    with pytest.raises(InvalidEvent, match="batch_key"):
        store.append("s-1", said(1), batch_key=key)
    with pytest.raises(InvalidEvent, match="is no Event"):
        store.append("s-1", ["nothing"], batch_key="k")  # type: ignore[list-item]
    with pytest.raises(InvalidEvent, match="must be a list"):
        store.append("s-1", None, batch_key="k")  # type: ignore[arg-type]


def test_who_comes_after_a_killed_importer_learns_what_it_did(
    database_url: str,
    store: EventStore,
    appender: Connection,
    wait_for_blocked: Callable[[int], None],
) -> None:
    """It died while its append was under way, which was recorded all the same."""
    keyed = events_with_key("import-42", said(3))
    store.append("held-1", [Said()])
    with children(1, "keyed_process", database_url) as [importer]:
        with appender.transaction():
            append(appender, "held-1")
            importer.tell(stream_id="held-1", key="import-42")
            wait_for_blocked(1)
            importer.process.kill()
            importer.process.wait()
            assert store.receipt_of(keyed) is None
        receipt = until(lambda: store.receipt_of(keyed))
    assert receipt is not None
    assert receipt.stream_version == 5
    assert store.append("held-1", said(3), batch_key="import-42") == receipt
    assert store.stream_version("held-1") == 5


def test_a_repeat_of_what_was_detached_is_told_from_other_content(
    store: EventStore, admin: Connection
) -> None:
    asked = Asked(text="once")
    store.append("s-1", [asked])
    (leaf,) = admin.execute("SELECT tableoid::regclass FROM eventstore.events").fetchone() or ()
    admin.execute(f"ALTER TABLE eventstore.events_conversation DETACH PARTITION {leaf}")
    with pytest.raises(DuplicateEventId, match="in a detached month"):
        store.append("s-1", [asked])
    (refused,) = store.import_events([Append("s-1", [asked])]).refusals
    assert refused.error.facts["reason"] == "in a detached month"
