"""What a consumer hands out, and what it drops."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from eventstore.errors import DeliverySettled, LeaseLost
from eventstore.recorded import RecordedEvent
from eventstore.subscriptions.delivery import Delivery
from eventstore.subscriptions.tray import Settled, Tray


def recorded(position: int, stream_id: str) -> RecordedEvent:
    moment = datetime.now(UTC)
    return RecordedEvent(
        position, "t", uuid4(), stream_id, stream_id, position, "x.y", 1, uuid4(), None, None,
        None, "work", b"{}", b"", b"{}", moment, moment,
    )  # fmt: skip


@pytest.fixture
def tray() -> Tray:
    made = Tray("s")
    made.receive([(recorded(1, "a"), 0), (recorded(2, "a"), 0), (recorded(3, "b"), 2)])
    return made


def take(tray: Tray) -> Delivery:
    delivery = tray.take()
    assert delivery is not None
    return delivery


def test_one_of_a_stream_at_a_time(tray: Tray) -> None:
    first, elsewhere = take(tray), take(tray)
    assert (first.recorded.position, elsewhere.recorded.position) == (1, 3)
    assert elsewhere.attempt == 3
    assert tray.take() is None
    assert (tray.in_hands, tray.is_empty) == (2, False)
    first.ack()
    assert take(tray).recorded.position == 2


def test_what_follows_a_failure_is_dropped(tray: Tray) -> None:
    first, elsewhere = take(tray), take(tray)
    first.retry("no", delay=3, details="much more")
    elsewhere.park(ValueError("wrong"))
    assert tray.is_empty
    failed, parked = tray.unsent().failures
    assert failed == {"position": 1, "seconds": 3, "reason": "no", "error": "much more"}
    assert parked["park"]
    assert (parked["reason"], parked["error"]) == ("ValueError: wrong", "ValueError: wrong\n")


def test_what_was_told_is_forgotten(tray: Tray) -> None:
    take(tray).ack()
    told = tray.unsent()
    assert told == Settled((1,))
    take(tray).ack()  # while the store is told
    tray.sent(told)
    assert tray.unsent() == Settled((2,))
    assert len(tray.unsent()) == 1


def test_a_lost_lease_ends_everything(tray: Tray) -> None:
    delivery = take(tray)
    tray.lose()
    assert not delivery.is_open
    assert tray.take() is None
    with pytest.raises(LeaseLost):
        delivery.ack()


def test_settled_is_settled(tray: Tray) -> None:
    delivery = take(tray)
    delivery.ack()
    with pytest.raises(DeliverySettled):
        delivery.retry()


def test_long_and_odd_errors_are_made_storable(tray: Tray) -> None:
    take(tray).retry("x" * 5_000 + "\0end", details="\ud800" + "y" * 30_000)
    [failure] = tray.unsent().failures
    assert len(failure["reason"]) == 1_000
    assert failure["reason"].endswith(r"x\0end")
    assert len(failure["error"]) == 20_000


def test_what_comes_while_a_failure_is_not_told_is_dropped(tray: Tray) -> None:
    """The store gave it out before it knew that an earlier event of the stream had failed."""
    take(tray).retry("no")
    tray.receive([(recorded(4, "a"), 0), (recorded(5, "c"), 0)])
    assert [take(tray).recorded.stream_id for _ in range(2)] == ["b", "c"]
    assert tray.take() is None  # and nothing else
    tray.sent(tray.unsent())
    tray.receive([(recorded(1, "a"), 1), (recorded(2, "a"), 0)])
    assert take(tray).recorded.position == 1
